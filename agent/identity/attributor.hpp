// Whose connection is it? One interface; behind it the running system (sock_diag), a table recorded beside a capture
// file, or a test's table. What can't be known is null, never guessed.
#pragma once

#include "agent/flow/sighting.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace dl::agent::identity {

struct Identity {
    std::optional<std::string> user;           ///< account name as the system gives it, else the user id in digits
    std::optional<std::string> application;    ///< executable name or systemd unit
};

class Attributor {
public:
    virtual ~Attributor() = default;
    /// Asked when a connection opens, and once more before its first share is booked where the first answer was empty.
    [[nodiscard]] virtual Identity identify(const flow::Connection& connection) = 0;
};

}    // namespace dl::agent::identity
