#include "collector/store/sqlite/backup.hpp"

#include "collector/store/sqlite/database.hpp"
#include "collector/store/sqlite/schema.hpp"
#include "shared/base/id.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace dl::collector::store {
namespace {

namespace fs = std::filesystem;

constexpr std::int32_t backup_application = 0x444c4231;
constexpr std::uintmax_t largest_file = 512U << 20;    // SQLite's own bound of a blob is 10^9 bytes
constexpr std::size_t sqlite_head = 100;               // octets of every SQLite database
constexpr const char* usage_name = "usage.sqlite";
constexpr const char* state_name = "state.sqlite";

[[noreturn]] void refuse_io(const fs::path& file, const char* what, const char* next)
{
    throw StoreError(io_failure(fmt::format("{}: {}: {}; {}", file.string(), what, std::strerror(errno), next)));
}

/// Removes what is unfinished unless it was kept.
class Unfinished {
public:
    explicit Unfinished(fs::path path) : path_(std::move(path)) {}
    ~Unfinished()
    {
        std::error_code ignored;
        if (!kept_) fs::remove_all(path_, ignored);
    }
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    [[nodiscard]] const fs::path& path() const { return path_; }
    void keep() { kept_ = true; }

private:
    fs::path path_;
    bool kept_ = false;
};

void make_private_file(const fs::path& file)
{
    const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) refuse_io(file, "can't be made", "name a place that this account may write to");
    close(fd);
}

void sync_path(const fs::path& path)
{
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) refuse_io(path, "can't be opened", "check the disk");
    const int failed = fsync(fd);
    close(fd);
    if (failed != 0) refuse_io(path, "can't be made durable", "check the disk");
}

/// One snapshot, copied in one step: in WAL mode writers go on meanwhile, and no change of theirs makes it start anew.
void copy_database(Database& from, Database& to)
{
    sqlite3_backup* backup = sqlite3_backup_init(to.raw(), "main", from.raw(), "main");
    if (!backup) to.fail(sqlite3_errcode(to.raw()));
    sqlite3_backup_step(backup, -1);
    if (const int code = sqlite3_backup_finish(backup); code != SQLITE_OK) to.fail(code);
}

std::vector<std::uint8_t> read_file(const fs::path& file)
{
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error || size > largest_file)
        throw StoreError(io_failure(fmt::format(
            "{}: can't be read or is over {} bytes; move it out of the data directory", file.string(), largest_file)));
    std::vector<std::uint8_t> bytes(size);
    std::ifstream in(file, std::ios::binary);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    if (static_cast<std::uintmax_t>(in.gcount()) != size)
        refuse_io(file, "can't be read", "run as the collector's account");
    return bytes;
}

void write_file(const fs::path& file, std::span<const std::uint8_t> bytes, mode_t mode)
{
    fs::create_directories(file.parent_path());
    const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) refuse_io(file, "can't be made", "check the disk");
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = write(fd, bytes.data() + done, bytes.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
    }
    const bool good = done == bytes.size() && fchmod(fd, mode & 0777) == 0 && fsync(fd) == 0;
    close(fd);
    if (!good) refuse_io(file, "can't be written", "make room on the disk");
}

/// Stores, their logs and the lock are not copied as bytes.
bool is_carried(const fs::directory_entry& entry)
{
    if (!entry.is_regular_file() || entry.is_symlink()) return false;
    const std::string name = entry.path().filename().string();
    return name.find(".sqlite") == std::string::npos && !name.ends_with(".lock");
}

/// A relative path that stays inside: a backup comes from elsewhere.
bool is_inside(const fs::path& path)
{
    if (path.empty() || path.is_absolute()) return false;
    for (const auto& part : path)
        if (part == ".." || part == ".") return false;
    return true;
}

void add_files(Database& backup, const fs::path& data_directory, const fs::path& state_copy)
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
    backup.execute(fmt::format("PRAGMA application_id={}", backup_application));
    transaction.commit();
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

void write_back_up(const fs::path& data_directory, const fs::path& file)
{
    std::error_code ignored;
    if (fs::exists(file, ignored))
        throw StoreError(conflict(fmt::format("{}: exists already; name another file", file.string())));
    Unfinished partial(file.string() + ".partial"), state_copy(file.string() + ".state.partial");
    make_private_file(partial.path());
    make_private_file(state_copy.path());
    {
        Database usage(data_directory / usage_name, Database::Access::read_only);
        Database state(data_directory / state_name, Database::Access::read_only);
        prepare_schema(usage, usage_schema());
        prepare_schema(state, state_schema());
        Database backup(partial.path(), Database::Access::plain);
        Database copy(state_copy.path(), Database::Access::plain);
        copy_database(usage, backup);
        copy_database(state, copy);
        for (Database* database : {&backup, &copy})
            database->execute("PRAGMA journal_mode=DELETE");
        add_files(backup, data_directory, state_copy.path());
    }
    sync_path(partial.path());
    fs::rename(partial.path(), file);
    partial.keep();
    sync_path(fs::absolute(file).parent_path());
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
        number(68) != static_cast<std::uint32_t>(backup_application))
        throw StoreError(invalid_input(fmt::format(
            "{}: is no backup of a collector; name the file that daylight-collector backup wrote", file.string())));
    // Page size and number of pages: a copy that was cut short shows here.
    const std::uint64_t page = number(16) >> 16 == 1 ? 65536 : number(16) >> 16;
    if (fs::file_size(file, error) < page * number(28) || error) throw StoreError(damaged(file));
}

/// What SQLite says of a damaged database advises a restore: of the backup itself that would be odd.
template <class Work>
void blame(const fs::path& file, Work&& work)
{
    try {
        work();
    } catch (const StoreError& error) {
        if (error.failure().kind == Failure::Kind::io && error.failure().message.starts_with(file.string() + ": "))
            throw StoreError(damaged(file));
        throw;
    }
}

void restore_into(const fs::path& file, const fs::path& data_directory)
{
    refuse_used_directory(data_directory);
    refuse_strange_file(file);
    Database backup(file, Database::Access::read_only);
    if (backup.integer("PRAGMA user_version") > static_cast<std::int64_t>(usage_schema().steps.size()))
        throw StoreError(invalid_input(
            fmt::format("{}: was written by a newer daylight-collector; restore with that one", file.string())));
    Statement check(backup, "PRAGMA integrity_check(1)");
    if (check.step() && check.text(0) != "ok") throw StoreError(damaged(file));

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
        usage.execute("DROP TABLE backup_files");
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
}

/// What std::filesystem throws becomes a line as well.
template <class Work>
Result<void> in_words(Work&& work)
{
    try {
        return guarded(work);
    } catch (const fs::filesystem_error& error) {
        return io_failure(
            fmt::format("{}: {}; check the path and its permissions", error.path1().string(), error.code().message()));
    }
}

}    // namespace

Result<void> back_up(const fs::path& data_directory, const fs::path& file)
{
    return in_words([&] { write_back_up(data_directory, file); });
}

Result<void> restore(const fs::path& file, const fs::path& data_directory)
{
    return in_words([&] { blame(file, [&] { restore_into(file, data_directory); }); });
}

}    // namespace dl::collector::store
