#include "collector/directory/csv.hpp"

#include "shared/config/plain_text.hpp"

#include <fmt/format.h>

namespace dl::collector::directory {
namespace {

class Reader {
public:
    Reader(std::string_view text, std::string_view name) : rest_(text), name_(name)
    {
        if (rest_.substr(0, 3) == "\xEF\xBB\xBF") rest_.remove_prefix(3);
    }

    Result<std::vector<CsvRecord>> records()
    {
        std::vector<CsvRecord> out;
        while (!rest_.empty()) {
            CsvRecord record;
            record.line = line_;
            if (auto read = read_record(record); !read) return read.error();
            const bool blank = record.fields.size() == 1 && record.fields.front().empty();
            if (!blank) out.push_back(std::move(record));
        }
        return out;
    }

private:
    Result<void> read_record(CsvRecord& record)
    {
        for (;;) {
            if (record.fields.size() == csv_max_fields)
                return at_line(fmt::format("more than {} fields; check the quotes", csv_max_fields));
            std::string field;
            auto read = !rest_.empty() && rest_.front() == '"' ? read_quoted(field) : read_plain(field);
            if (!read) return read;
            record.fields.push_back(std::move(field));
            if (rest_.empty()) return {};
            if (take(',')) continue;
            end_line();
            return {};
        }
    }

    Result<void> read_plain(std::string& field)
    {
        const auto end = rest_.find_first_of(",\r\n\"");
        const auto size = end == std::string_view::npos ? rest_.size() : end;
        if (size > csv_max_field_bytes) return too_long();
        field = rest_.substr(0, size);
        rest_.remove_prefix(size);
        if (!rest_.empty() && rest_.front() == '"')
            return at_line("a quote inside a field; put the whole field in quotes and double the inner one");
        if (!rest_.empty() && rest_.front() == '\r' && (rest_.size() < 2 || rest_[1] != '\n'))
            return at_line("a carriage return without a line feed; save the file with ordinary line ends");
        return {};
    }

    Result<void> read_quoted(std::string& field)
    {
        const auto began = line_;
        rest_.remove_prefix(1);
        for (;;) {
            const auto quote = rest_.find('"');
            if (quote == std::string_view::npos) {
                line_ = began;
                return at_line("a quoted field never ends; add the closing quote");
            }
            if (quote > csv_max_field_bytes - std::min(field.size(), csv_max_field_bytes)) return too_long();
            for (const char c : rest_.substr(0, quote))
                if (c == '\n') ++line_;
            field += rest_.substr(0, quote);
            rest_.remove_prefix(quote + 1);
            if (!take('"')) break;
            field += '"';
        }
        if (!rest_.empty() && rest_.front() != ',' && rest_.front() != '\n' && rest_.substr(0, 2) != "\r\n")
            return at_line("text after a closing quote; double the quotes that belong to the field");
        return {};
    }

    bool take(char wanted)
    {
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void end_line()
    {
        take('\r');
        take('\n');
        ++line_;
    }
    Failure at_line(std::string_view what) const { return invalid_input(fmt::format("{}:{}: {}", name_, line_, what)); }
    Failure too_long() const
    {
        return at_line(fmt::format("a field of more than {} bytes; check the quotes", csv_max_field_bytes));
    }

    std::string_view rest_;
    std::string_view name_;
    std::size_t line_ = 1;
};

}    // namespace

Result<std::vector<CsvRecord>> parse_csv(std::string_view text, std::string_view name)
{
    if (const auto sound = config::check_utf8(text, name); !sound) return sound.error();
    return Reader(text, name).records();
}

}    // namespace dl::collector::directory
