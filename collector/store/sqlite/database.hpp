// SQLite with owners: a connection, a prepared statement and a transaction that rolls back unless committed. Errors are
// thrown as StoreError inside the store's own folder and become a Failure at its interfaces (guarded()).
#pragma once

#include "shared/base/failure.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace dl::collector::store {

/// A refusal by SQLite or by the store, with the Failure that the caller will see.
class StoreError final : public std::exception {
public:
    explicit StoreError(Failure failure) : failure_(std::move(failure)) {}
    [[nodiscard]] const Failure& failure() const { return failure_; }
    [[nodiscard]] const char* what() const noexcept override { return failure_.message.c_str(); }

private:
    Failure failure_;
};

/// Runs `work` and turns a StoreError into a failed result.
template <class Work>
auto guarded(Work&& work) -> Result<decltype(work())>
{
    try {
        if constexpr (std::is_void_v<decltype(work())>) {
            work();
            return {};
        } else {
            return work();
        }
    } catch (const StoreError& error) {
        return error.failure();
    }
}

class Database;

/// A prepared statement. Columns and parameters are addressed as SQLite does: parameters from 1, columns from 0.
class Statement {
public:
    Statement() = default;
    Statement(Database& database, std::string_view sql);

    Statement& bind(int at, std::int64_t value);
    Statement& bind(int at, std::string_view text);
    Statement& bind(int at, std::span<const std::uint8_t> blob);
    Statement& bind_null(int at);
    /// Binds integers to 1, 2, … in order.
    template <class... Values>
    Statement& bind_all(Values... values)
    {
        int at = 0;
        (bind(++at, static_cast<std::int64_t>(values)), ...);
        return *this;
    }

    /// True while there is a row.
    bool step();
    /// One step of a statement without rows, then ready to be bound again.
    void run();
    void reset();

    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    /// Valid until the next step.
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::span<const std::uint8_t> blob(int column) const;
    [[nodiscard]] sqlite3_stmt* raw() const { return statement_.get(); }

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    Database* database_ = nullptr;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
public:
    enum class Access { create, read_write, read_only, plain };

    /// Opens with WAL, synchronous=FULL and a busy timeout of 10 s. `create` needs the file to be absent, the others
    /// present;
    /// `plain` opens a present file as it is, without WAL.
    Database(std::filesystem::path file, Access access);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    void execute(const std::string& sql);
    /// The first column of the first row; 0 where there is none.
    [[nodiscard]] std::int64_t integer(const std::string& sql);
    [[nodiscard]] std::int64_t changes() const;
    [[nodiscard]] std::int64_t last_insert_id() const;
    /// Throws what SQLite last complained about, with the file and what to do.
    [[noreturn]] void fail(int code);

    [[nodiscard]] sqlite3* raw() const { return handle_; }
    [[nodiscard]] const std::filesystem::path& file() const { return file_; }
    [[nodiscard]] bool writable() const { return writable_; }

private:
    std::filesystem::path file_;
    sqlite3* handle_ = nullptr;
    bool writable_ = false;
};

class Transaction {
public:
    enum class Kind { read, write };
    Transaction(Database& database, Kind kind);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

private:
    Database& database_;
    bool open_ = true;
};

/// Copies one snapshot in one step: in WAL mode writers go on meanwhile, and no change of theirs makes it start anew.
/// Within a read transaction on `from`: what that transaction sees.
void copy_database(Database& from, Database& to);

}    // namespace dl::collector::store
