// A thin owner of one SQLite connection and its statements, for the ledger alone. Every failure names the file.
#pragma once

#include "shared/base/failure.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dl::agent::ledger {

/// The file is not what this ledger wrote: SQLITE_CORRUPT, SQLITE_NOTADB, or values that can't be.
struct Damage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A prepared statement. Bind by position (1 first), step, read columns (0 first); reset() makes it ready again.
class Statement {
public:
    Statement() = default;
    Statement(sqlite3* connection, std::string_view sql);

    Statement& bind(int at, std::int64_t value);
    Statement& bind(int at, std::string_view text);
    Statement& bind(int at, std::span<const std::uint8_t> blob);
    Statement& bind_null(int at);

    /// True when there is a row. Throws std::runtime_error with SQLite's own words where the database refuses (Damage
    /// where its file is damaged); Ledger turns that into a Failure.
    bool step();
    /// Steps to the end and resets.
    void run();
    void reset();

    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::span<const std::uint8_t> blob(int column) const;
    [[nodiscard]] bool is_null(int column) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Resets a statement when a scope ends, so that no read transaction stays open.
class Rewound {
public:
    explicit Rewound(Statement& statement) : statement_(statement) {}
    ~Rewound() { statement_.reset(); }
    Rewound(const Rewound&) = delete;
    Rewound& operator=(const Rewound&) = delete;

private:
    Statement& statement_;
};

class Connection {
public:
    enum class Mode { create, existing };

    Connection() = default;    ///< closed
    /// `create` also takes what others may do with the file, or with those beside it, away. Throws std::runtime_error
    /// where the file can't be opened.
    Connection(const std::filesystem::path& file, Mode mode);

    [[nodiscard]] sqlite3* get() const { return connection_.get(); }
    void execute(const char* sql);
    /// One value of a pragma or a query without parameters.
    [[nodiscard]] std::int64_t integer(const char* sql);

private:
    struct Close {
        void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
    };
    std::unique_ptr<sqlite3, Close> connection_;
};

/// BEGIN IMMEDIATE … COMMIT; rolled back when commit() was not reached.
class Transaction {
public:
    explicit Transaction(Connection& connection);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

private:
    Connection& connection_;
    bool open_ = true;
};

}    // namespace dl::agent::ledger
