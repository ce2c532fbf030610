// Which program holds a socket, and in which unit it runs, as far as this process may know: /proc for processes whose
// file descriptors it may read (its own user's, or all with CAP_SYS_PTRACE), cgroup v2 directory names for all.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace dl::agent::identity {

class ProcessTable {
public:
    /// Name of the program whose descriptor is the socket with this inode; nothing where that is not permitted to know
    /// or over. Looks through /proc at most five times a second.
    [[nodiscard]] std::optional<std::string> program_of(std::uint32_t socket_inode);
    /// Last systemd unit (.service, .scope) on the path of the cgroup with this id; nothing where it is in none.
    [[nodiscard]] std::optional<std::string> unit_of(std::uint64_t cgroup);

private:
    void read_processes();
    void read_cgroups();

    using Moment = std::chrono::steady_clock::time_point;
    std::unordered_map<std::uint32_t, std::string> programs_;
    std::unordered_map<std::uint64_t, std::string> units_;
    Moment processes_read_{};
    Moment cgroups_read_{};
};

}    // namespace dl::agent::identity
