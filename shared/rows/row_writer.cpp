#include "shared/rows/row_writer.hpp"

#include "shared/rows/cell_text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <numeric>

namespace dl::rows {
namespace {

constexpr std::size_t narrowest_cut = 8;    // a column of text is never cut below this
constexpr std::string_view gap = "  ";

/// What all formats share: the stream, and one buffer for the line being made.
class StreamWriter : public RowWriter {
public:
    StreamWriter(std::vector<Column> columns, std::ostream& out) : columns_(std::move(columns)), out_(out) {}

    Result<void> finish() override
    {
        out_.flush();
        if (!out_)
            return io_failure(
                "standard output: the rows could not all be written; check that its reader still runs and "
                "the disk has room");
        return {};
    }

protected:
    void put_line()
    {
        out_.write(line_.data(), static_cast<std::streamsize>(line_.size()));
        line_.clear();
    }

    std::vector<Column> columns_;
    std::ostream& out_;
    std::string line_;
};

class JsonLines final : public StreamWriter {
public:
    JsonLines(std::vector<Column> columns, std::ostream& out) : StreamWriter(std::move(columns), out)
    {
        for (const Column& column : columns_)
            keys_.push_back(nlohmann::json(column.name).dump() + ':');
    }

    void write(const std::vector<nlohmann::json>& values) override
    {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            line_ += i == 0 ? '{' : ',';
            line_ += keys_[i];
            line_ += i < values.size()
                         ? harmless_json(values[i].dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
                         : "null";
        }
        line_ += columns_.empty() ? "{}\n" : "}\n";
        put_line();
    }

private:
    std::vector<std::string> keys_;
};

/// TSV and CSV: a head, then one line per row; they differ in separator, line end and escaping.
class SeparatedValues final : public StreamWriter {
public:
    SeparatedValues(Format format, std::vector<Column> columns, std::ostream& out)
        : StreamWriter(std::move(columns), out), format_(format)
    {
        for (std::size_t i = 0; i < columns_.size(); ++i)
            put_cell(i, columns_[i].name);
        end_line();
    }

    void write(const std::vector<nlohmann::json>& values) override
    {
        for (std::size_t i = 0; i < columns_.size(); ++i)
            put_cell(i, i < values.size() ? values[i] : nlohmann::json{});
        end_line();
    }

private:
    void put_cell(std::size_t index, const nlohmann::json& value)
    {
        if (index > 0) line_ += format_ == Format::tsv ? '\t' : ',';
        std::string text = plain_text(value);
        if (format_ == Format::tsv)
            put_tsv(text);
        else
            put_csv(text, value.is_number());
    }

    void put_tsv(const std::string& text)
    {
        std::string escaped;
        escaped.reserve(text.size());
        for (const char c : text)
            switch (c) {
                case '\t': escaped += "\\t"; break;
                case '\n': escaped += "\\n"; break;
                case '\r': escaped += "\\r"; break;
                case '\\': escaped += "\\\\"; break;
                default: escaped += c;
            }
        line_ += harmless_text(escaped);
    }

    void put_csv(std::string& text, bool number)
    {
        text = harmless_text(text, "\t\r\n");
        // A spreadsheet would run such a cell as a formula; a negative number of ours is none.
        if (!number && !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos)
            text.insert(text.begin(), '\'');
        if (text.find_first_of(",\"\r\n") == std::string::npos) {
            line_ += text;
            return;
        }
        line_ += '"';
        for (const char c : text) {
            if (c == '"') line_ += '"';
            line_ += c;
        }
        line_ += '"';
    }

    void end_line()
    {
        line_ += format_ == Format::tsv ? "\n" : "\r\n";
        put_line();
    }

    Format format_;
};

/// Keeps all rows until finish(), where the widths are known only then.
class Table final : public StreamWriter {
public:
    Table(std::vector<Column> columns, std::ostream& out, std::size_t width)
        : StreamWriter(std::move(columns), out), limit_(width), right_(columns_.size())
    {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            right_[i] = columns_[i].align == Column::Align::right;
            widths_.push_back(display_width(columns_[i].name));
        }
    }

    [[nodiscard]] bool measures() const override { return true; }
    void measure(const std::vector<nlohmann::json>& values) override
    {
        measured_ = true;
        (void)cells_of(values);
    }

    void write(const std::vector<nlohmann::json>& values) override
    {
        if (!measured_) {
            rows_.push_back(cells_of(values));
            return;
        }
        if (!headed_) put_head();
        put_row(cells_of(values));
    }

    Result<void> finish() override
    {
        if (!headed_) put_head();
        for (const std::vector<std::string>& row : rows_)
            put_row(row);
        return StreamWriter::finish();
    }

private:
    std::vector<std::string> cells_of(const std::vector<nlohmann::json>& values)
    {
        std::vector<std::string> cells(columns_.size());
        for (std::size_t i = 0; i < columns_.size() && i < values.size(); ++i) {
            cells[i] = display_text(values[i]);
            if (!headed_) widths_[i] = std::max(widths_[i], display_width(cells[i]));
        }
        return cells;
    }

    void put_head()
    {
        headed_ = true;
        fit();
        std::vector<std::string> head;
        std::vector<std::string> rule;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            head.push_back(columns_[i].name);
            std::string& line = rule.emplace_back();
            for (std::size_t column = 0; column < widths_[i]; ++column)
                line += "─";
        }
        put_row(head);
        put_row(rule);
    }

    /// Takes width from the widest text column until the table fits or no text column can give any.
    void fit()
    {
        if (limit_ == 0 || columns_.empty()) return;
        std::size_t total = std::accumulate(widths_.begin(), widths_.end(), gap.size() * (columns_.size() - 1));
        while (total > limit_) {
            std::size_t widest = columns_.size();
            for (std::size_t i = 0; i < columns_.size(); ++i)
                if (!right_[i] && widths_[i] > narrowest_cut &&
                    (widest == columns_.size() || widths_[i] > widths_[widest]))
                    widest = i;
            if (widest == columns_.size()) return;
            --widths_[widest];
            --total;
        }
    }

    void put_row(const std::vector<std::string>& cells)
    {
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::string text = right_[i] ? cells[i] : cut_to_width(cells[i], widths_[i]);
            const std::size_t width = display_width(text);
            const std::string blanks(widths_[i] > width ? widths_[i] - width : 0, ' ');
            if (i > 0) line_ += gap;
            if (right_[i]) line_ += blanks;
            line_ += text;
            if (!right_[i]) line_ += blanks;
        }
        line_.erase(line_.find_last_not_of(' ') + 1);
        line_ += '\n';
        put_line();
    }

    std::size_t limit_;
    bool measured_ = false;    ///< rows were told before: none need be kept
    bool headed_ = false;
    std::vector<bool> right_;
    std::vector<std::size_t> widths_;
    std::vector<std::vector<std::string>> rows_;
};

std::size_t terminal_width(const std::ostream& out)
{
    winsize size{};
    if (&out != &std::cout || isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

}    // namespace

std::optional<Format> parse_format(std::string_view text)
{
    if (text == "table") return Format::table;
    if (text == "jsonl") return Format::jsonl;
    if (text == "tsv") return Format::tsv;
    if (text == "csv") return Format::csv;
    return std::nullopt;
}

std::unique_ptr<RowWriter> create_row_writer(Format format, std::vector<Column> columns, std::ostream& out,
                                             std::size_t table_width)
{
    switch (format) {
        case Format::jsonl: return std::make_unique<JsonLines>(std::move(columns), out);
        case Format::tsv:
        case Format::csv: return std::make_unique<SeparatedValues>(format, std::move(columns), out);
        case Format::table: break;
    }
    return std::make_unique<Table>(std::move(columns), out, table_width ? table_width : terminal_width(out));
}

}    // namespace dl::rows
