#include "collector/directory/table.hpp"

#include "shared/tls/files.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dl::collector::directory {
namespace {

constexpr std::size_t largest_file = 64u << 20;

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string names_of(const std::vector<TableColumn>& columns)
{
    std::string out;
    for (const auto& column : columns)
        out += (out.empty() ? "" : ", ") + std::string(column.name);
    return out;
}

}    // namespace

Result<Table> Table::read(const std::filesystem::path& file, const std::vector<TableColumn>& columns)
{
    Table table;
    table.name_ = file.string();
    auto content = tls::read_whole_file(file, largest_file);
    if (!content) return content.error();
    table.content_ = std::move(*content);
    auto records = parse_csv(table.content_, table.name_);
    if (!records) return records.error();
    if (records->empty())
        return invalid_input(
            fmt::format("{}:1: no head line; it names the columns {}", table.name_, names_of(columns)));

    for (const auto& name : records->front().fields) {
        const std::string head{trimmed(name)};
        if (std::none_of(columns.begin(), columns.end(), [&](const auto& column) { return column.name == head; }))
            return invalid_input(fmt::format("{}:{}: unknown column '{}'; known are {}", table.name_,
                                             records->front().line, head, names_of(columns)));
        if (std::find(table.head_.begin(), table.head_.end(), head) != table.head_.end())
            return invalid_input(fmt::format("{}:{}: column '{}' stands there twice; remove one", table.name_,
                                             records->front().line, head));
        table.head_.push_back(head);
    }
    for (const auto& column : columns) {
        const bool missing = std::find(table.head_.begin(), table.head_.end(), column.name) == table.head_.end();
        if (missing && column.presence == TableColumn::Presence::required)
            return invalid_input(fmt::format("{}:{}: column '{}' is missing; add it to the head line", table.name_,
                                             records->front().line, column.name));
    }
    records->erase(records->begin());
    for (const auto& record : *records)
        if (record.fields.size() != table.head_.size())
            return invalid_input(fmt::format("{}:{}: {} fields, the head line has {}; check commas and quotes",
                                             table.name_, record.line, record.fields.size(), table.head_.size()));
    table.records_ = std::move(*records);
    return table;
}

std::string_view Table::field(std::size_t row, std::string_view column) const
{
    const auto found = std::find(head_.begin(), head_.end(), column);
    if (found == head_.end()) return {};
    return trimmed(records_[row].fields[static_cast<std::size_t>(found - head_.begin())]);
}

Result<std::optional<Day>> Table::day(std::size_t row, std::string_view column) const
{
    const auto text = field(row, column);
    if (text.empty()) return std::optional<Day>{};
    auto day = parse_iso_date(text);
    if (!day) return fail(row, fmt::format("'{}' in column '{}' is no date; write it as 2026-03-01", text, column));
    return std::optional<Day>{*day};
}

Failure Table::fail(std::size_t row, std::string_view message) const
{
    return invalid_input(fmt::format("{}:{}: {}", name_, records_[row].line, message));
}

}    // namespace dl::collector::directory
