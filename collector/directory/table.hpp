// A CSV file with a head line: fields by column name, every message with file and line.
#pragma once

#include "collector/directory/csv.hpp"
#include "shared/base/time.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::directory {

struct TableColumn {
    std::string_view name;
    enum class Presence { required, optional } presence = Presence::required;
};

class Table {
public:
    /// Reads the whole file (at most 64 MiB). A column that is not known, missing or doubled is a failure.
    [[nodiscard]] static Result<Table> read(const std::filesystem::path& file, const std::vector<TableColumn>& columns);

    [[nodiscard]] std::size_t size() const { return records_.size(); }
    /// Without surrounding blanks; empty where the file has no such column.
    [[nodiscard]] std::string_view field(std::size_t row, std::string_view column) const;
    /// Nothing where the field is empty.
    [[nodiscard]] Result<std::optional<Day>> day(std::size_t row, std::string_view column) const;
    [[nodiscard]] std::size_t line(std::size_t row) const { return records_[row].line; }
    /// FILE:LINE: message
    [[nodiscard]] Failure fail(std::size_t row, std::string_view message) const;
    [[nodiscard]] const std::string& content() const { return content_; }

private:
    std::string name_;
    std::string content_;
    std::vector<std::string> head_;
    std::vector<CsvRecord> records_;
};

}    // namespace dl::collector::directory
