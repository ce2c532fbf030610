#include "agent/identity/cgroup_table.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace dl::agent::identity {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t most_groups = 16384;
constexpr int share_of_time = 50;
constexpr int deepest = 32;
constexpr auto shortest_pause = 5ms;

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

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
    read_below(AT_FDCWD, root_.c_str(), {}, 0);
}

/// Groups come and go while the tree is read: what is gone is passed by, the rest is read all the same.
void CgroupTable::read_below(int parent, const char* name, const std::string& path, int depth)
{
    if (depth > deepest || units_.size() >= most_groups) return;
    const int descriptor = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return;
    const std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(descriptor));
    if (!folder) {
        ::close(descriptor);
        return;
    }
    struct stat status {};
    if (::fstat(descriptor, &status) == 0 && !units_.contains(status.st_ino))
        units_.emplace(status.st_ino, unit_in(path));
    while (const dirent* entry = ::readdir(folder.get())) {
        const std::string_view below = entry->d_name;
        if (entry->d_type != DT_DIR || below == "." || below == "..") continue;
        read_below(descriptor, entry->d_name, path + std::string(below) + '/', depth + 1);
    }
}

}    // namespace dl::agent::identity
