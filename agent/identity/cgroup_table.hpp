// Control groups by their ids, as socket diagnosis gives them: the inode of the cgroup v2 directory. Needs no
// privilege.
#pragma once

#include "agent/identity/unit_name.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>

namespace dl::agent::identity {

class CgroupTable {
public:
    /// Where cgroup v2 is mounted on this system, also beside version 1.
    [[nodiscard]] static std::filesystem::path mount_point();
    explicit CgroupTable(std::filesystem::path root = mount_point());

    /// Nothing in it where the id is 0, unknown, or was a group that is gone. An unknown id makes the tree be read
    /// again, but reading takes at most one part in fifty of the time.
    [[nodiscard]] const UnitName& unit_of(std::uint64_t id);

private:
    using Moment = std::chrono::steady_clock::time_point;
    void read_tree();
    void read_below(int parent, const char* name, const std::string& path, int depth);

    std::filesystem::path root_;
    std::unordered_map<std::uint64_t, UnitName> units_;
    Moment read_next_{};
    UnitName unknown_;
};

}    // namespace dl::agent::identity
