// Text files that people edit are UTF-8, or are refused with file and line.
#pragma once

#include "shared/base/failure.hpp"

#include <string>
#include <string_view>

namespace dl::config {

/// A failure "NAME:LINE: …" at the first octet that is no UTF-8 (RFC 3629).
[[nodiscard]] Result<void> check_utf8(std::string_view text, std::string_view name);

}    // namespace dl::config
