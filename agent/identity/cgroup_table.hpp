// Control groups by their ids, as socket diagnosis gives them: the inode of the cgroup v2 directory. Needs no
// privilege.
#pragma once

#include "agent/identity/unit_name.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>

namespace dl::agent::identity {

class CgroupTable {
public:
    /// Where cgroup v2 is mounted on this system, also beside version 1.
    [[nodiscard]] static std::filesystem::path mount_point();
    explicit CgroupTable(std::filesystem::path root = mount_point());

    /// Nothing in it where the id is 0, unknown, or was a group that is gone. Groups made since the last question are
    /// known by the kernel's word (inotify(7)); where it has none for us, an unknown id makes the tree be read again,
    /// but reading takes at most one part in fifty of the thread's time.
    [[nodiscard]] const UnitName& unit_of(std::uint64_t id);

private:
    using Moment = std::chrono::steady_clock::time_point;
    struct CloseNotice {
        void operator()(const int* descriptor) const;
    };
    void read_tree();
    void read_below(int parent, const char* name, const std::string& path, int depth);
    /// Has the kernel tell of groups that are made in this one.
    void watch(const std::string& path);
    /// Reads the groups that were made since.
    void take_notice();
    void notice(int watch, std::uint32_t what, const char* name);

    std::filesystem::path root_;
    std::unordered_map<std::uint64_t, UnitName> units_;
    Moment read_next_{};
    std::unique_ptr<const int, CloseNotice> notices_;    ///< null: the kernel does not tell
    std::unordered_map<int, std::string> watched_;       ///< paths below the root, by watch
    bool complete_ = false;                              ///< every group that there is was read, and is watched
    UnitName unknown_;
};

}    // namespace dl::agent::identity
