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
    std::optional<std::string> application;    ///< name of the executable, else what its unit tells (unit_name.hpp)
    std::optional<std::string> process{};      ///< name of the executable; null where that may not be known
    std::optional<std::string> unit{};         ///< systemd unit or container of its control group
    std::uint64_t cgroup = 0;                  ///< id of that group; 0: not told
};

class Attributor {
public:
    virtual ~Attributor() = default;
    /// Called once, when privilege was given up and threads may be started; before the first question.
    virtual void start() {}
    /// Asked when a connection opens, and once more before its first share is booked where the first answer was empty.
    [[nodiscard]] virtual Identity identify(const flow::Connection& connection) = 0;
};

}    // namespace dl::agent::identity
