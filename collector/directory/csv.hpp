// Comma-separated values by RFC 4180: quoted fields may hold commas, quotes (doubled) and line breaks. LF alone ends a
// line too; a UTF-8 byte order mark is skipped; empty lines are skipped.
#pragma once

#include "shared/base/failure.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::directory {

struct CsvRecord {
    std::size_t line = 0;    ///< of the file, from 1, where the record begins
    std::vector<std::string> fields;
};

inline constexpr std::size_t csv_max_fields = 64;
inline constexpr std::size_t csv_max_field_bytes = 16 * 1024;

/// `name` stands before the line in messages. A failure reads NAME:LINE: what is wrong; what to do.
[[nodiscard]] Result<std::vector<CsvRecord>> parse_csv(std::string_view text, std::string_view name);

}    // namespace dl::collector::directory
