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

class ProcessFinder {
public:
    virtual ~ProcessFinder() = default;
    /// The process that has the socket open now; nothing where that is not permitted to know, or over.
    [[nodiscard]] virtual std::optional<Process> find(const SocketOwner& owner) = 0;
};

}    // namespace dl::agent::identity
