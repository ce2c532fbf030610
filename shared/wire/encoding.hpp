// Which of the two encodings a report came in.
#pragma once

#include "shared/wire/report.hpp"

#include <string_view>

namespace dl::wire {

inline constexpr std::string_view json_media_type = "application/vnd.daylight.report+json";
inline constexpr std::string_view columns_media_type = "application/vnd.daylight.report+cbor+zstd";

/// Decodes by the request's Content-Type (RFC 9110 section 8.3): one of the two above, or application/json. Parameters
/// are ignored. Another type is a failure that names those that are taken.
[[nodiscard]] Result<Report> decode_report(std::string_view content_type, std::string_view body);

}    // namespace dl::wire
