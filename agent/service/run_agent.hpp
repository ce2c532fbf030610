// A running agent, put together: sockets opened, privilege given up, then watching and reporting until told to stop.
#pragma once

#include "agent/settings.hpp"
#include "shared/base/failure.hpp"

#include <string>

namespace dl::agent::service {

enum class Ending {
    when_told,            ///< SIGTERM or SIGINT: what was seen is reported once more
    when_acknowledged,    ///< a capture file: when all that is in it was acknowledged
};

/// Blocks until it ended. A failure of the packet source comes after what was read before it was booked and reported.
[[nodiscard]] Result<void> run_agent(const Settings& settings, Ending ending);

/// What the host is called in reports: the setting, else the system's name.
[[nodiscard]] std::string device_name(const Settings& settings);

}    // namespace dl::agent::service
