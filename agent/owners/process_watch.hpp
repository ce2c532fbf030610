// The process watch: answers which program holds a socket, over a Unix socket, to the agent and to nobody else. It runs
// apart from the agent because it may look into all processes (CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH), and parses no
// packet: all it reads from outside is a question of 16 octets, or of 4. Where it keeps the kernel's records
// (kernel/recorder.hpp), it hands the agent their tables.
#pragma once

#include "agent/owners/message.hpp"

#include "shared/base/failure.hpp"

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dl::agent::owners {

/// Who is answered: processes in this control group (as /proc/PID/cgroup has it), and these users.
struct Admission {
    std::string cgroup = "/system.slice/daylight-agent.service";
    std::vector<uid_t> users;
};

/// `cgroup_file` is the text of /proc/PID/cgroup: the group is compared whole, since users may name units as they like.
[[nodiscard]] bool is_admitted(const Admission& admission, uid_t user, std::string_view cgroup_file);

/// What is said to an agent that asks for the kernel's records.
struct RecordsOffer {
    Records state = Records::not_asked_for;
    int by_ends = -1;    ///< descriptors to hand over where they are `on`; not owned
    int by_cookie = -1;
};

class ProcessWatch {
public:
    /// Makes the socket; one that was left by a process that is gone is replaced.
    [[nodiscard]] static Result<ProcessWatch> open(const std::filesystem::path& socket, Admission admission);
    ProcessWatch(ProcessWatch&& other) noexcept;
    ProcessWatch& operator=(ProcessWatch&&) = delete;
    ~ProcessWatch();

    /// Answers until `stop` is true (looked at twice a second) or the socket fails.
    [[nodiscard]] Result<void> serve(const std::atomic<bool>& stop, const RecordsOffer& offer = {});

private:
    ProcessWatch(int listener, std::filesystem::path socket, Admission admission);
    int listener_ = -1;
    std::filesystem::path socket_;
    Admission admission_;
};

/// Keeps the two capabilities and gives up every other, for good (capabilities(7), PR_SET_NO_NEW_PRIVS). Where the
/// process never had them, it goes on without and finds less: the answer says which are missing.
[[nodiscard]] Result<std::vector<std::string>> keep_only_looking();
/// Allows the few system calls that answering needs (seccomp(2)); all others fail with EPERM.
[[nodiscard]] Result<void> confine_to_answering();

}    // namespace dl::agent::owners
