#include "collector/store/sqlite/backup.hpp"

#include "collector/store/sqlite/backup_contents.hpp"
#include "collector/store/sqlite/durable_files.hpp"
#include "collector/store/sqlite/schema.hpp"

#include <fmt/format.h>

namespace dl::collector::store {
namespace {

namespace fs = std::filesystem;

/// Stores, their logs and the lock are not copied as bytes; the audit chain's heads are of this life of the collector.
bool is_carried(const fs::directory_entry& entry)
{
    if (!entry.is_regular_file() || entry.is_symlink()) return false;
    const std::string name = entry.path().filename().string();
    return name.find(".sqlite") == std::string::npos && !name.ends_with(".lock") && name != "audit-heads";
}

/// Adds the files, and what all parts must be when they are read again.
void add_files(Database& backup, const fs::path& data_directory, const fs::path& state_copy, std::vector<Part> parts)
{
    Transaction transaction(backup, Transaction::Kind::write);
    backup.execute("CREATE TABLE backup_files(path TEXT PRIMARY KEY, mode INTEGER NOT NULL, content BLOB NOT NULL)");
    Statement insert(backup, "INSERT INTO backup_files VALUES(?1, ?2, ?3)");
    const auto add = [&](const fs::path& file, const std::string& name) {
        const auto bytes = read_file(file);
        struct stat status {};
        if (stat(file.c_str(), &status) != 0) refuse_io(file, "can't be read", "run as the collector's account");
        const std::uint8_t nothing = 0;    // an empty blob needs an address, or it would be NULL
        insert.bind(1, name)
            .bind(2, static_cast<std::int64_t>(status.st_mode & 0777))
            .bind(3, bytes.empty() ? std::span(&nothing, 0) : std::span<const std::uint8_t>(bytes))
            .run();
    };
    add(state_copy, state_name);
    for (const auto& entry : fs::recursive_directory_iterator(data_directory))
        if (is_carried(entry)) add(entry.path(), fs::relative(entry.path(), data_directory).string());
    for (Part& file : digest_files(backup))
        parts.push_back(std::move(file));
    write_contents(backup, parts);
    backup.execute(fmt::format("PRAGMA application_id={}", backup_application));
    transaction.commit();
}

std::string write_back_up(const fs::path& data_directory, const fs::path& file)
{
    std::error_code ignored;
    if (fs::exists(file, ignored))
        throw StoreError(conflict(fmt::format("{}: exists already; name another file", file.string())));
    Unfinished partial(file.string() + ".partial"), state_copy(file.string() + ".state.partial");
    make_private_file(partial.path());
    make_private_file(state_copy.path());
    std::string digest;
    {
        Database usage(data_directory / usage_name, Database::Access::read_only);
        Database state(data_directory / state_name, Database::Access::read_only);
        prepare_schema(usage, usage_schema());
        prepare_schema(state, state_schema());
        Database backup(partial.path(), Database::Access::plain);
        Database copy(state_copy.path(), Database::Access::plain);
        // The digests are of the store itself, not of the copy: what went wrong in copying shows.
        std::vector<Part> parts;
        {
            const Transaction snapshot(usage, Transaction::Kind::read);
            parts = digest_tables(usage);
            copy_database(usage, backup);
        }
        copy_database(state, copy);
        for (Database* database : {&backup, &copy})
            database->execute("PRAGMA journal_mode=DELETE");
        add_files(backup, data_directory, state_copy.path(), std::move(parts));
        digest = check_contents(backup);
    }
    sync_path(partial.path());
    fs::rename(partial.path(), file);
    partial.keep();
    sync_path(fs::absolute(file).parent_path());
    return digest;
}

}    // namespace

Result<std::string> back_up(const fs::path& data_directory, const fs::path& file)
{
    return in_words([&] { return write_back_up(data_directory, file); });
}

}    // namespace dl::collector::store
