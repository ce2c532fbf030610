// One zstd frame (RFC 8878) with a declared content size, as the columns travel in.
#pragma once

#include "shared/base/failure.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace dl::wire {

/// Level 1, content size and checksum in the frame.
[[nodiscard]] Result<std::string> compress_frame(std::string_view content);

/// Takes exactly one frame whose declared content size is at most `limit`: that is checked before anything is
/// allocated, and no more than declared is ever written.
[[nodiscard]] Result<std::string> decompress_frame(std::string_view frame, std::size_t limit);

}    // namespace dl::wire
