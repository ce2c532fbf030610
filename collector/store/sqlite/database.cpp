#include "collector/store/sqlite/database.hpp"

#include <fmt/format.h>

namespace dl::collector::store {
namespace {

Failure explain(const std::filesystem::path& file, int code, const char* message)
{
    const auto line = [&](const char* next) { return fmt::format("{}: {}; {}", file.string(), message, next); };
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return unavailable(line("another process writes to it, try again"));
        case SQLITE_FULL: return io_failure(line("make room on the disk"));
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return io_failure(line("restore a backup with daylight-collector restore"));
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_READONLY:
            return io_failure(line("check that the file exists and that this account may use it and its directory"));
        case SQLITE_IOERR: return io_failure(line("check the disk and the system's log"));
        default: return Failure{Failure::Kind::internal, line("report this as a defect")};
    }
}

}    // namespace

Statement::Statement(Database& database, std::string_view sql) : database_(&database)
{
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(database.raw(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) database.fail(code);
    statement_.reset(statement);
}

Statement& Statement::bind(int at, std::int64_t value)
{
    sqlite3_bind_int64(statement_.get(), at, value);
    return *this;
}

Statement& Statement::bind(int at, std::string_view text)
{
    // A null pointer would bind NULL: an empty view binds the empty text.
    sqlite3_bind_text(statement_.get(), at, text.data() ? text.data() : "", static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
    return *this;
}

Statement& Statement::bind(int at, std::span<const std::uint8_t> blob)
{
    sqlite3_bind_blob(statement_.get(), at, blob.data(), static_cast<int>(blob.size()), SQLITE_TRANSIENT);
    return *this;
}

Statement& Statement::bind_null(int at)
{
    sqlite3_bind_null(statement_.get(), at);
    return *this;
}

bool Statement::step()
{
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    sqlite3_reset(statement_.get());
    database_->fail(code);
}

void Statement::run()
{
    while (step()) {
    }
    reset();
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::text(int column) const
{
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    return {bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::span<const std::uint8_t> Statement::blob(int column) const
{
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
    return {bytes, bytes ? static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)) : 0};
}

Database::Database(std::filesystem::path file, Access access)
    : file_(std::move(file)), writable_(access != Access::read_only)
{
    std::error_code ignored;
    const bool there = std::filesystem::exists(file_, ignored);
    if (access == Access::create && there)
        throw StoreError(conflict(fmt::format("{}: exists already; choose an empty data directory", file_.string())));
    if (access != Access::create && !there)
        throw StoreError(
            not_found(fmt::format("{}: there is no store; run daylight-collector init first", file_.string())));

    // Reading beside a writer needs the shared-memory file, so even readers open read-write where they may and are
    // held back by query_only.
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (access == Access::create ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(file_.c_str(), &handle_, flags, nullptr);
    if (code != SQLITE_OK && access == Access::read_only) {
        sqlite3_close_v2(handle_);
        code = sqlite3_open_v2(file_.c_str(), &handle_, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    }
    try {
        if (code != SQLITE_OK) fail(code);
        sqlite3_extended_result_codes(handle_, 1);
        sqlite3_busy_timeout(handle_, 10'000);
        if (writable_) {
            if (access == Access::create) execute("PRAGMA page_size=4096");
            if (access != Access::plain) execute("PRAGMA journal_mode=WAL");
            execute("PRAGMA synchronous=FULL");
        } else {
            execute("PRAGMA query_only=ON");
        }
        execute("PRAGMA temp_store=MEMORY");
        execute("PRAGMA trusted_schema=OFF");
    } catch (...) {
        sqlite3_close_v2(handle_);
        throw;
    }
}

Database::~Database() { sqlite3_close_v2(handle_); }

void Database::execute(const std::string& sql)
{
    const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code);
}

std::int64_t Database::integer(const std::string& sql)
{
    Statement statement(*this, sql);
    return statement.step() ? statement.integer(0) : 0;
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

void Database::fail(int code)
{
    throw StoreError(explain(file_, code, handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code)));
}

Transaction::Transaction(Database& database, Kind kind) : database_(database)
{
    database_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction()
{
    if (open_) sqlite3_exec(database_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit()
{
    database_.execute("COMMIT");
    open_ = false;
}

void copy_database(Database& from, Database& to)
{
    sqlite3_backup* backup = sqlite3_backup_init(to.raw(), "main", from.raw(), "main");
    if (!backup) to.fail(sqlite3_errcode(to.raw()));
    sqlite3_backup_step(backup, -1);
    if (const int code = sqlite3_backup_finish(backup); code != SQLITE_OK) to.fail(code);
}

}    // namespace dl::collector::store
