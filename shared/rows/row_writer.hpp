// Rows on stdout in the four formats that every row-giving verb offers.
#pragma once

#include "shared/base/failure.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
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

/// Writes rows in the order they come. A value is a JSON scalar; null prints as null in jsonl, as nothing elsewhere.
/// CSV by RFC 4180 (CRLF line ends), text beginning = + - @ TAB CR prefixed with ' ; TSV escapes tab, newline, carriage
/// return and backslash; a table is aligned. Names are strangers', and all of these end on terminals: in every format
/// control characters and bidirectional overrides are escaped, in jsonl so that they read back as they were.
class RowWriter {
public:
    virtual ~RowWriter() = default;
    /// True where telling every row to measure() before the first is written spares keeping them all in memory. Told
    /// one, it must be told all.
    [[nodiscard]] virtual bool measures() const { return false; }
    virtual void measure(const std::vector<nlohmann::json>& /*values*/) {}
    virtual void write(const std::vector<nlohmann::json>& values) = 0;
    /// Ends the output (a table that was told no widths prints only here). Failure when the stream broke (a closed
    /// pipe, a full disk).
    [[nodiscard]] virtual Result<void> finish() = 0;
};
/// `table_width` in columns cuts a table's text, never its numbers; 0: the terminal's width when `out` is std::cout and
/// that is a terminal, else no limit. `out` outlives the writer.
[[nodiscard]] std::unique_ptr<RowWriter> create_row_writer(Format format, std::vector<Column> columns,
                                                           std::ostream& out, std::size_t table_width = 0);

}    // namespace dl::rows
