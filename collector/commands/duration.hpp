// Lengths of time as people type them: 90s, 30m, 24h, 7d.
#pragma once

#include "shared/base/failure.hpp"

#include <chrono>
#include <string_view>

namespace dl::collector::commands {

[[nodiscard]] Result<std::chrono::seconds> parse_duration(std::string_view text);

}    // namespace dl::collector::commands
