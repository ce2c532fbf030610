// The CBOR-columns encoding of FORMAT.md: one zstd frame (RFC 8878) around CBOR (RFC 8949) with a string table, the
// cells column by column, delta-coded. What agents send.
#pragma once

#include "shared/wire/report.hpp"

#include <string>
#include <string_view>

namespace dl::wire {

/// A failure (a bug of the caller) where an index points outside its table or a bound of limits.hpp is broken: an agent
/// splits its reports well below them.
[[nodiscard]] Result<std::string> encode_columns(const Report& report);
/// Never takes more memory than FORMAT.md says, whatever the bytes.
[[nodiscard]] Result<Report> decode_columns(std::string_view body);

}    // namespace dl::wire
