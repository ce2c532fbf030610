// Rows on stdout in the four formats that every row-giving verb offers.
#pragma once

#include "shared/base/failure.hpp"

#include <nlohmann/json.hpp>

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::rows {

enum class Format { table, jsonl, tsv, csv };
[[nodiscard]] std::optional<Format> parse_format(std::string_view text);

/// A column: its name (key in jsonl, head elsewhere) and how a table aligns it.
struct Column {
    std::string name;
    enum class Align { left, right } align = Align::left;
};

/// Writes rows in the order they come. A value is a JSON scalar; null prints as null in jsonl, as nothing elsewhere. CSV by
/// RFC 4180, cells beginning = + - @ TAB CR prefixed with ' ; TSV escapes tab, newline and backslash; a table is aligned and
/// cut to the terminal's width when stdout is one.
class RowWriter {
public:
    virtual ~RowWriter() = default;
    virtual void write(const std::vector<nlohmann::json>& values) = 0;
    /// Ends the output (a table prints only here). Failure when the stream broke (a closed pipe, a full disk).
    [[nodiscard]] virtual Result<void> finish() = 0;
};
[[nodiscard]] std::unique_ptr<RowWriter> create_row_writer(Format format, std::vector<Column> columns,
                                                           std::ostream& out);

}    // namespace dl::rows
