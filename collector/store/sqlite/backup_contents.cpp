#include "collector/store/sqlite/backup_contents.hpp"

#include "shared/base/digest.hpp"
#include "shared/base/id.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace dl::collector::store {
namespace {

constexpr std::size_t buffered = 64 * 1024;

/// SHA-256 over values, each with its kind and, where it has one, its length: no two rows of values look alike.
class RowDigest {
public:
    void add(sqlite3_stmt* row)
    {
        for (int column = 0; column < sqlite3_column_count(row); ++column) {
            const int kind = sqlite3_column_type(row, column);
            bytes_.push_back(static_cast<std::uint8_t>(kind));
            if (kind == SQLITE_INTEGER) {
                number(static_cast<std::uint64_t>(sqlite3_column_int64(row, column)));
            } else if (kind != SQLITE_NULL) {    // text and octets; a real number by its text
                const auto* content = static_cast<const std::uint8_t*>(
                    kind == SQLITE_BLOB ? sqlite3_column_blob(row, column)
                                        : static_cast<const void*>(sqlite3_column_text(row, column)));
                const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
                number(size);
                if (size > 0) bytes_.insert(bytes_.end(), content, content + size);
            }
        }
        ++rows_;
        if (bytes_.size() >= buffered) flush();
    }
    [[nodiscard]] Part finish(std::string name)
    {
        flush();
        return {std::move(name), rows_, to_hex(sha256_.finish())};
    }

private:
    void number(std::uint64_t value)
    {
        for (int shift = 56; shift >= 0; shift -= 8)
            bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
    }
    void flush()
    {
        sha256_.add(bytes_);
        bytes_.clear();
    }

    Sha256 sha256_;
    std::vector<std::uint8_t> bytes_;
    std::int64_t rows_ = 0;
};

Part digest_rows(Database& database, std::string name, const std::string& sql)
{
    Statement rows(database, sql);
    RowDigest digest;
    while (rows.step())
        digest.add(rows.raw());
    return digest.finish(std::move(name));
}

std::string digest_of_all(const std::vector<Part>& parts)
{
    std::string lines;
    for (const Part& part : parts)
        lines += fmt::format("{}\t{}\t{}\n", part.name, part.rows, part.sha256);
    return "sha256:" + to_hex(sha256(lines));
}

bool by_name(const Part& a, const Part& b) { return a.name < b.name; }

[[noreturn]] void refuse(const Database& backup, const std::string& what)
{
    throw StoreError(invalid_input(fmt::format("{}: {}; use another backup", backup.file().string(), what)));
}

}    // namespace

std::vector<Part> digest_tables(Database& database)
{
    std::vector<std::string> tables;
    Statement names(database,
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
                    "AND name NOT LIKE 'backup\\_%' ESCAPE '\\' ORDER BY name");
    while (names.step())
        tables.emplace_back(names.text(0));
    std::vector<Part> parts{digest_rows(
        database, "schema",
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name NOT LIKE 'backup\\_%' ESCAPE '\\' "
        "UNION ALL SELECT 'version', user_version, NULL, NULL FROM pragma_user_version ORDER BY 1, 2")};
    // Without an index a table is read in the order of its key.
    for (const std::string& table : tables)
        parts.push_back(
            digest_rows(database, "table " + table, fmt::format("SELECT * FROM \"{}\" NOT INDEXED", table)));
    std::ranges::sort(parts, by_name);
    return parts;
}

std::vector<Part> digest_files(Database& backup)
{
    std::vector<Part> parts;
    Statement files(backup, "SELECT path, mode, content FROM backup_files ORDER BY path");
    while (files.step()) {
        RowDigest digest;
        digest.add(files.raw());
        parts.push_back(digest.finish(fmt::format("file {}", files.text(0))));
    }
    return parts;
}

void write_contents(Database& backup, const std::vector<Part>& parts)
{
    backup.execute("CREATE TABLE backup_contents(part TEXT PRIMARY KEY, rows INTEGER NOT NULL, sha256 TEXT NOT NULL)");
    Statement insert(backup, "INSERT INTO backup_contents VALUES(?1, ?2, ?3)");
    for (const Part& part : parts)
        insert.bind(1, part.name).bind(2, part.rows).bind(3, part.sha256).run();
}

std::string check_contents(Database& backup)
{
    const bool told = backup.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'backup_contents'") > 0;
    const bool expected = backup.integer("PRAGMA application_id") != backup_without_digests;
    if (!told && !expected) return {};
    if (!told || !expected) refuse(backup, "is changed: what it says of its contents does not fit its kind");

    std::map<std::string, Part> written;
    Statement told_parts(backup, "SELECT part, rows, sha256 FROM backup_contents");
    while (told_parts.step()) {
        const std::string name(told_parts.text(0));
        written[name] = {name, told_parts.integer(1), std::string(told_parts.text(2))};
    }
    std::vector<Part> found = digest_tables(backup);
    for (Part& file : digest_files(backup))
        found.push_back(std::move(file));
    std::ranges::sort(found, by_name);
    for (const Part& part : found) {
        const auto other = written.find(part.name);
        if (other == written.end()) refuse(backup, fmt::format("{} was not in it when it was written", part.name));
        if (part.rows != other->second.rows)
            refuse(backup, fmt::format("{} has {} rows, {} were written", part.name, part.rows, other->second.rows));
        if (part != other->second)
            refuse(backup, fmt::format("{} is not what was written (its SHA-256 differs)", part.name));
        written.erase(other);
    }
    if (!written.empty()) refuse(backup, fmt::format("{} is missing", written.begin()->first));
    return digest_of_all(found);
}

}    // namespace dl::collector::store
