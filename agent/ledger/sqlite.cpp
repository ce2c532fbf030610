#include "agent/ledger/sqlite.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

namespace dl::agent::ledger {
namespace {

[[noreturn]] void refuse(int code, const std::string& why)
{
    const int primary = code & 0xff;
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) throw Damage(why);
    throw std::runtime_error(why);
}

/// A full tmpfs, say, shows itself to SQLite as a failure of shared memory: "disk I/O error".
std::string words(int code, sqlite3* connection)
{
    if (connection == nullptr) return sqlite3_errstr(code);
    std::string why = sqlite3_errmsg(connection);
    const char* file = sqlite3_db_filename(connection, "main");
    struct statvfs disk {};
    if ((code & 0xff) != SQLITE_IOERR || file == nullptr || ::statvfs(file, &disk) != 0) return why;
    if ((disk.f_flag & ST_RDONLY) != 0) return "the file system is read-only (" + why + ")";
    if (disk.f_bavail == 0) return "the disk is full (" + why + ")";
    return why;
}

void require(int code, sqlite3* connection)
{
    if (code != SQLITE_OK) refuse(code, words(code, connection));
}

}    // namespace

Statement::Statement(sqlite3* connection, std::string_view sql)
{
    sqlite3_stmt* raw = nullptr;
    require(sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw,
                               nullptr),
            connection);
    statement_.reset(raw);
}

Statement& Statement::bind(int at, std::int64_t value)
{
    require(sqlite3_bind_int64(statement_.get(), at, value), sqlite3_db_handle(statement_.get()));
    return *this;
}

Statement& Statement::bind(int at, std::string_view text)
{
    const char* first = text.empty() ? "" : text.data();
    require(sqlite3_bind_text64(statement_.get(), at, first, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8),
            sqlite3_db_handle(statement_.get()));
    return *this;
}

Statement& Statement::bind(int at, std::span<const std::uint8_t> blob)
{
    require(sqlite3_bind_blob64(statement_.get(), at, blob.data(), blob.size(), SQLITE_TRANSIENT),
            sqlite3_db_handle(statement_.get()));
    return *this;
}

Statement& Statement::bind_null(int at)
{
    require(sqlite3_bind_null(statement_.get(), at), sqlite3_db_handle(statement_.get()));
    return *this;
}

bool Statement::step()
{
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    const std::string why = words(code, sqlite3_db_handle(statement_.get()));
    sqlite3_reset(statement_.get());
    refuse(code, why);
}

void Statement::run()
{
    while (step()) {
    }
    reset();
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::text(int column) const
{
    const auto* first = sqlite3_column_text(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return first ? std::string(reinterpret_cast<const char*>(first), static_cast<std::size_t>(size)) : std::string();
}

std::span<const std::uint8_t> Statement::blob(int column) const
{
    const auto* first = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
    return {first, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

namespace {

/// SQLite makes files as the umask lets it, and gives those beside it the mode of the database.
void keep_from_others(const std::filesystem::path& file)
{
    const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made >= 0) ::close(made);    // where it can't be made, SQLite says why
    for (const char* beside : {"", "-wal", "-shm", "-journal"}) {
        const std::string path = file.string() + beside;
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 0077) == 0) continue;
        if (::chmod(path.c_str(), status.st_mode & 0700) != 0)
            throw std::runtime_error("can be read by others, and that can't be changed");
    }
}

}    // namespace

Connection::Connection(const std::filesystem::path& file, Mode mode)
{
    if (mode == Mode::create) keep_from_others(file);
    sqlite3* raw = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                      (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
    connection_.reset(raw);
    require(code, raw);
    sqlite3_busy_timeout(raw, 5000);
    sqlite3_extended_result_codes(raw, 1);
}

void Connection::execute(const char* sql)
{
    require(sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr), connection_.get());
}

std::int64_t Connection::integer(const char* sql)
{
    Statement statement(connection_.get(), sql);
    return statement.step() ? statement.integer(0) : 0;
}

Transaction::Transaction(Connection& connection) : connection_(connection) { connection_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction()
{
    if (open_) sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit()
{
    connection_.execute("COMMIT");
    open_ = false;
}

}    // namespace dl::agent::ledger
