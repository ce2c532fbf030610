#include "agent/identity/cgroup_table.hpp"

#include <sys/stat.h>

namespace dl::agent::identity {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t most_groups = 16384;
constexpr int share_of_time = 50;
constexpr auto shortest_pause = 5ms;

}    // namespace

fs::path CgroupTable::mount_point()
{
    std::error_code error;
    return fs::exists("/sys/fs/cgroup/unified", error) ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
}

CgroupTable::CgroupTable(fs::path root) : root_(std::move(root)) {}

const UnitName& CgroupTable::unit_of(std::uint64_t id)
{
    if (id == 0) return unknown_;
    auto known = units_.find(id);
    if (known == units_.end()) {
        const Moment begun = std::chrono::steady_clock::now();
        if (begun < read_next_) return unknown_;
        read_tree();
        const Moment done = std::chrono::steady_clock::now();
        read_next_ = done + std::max<std::chrono::nanoseconds>((done - begun) * share_of_time, shortest_pause);
        // Whoever asks has a socket in the group: where the tree does not have it now, it is gone or not shown here.
        known = units_.try_emplace(id).first;
    }
    return known->second;
}

void CgroupTable::read_tree()
{
    // Ids are never used again while the system runs: what was known of a group that is gone stays true.
    if (units_.size() >= most_groups) units_.clear();
    std::error_code error;
    struct stat top {};
    if (::stat(root_.c_str(), &top) == 0) units_.try_emplace(top.st_ino);
    for (fs::recursive_directory_iterator at(root_, fs::directory_options::skip_permission_denied, error), end;
         !error && at != end; at.increment(error)) {
        std::error_code ignored;
        if (!at->is_directory(ignored) || at->is_symlink(ignored)) continue;
        if (units_.size() >= most_groups) return;
        struct stat status {};
        if (::stat(at->path().c_str(), &status) != 0 || units_.contains(status.st_ino)) continue;
        units_.emplace(status.st_ino, unit_in(at->path().lexically_relative(root_).string()));
    }
}

}    // namespace dl::agent::identity
