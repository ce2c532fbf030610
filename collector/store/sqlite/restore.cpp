#include "collector/store/sqlite/backup.hpp"

#include "collector/store/sqlite/backup_contents.hpp"
#include "collector/store/sqlite/durable_files.hpp"
#include "collector/store/sqlite/schema.hpp"
#include "shared/base/id.hpp"

#include <fmt/format.h>

#include <fstream>

namespace dl::collector::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t sqlite_head = 100;    // octets of every SQLite database

/// A relative path that stays inside: a backup comes from elsewhere.
bool is_inside(const fs::path& path)
{
    if (path.empty() || path.is_absolute()) return false;
    for (const auto& part : path)
        if (part == ".." || part == ".") return false;
    return true;
}

void renew_incarnation(Database& database)
{
    Statement renew(database, "UPDATE meta SET value = ?1 WHERE key = 'incarnation'");
    renew.bind(1, StoreIncarnation::random().bytes).run();
}

void refuse_used_directory(const fs::path& directory)
{
    std::error_code error;
    if (fs::exists(directory, error) && !(fs::is_directory(directory, error) && fs::is_empty(directory, error)))
        throw StoreError(
            conflict(fmt::format("{}: is not empty; move it away first, nothing is overwritten", directory.string())));
}

void unpack_files(Database& backup, const fs::path& directory)
{
    Statement files(backup, "SELECT path, mode, content FROM backup_files");
    while (files.step()) {
        const fs::path name{std::string(files.text(0))};
        if (!is_inside(name))
            throw StoreError(invalid_input(
                fmt::format("{}: carries a file named {}, which leaves the data directory; don't trust it",
                            backup.file().string(), name.string())));
        write_file(directory / name, files.blob(2), static_cast<mode_t>(files.integer(1)));
    }
}

Failure damaged(const fs::path& file)
{
    return io_failure(fmt::format("{}: is damaged or not whole; use another backup", file.string()));
}

/// By the head of an SQLite database (its file format, section 1.3): SQLite would speak of databases, of which nobody
/// named one.
void refuse_strange_file(const fs::path& file)
{
    std::error_code error;
    if (!fs::exists(file, error))
        throw StoreError(not_found(fmt::format("{}: there is no such file; check the path", file.string())));
    std::string head(fs::is_regular_file(file, error) ? sqlite_head : 0, '\0');
    if (!head.empty()) {
        std::ifstream in(file, std::ios::binary);
        if (!in) refuse_io(file, "can't be read", "check its owner and mode");
        in.read(head.data(), sqlite_head);
        head.resize(static_cast<std::size_t>(in.gcount()));
    }
    const auto number = [&](std::size_t at) {
        std::uint32_t value = 0;
        for (std::size_t i = at; i < at + 4; ++i)
            value = value << 8 | static_cast<std::uint8_t>(head[i]);
        return value;
    };
    if (head.size() < sqlite_head || !head.starts_with(std::string_view("SQLite format 3\0", 16)) ||
        (number(68) != static_cast<std::uint32_t>(backup_application) &&
         number(68) != static_cast<std::uint32_t>(backup_without_digests)))
        throw StoreError(invalid_input(fmt::format(
            "{}: is no backup of a collector; name the file that daylight-collector backup wrote", file.string())));
    // Page size and number of pages: a copy that was cut short shows here, and what was put behind it, which SQLite
    // does not read.
    const std::uint64_t page = number(16) >> 16 == 1 ? 65536 : number(16) >> 16;
    const std::uint64_t whole = page * number(28), size = fs::file_size(file, error);
    if (error || size < whole) throw StoreError(damaged(file));
    if (size > whole)
        throw StoreError(invalid_input(fmt::format("{}: goes on for {} octets after its end, which nobody wrote there; "
                                                   "use another backup",
                                                   file.string(), size - whole)));
}

/// What SQLite says of a damaged database advises a restore: of the backup itself that would be odd.
template <class Work>
auto blame(const fs::path& file, Work&& work)
{
    try {
        return work();
    } catch (const StoreError& error) {
        const bool by_sqlite =
            error.failure().kind == Failure::Kind::io || error.failure().kind == Failure::Kind::internal;
        if (by_sqlite && error.failure().message.starts_with(file.string() + ": ")) throw StoreError(damaged(file));
        throw;
    }
}

/// Throws unless the backup is whole, of a version that this program reads, and holds what was written; returns its
/// digest.
std::string check(Database& backup, std::string_view expected)
{
    const fs::path& file = backup.file();
    if (backup.integer("PRAGMA user_version") > static_cast<std::int64_t>(usage_schema().steps.size()))
        throw StoreError(invalid_input(
            fmt::format("{}: was written by a newer daylight-collector; restore with that one", file.string())));
    std::string digest = check_contents(backup);    // first: it names the part
    Statement structure(backup, "PRAGMA integrity_check(1)");
    if (structure.step() && structure.text(0) != "ok") throw StoreError(damaged(file));
    if (!expected.empty() && digest != expected)
        throw StoreError(invalid_input(
            fmt::format("{}: its digest is {}, not the one that was given; it is another backup, or changed",
                        file.string(), digest.empty() ? "not told" : digest)));
    return digest;
}

std::string restore_into(const fs::path& file, const fs::path& data_directory, std::string_view expected)
{
    refuse_used_directory(data_directory);
    refuse_strange_file(file);
    Database backup(file, Database::Access::read_only);
    std::string digest = check(backup, expected);

    fs::path beside = fs::absolute(data_directory).lexically_normal();
    if (beside.filename().empty()) beside = beside.parent_path();    // a trailing slash
    const Unfinished directory_guard(beside.string() + ".restoring");
    const fs::path& directory = directory_guard.path();
    std::error_code ignored;
    fs::remove_all(directory, ignored);    // of a restore that was interrupted
    fs::create_directories(directory);
    fs::permissions(directory, fs::perms::owner_all);
    unpack_files(backup, directory);
    {
        Database usage(directory / usage_name, Database::Access::create);
        copy_database(backup, usage);
        usage.execute("PRAGMA secure_delete=ON");
        for (const char* own : {"backup_files", "backup_contents"})
            usage.execute(fmt::format("DROP TABLE IF EXISTS {}", own));
        usage.execute(fmt::format("PRAGMA application_id={}", usage_schema().application_id));
        usage.execute("PRAGMA journal_mode=WAL");
        prepare_schema(usage, usage_schema());
        renew_incarnation(usage);
        Database state(directory / state_name, Database::Access::read_write);
        prepare_schema(state, state_schema());
        renew_incarnation(state);
    }
    for (const char* name : {usage_name, state_name}) {
        fs::permissions(directory / name, fs::perms::owner_read | fs::perms::owner_write);
        sync_path(directory / name);
    }
    sync_path(directory);
    fs::remove(beside, ignored);    // empty, as was seen above
    fs::rename(directory, beside);
    sync_path(beside.parent_path());
    return digest;
}

}    // namespace

Result<std::string> restore(const fs::path& file, const fs::path& data_directory, std::string_view expected)
{
    return in_words([&] { return blame(file, [&] { return restore_into(file, data_directory, expected); }); });
}

Result<std::string> check_backup(const fs::path& file, std::string_view expected)
{
    return in_words([&] {
        return blame(file, [&] {
            refuse_strange_file(file);
            Database backup(file, Database::Access::read_only);
            return check(backup, expected);
        });
    });
}

}    // namespace dl::collector::store
