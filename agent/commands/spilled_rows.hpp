// Rows of `observe` that found no room in memory: in a temporary file of SQLite, which no one else can open and which
// is gone with the program. Rows of one key may be added any number of times; they are read as one.
#pragma once

#include "agent/commands/observed_row.hpp"
#include "agent/ledger/sqlite.hpp"
#include "shared/base/failure.hpp"

#include <cstdint>
#include <functional>
#include <span>

namespace dl::agent::commands {

struct InternedRow {
    InternedKey key;
    ObservedFigures figures;
};

class SpilledRows {
public:
    using Visit = std::function<void(const OwnKey&, const ObservedFigures&)>;

    /// Throws std::runtime_error where no temporary file can be made, as add() and for_each() do where it can't be
    /// written or read.
    SpilledRows();
    template <class Rows>
    void add(const Rows& rows)
    {
        ledger::Transaction transaction(file_);
        for (const InternedRow& row : rows)
            add_one(row);
        transaction.commit();
    }
    /// Rows with the same key added up, in the order in which keys were first added.
    void for_each(const Visit& visit);

private:
    void add_one(const InternedRow& row);

    ledger::Connection file_;
    ledger::Statement insert_;
};

}    // namespace dl::agent::commands
