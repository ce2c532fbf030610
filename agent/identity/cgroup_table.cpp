#include "agent/identity/cgroup_table.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
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

/// What this thread took of a processor: on a busy machine the clock on the wall tells of others.
std::chrono::nanoseconds taken()
{
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}    // namespace

fs::path CgroupTable::mount_point()
{
    std::error_code error;
    return fs::exists("/sys/fs/cgroup/unified", error) ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
}

void CgroupTable::CloseNotice::operator()(const int* descriptor) const
{
    ::close(*descriptor);
    delete descriptor;
}

CgroupTable::CgroupTable(fs::path root) : root_(std::move(root))
{
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor >= 0) notices_.reset(new int(descriptor));
}

const UnitName& CgroupTable::unit_of(std::uint64_t id)
{
    if (id == 0) return unknown_;
    auto known = units_.find(id);
    if (known == units_.end() && notices_) {
        take_notice();
        known = units_.find(id);
    }
    if (known == units_.end()) {
        if (!complete_) {
            if (std::chrono::steady_clock::now() < read_next_) return unknown_;
            const auto begun = taken();
            read_tree();
            read_next_ = std::chrono::steady_clock::now() +
                         std::max<std::chrono::nanoseconds>((taken() - begun) * share_of_time, shortest_pause);
        }
        // Whoever asks has a socket in the group: where the tree does not have it now, it is gone or not shown here.
        known = units_.try_emplace(id).first;
    }
    return known->second;
}

void CgroupTable::read_tree()
{
    // Ids are never used again while the system runs: what was known of a group that is gone stays true.
    if (units_.size() >= most_groups) units_.clear();
    complete_ = notices_ != nullptr;
    read_below(AT_FDCWD, root_.c_str(), {}, 0);
}

/// Groups come and go while the tree is read: what is gone is passed by, the rest is read all the same.
void CgroupTable::read_below(int parent, const char* name, const std::string& path, int depth)
{
    if (depth > deepest || units_.size() >= most_groups) {
        complete_ = false;
        return;
    }
    const int descriptor = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return;
    const std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(descriptor));
    if (!folder) {
        ::close(descriptor);
        return;
    }
    if (notices_) watch(path);    // before it is read: what is made meanwhile is told
    struct stat status {};
    if (::fstat(descriptor, &status) == 0 && !units_.contains(status.st_ino))
        units_.emplace(status.st_ino, unit_in(path));
    while (const dirent* entry = ::readdir(folder.get())) {
        const std::string_view below = entry->d_name;
        if (entry->d_type != DT_DIR || below == "." || below == "..") continue;
        read_below(descriptor, entry->d_name, path + std::string(below) + '/', depth + 1);
    }
}

void CgroupTable::watch(const std::string& path)
{
    const int made = ::inotify_add_watch(*notices_, (root_ / path).c_str(), IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW);
    if (made >= 0)
        watched_[made] = path;
    else if (errno != ENOENT)
        complete_ = false;    // as many as the kernel has for this user, or none at all
}

void CgroupTable::take_notice()
{
    alignas(inotify_event) std::array<char, 16384> events;
    for (;;) {
        const ssize_t size = ::read(*notices_, events.data(), events.size());
        if (size <= 0) return;
        for (const char* at = events.data(); at < events.data() + size;) {
            inotify_event event{};
            std::memcpy(&event, at, sizeof event);
            notice(event.wd, event.mask, event.len > 0 ? at + sizeof event : "");
            at += sizeof event + event.len;
        }
    }
}

void CgroupTable::notice(int watch, std::uint32_t what, const char* name)
{
    if ((what & IN_Q_OVERFLOW) != 0) complete_ = false;
    if ((what & IN_IGNORED) != 0) watched_.erase(watch);    // the group is gone
    if ((what & IN_CREATE) == 0 || (what & IN_ISDIR) == 0) return;
    const auto parent = watched_.find(watch);
    if (parent == watched_.end()) return;
    const std::string path = parent->second + name + '/';
    read_below(AT_FDCWD, (root_ / path).c_str(), path, static_cast<int>(std::count(path.begin(), path.end(), '/')));
}

}    // namespace dl::agent::identity
