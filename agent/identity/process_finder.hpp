// Which program holds a socket? One interface; behind it a search of /proc as far as this process may look, or the
// unit that may look further (agent/owners).
#pragma once

#include "agent/identity/sock_diag.hpp"

#include <sys/types.h>

#include <optional>
#include <string>

namespace dl::agent::identity {

struct Process {
    pid_t pid = 0;
    std::string name;    ///< of the executable's file, without its folder
};

/// Who made a connection, as the kernel wrote it down at that moment.
struct Origin {
    std::uint32_t uid = 0;
    std::uint64_t cgroup = 0;
    Process process;
};

class ProcessFinder {
public:
    virtual ~ProcessFinder() = default;
    /// Called once before the first question.
    virtual void start() {}
    /// The process that has the socket open now; nothing where that is not permitted to know, or over.
    [[nodiscard]] virtual std::optional<Process> find(const SocketOwner& owner) = 0;
    /// From the kernel's records, where there are any: at once, from any thread, also when the socket is gone. `netns`
    /// is the kernel's cookie of the network namespace.
    [[nodiscard]] virtual std::optional<Origin> origin_of(const flow::Connection&, std::uint64_t /*netns*/)
    {
        return std::nullopt;
    }
    /// The same by a socket that is open still.
    [[nodiscard]] virtual std::optional<Process> recorded(const SocketOwner&) { return std::nullopt; }
};

}    // namespace dl::agent::identity
