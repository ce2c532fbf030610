#include "agent/ledger/sqlite_ledger.hpp"

#include <fmt/format.h>

#include <string>

namespace dl::agent::ledger {

Result<void> SqliteLedger::prune()
{
    return guarded([&] {
        Transaction transaction(connection_);
        const std::int64_t horizon = number(day_of(clock_.now())) - options_.keep_days;
        release("revision <= coalesce((SELECT max(revision) FROM acknowledgements k WHERE k.epoch = cells.epoch "
                "AND k.day <= ?1), -1)",
                horizon);
        if (bytes_in_use() > options_.limit_bytes) shrink();
        // Of an epoch that lost its last cell the counters are still to be told, the drop itself among them.
        Statement(connection_.get(),
                  fmt::format("DELETE FROM epochs WHERE id <> ?1 AND id NOT IN (SELECT epoch FROM cells) AND {}",
                              counters_told))
            .bind(1, current_)
            .run();
        connection_.execute("DELETE FROM notes WHERE key LIKE 'told:%' AND "
                            "key NOT IN (SELECT 'told:' || lower(hex(epoch)) FROM epochs)");
        connection_.execute("DELETE FROM acknowledgements WHERE epoch NOT IN (SELECT id FROM epochs)");
        transaction.commit();
        read_current_epoch();
        connection_.execute("PRAGMA incremental_vacuum");
    });
}

void SqliteLedger::release(const std::string& where, std::int64_t parameter)
{
    Statement mark(
        connection_.get(),
        fmt::format("UPDATE epochs SET pruned_through = max(coalesce(pruned_through, -1000000), g.day) FROM "
                    "(SELECT epoch, max(day) AS day FROM cells WHERE {} GROUP BY epoch) g WHERE g.epoch = epochs.id",
                    where));
    mark.bind(1, parameter).run();
    Statement gone(connection_.get(), fmt::format("DELETE FROM cells WHERE {}", where));
    gone.bind(1, parameter).run();
    if (sqlite3_changes(connection_.get()) == 0) return;
    connection_.execute(
        "DELETE FROM destinations WHERE id NOT IN (SELECT destination FROM cells);"
        "DELETE FROM applications WHERE id NOT IN (SELECT application FROM cells);"
        "DELETE FROM offers WHERE application NOT IN (SELECT id FROM applications);"
        "DELETE FROM identities WHERE id NOT IN (SELECT device FROM cells UNION SELECT person FROM cells)");
}

std::uint64_t SqliteLedger::bytes_in_use()
{
    const std::int64_t pages = connection_.integer("PRAGMA page_count") - connection_.integer("PRAGMA freelist_count");
    return static_cast<std::uint64_t>(pages * connection_.integer("PRAGMA page_size"));
}

void SqliteLedger::shrink()
{
    static const std::string held = "revision <= (SELECT acknowledged FROM epochs e WHERE e.id = cells.epoch)";
    while (bytes_in_use() > options_.limit_bytes) {
        Statement oldest(connection_.get(), "SELECT min(day) FROM cells WHERE " + held);
        if (!oldest.step() || oldest.is_null(0)) break;
        const std::int64_t day = oldest.integer(0);
        oldest.reset();
        release(held + " AND day = ?1", day);
    }
    while (bytes_in_use() > options_.limit_bytes) {
        Statement oldest(connection_.get(),
                         "SELECT min(day), count(*) FROM cells WHERE day = (SELECT min(day) FROM cells)");
        if (!oldest.step() || oldest.is_null(0)) break;
        const std::int64_t day = oldest.integer(0);
        wire::Counters lost;
        lost.cells_dropped = static_cast<std::uint64_t>(oldest.integer(1));
        oldest.reset();
        release("day = ?1", day);
        count(lost);
    }
}

}    // namespace dl::agent::ledger
