#include "agent/ledger/sqlite_ledger.hpp"

#include <fmt/format.h>

#include <string>

namespace dl::agent::ledger {
namespace {

/// The note that keeps of an epoch how far its counters were told: they only rise, so their sum says it.
std::string told_note(const Epoch& epoch) { return "told:" + epoch.hex(); }

std::uint64_t sum_of(const wire::Counters& c)
{
    return c.packets + c.packets_dropped + c.connections + c.connections_unattributed + c.cells_dropped +
           c.gap_seconds + c.bytes_hidden_road + c.connections_with_program;
}

}    // namespace

Result<Batch> SqliteLedger::unsent(std::size_t most)
{
    Batch batch;
    const auto done = guarded([&] { batch = read_batch(most); });
    if (!done) return done.error();
    return batch;
}

Result<void> SqliteLedger::acknowledge(const Batch& batch, const Receipt& receipt, const StoreIncarnation& store)
{
    return guarded([&] {
        Transaction transaction(connection_);
        const std::int64_t epoch = epoch_row(batch.epoch);
        if (epoch < 0) return;    // of a ledger that was set aside meanwhile: the rows are others
        Statement(connection_.get(),
                  "UPDATE epochs SET acknowledged = max(acknowledged, ?2), last_receipt = ?3, last_store = ?4 "
                  "WHERE id = ?1")
            .bind(1, epoch)
            .bind(2, number(batch.revision_to))
            .bind(3, receipt.bytes)
            .bind(4, store.bytes)
            .run();
        Statement sent(connection_.get(),
                       "UPDATE cells SET sent_connections = ?2, sent_bytes_up = ?3, sent_bytes_down = ?4, "
                       "sent_first_seen = ?5, sent_last_seen = ?6 WHERE id = ?1");
        for (const SentCell& cell : batch.cells) {
            sent.bind(1, cell.id).bind(2, number(cell.value.connections)).bind(3, number(cell.value.bytes_up));
            sent.bind(4, number(cell.value.bytes_down))
                .bind(5, number(cell.value.first_seen))
                .bind(6, number(cell.value.last_seen));
            sent.run();
        }
        Statement(connection_.get(), "INSERT INTO acknowledgements (epoch, day, revision) VALUES (?1, ?2, ?3) "
                                     "ON CONFLICT DO UPDATE SET revision = max(revision, excluded.revision)")
            .bind(1, epoch)
            .bind(2, number(day_of(clock_.now())))
            .bind(3, number(batch.revision_to))
            .run();
        set_note_row("last_acknowledged", std::to_string(number(clock_.now())));
        set_note_row(told_note(batch.epoch), std::to_string(sum_of(batch.counters)));
        doubt_other_stores(epoch, store);
        transaction.commit();
    });
}

/// A store that is not the one which took an earlier epoch may lack it (it was restored, say): that epoch is told again
/// from its start. What the store has, merging leaves as it is.
void SqliteLedger::doubt_other_stores(std::int64_t told, const StoreIncarnation& store)
{
    static const std::string doubtful =
        "acknowledged > 0 AND last_store <> ?2 AND id <> ?1 AND id IN (SELECT epoch FROM cells)";
    Statement(connection_.get(),
              "DELETE FROM acknowledgements WHERE epoch IN (SELECT id FROM epochs WHERE " + doubtful + ")")
        .bind(1, told)
        .bind(2, store.bytes)
        .run();
    Statement(connection_.get(), "UPDATE epochs SET acknowledged = 0 WHERE " + doubtful)
        .bind(1, told)
        .bind(2, store.bytes)
        .run();
}

Result<void> SqliteLedger::set_aside(const Batch& batch)
{
    return guarded([&] {
        Transaction transaction(connection_);
        if (epoch_row(batch.epoch) < 0) return;
        Statement mark(connection_.get(), "UPDATE cells SET aside = 1 WHERE id = ?1");
        for (const SentCell& cell : batch.cells)
            mark.bind(1, cell.id).run();
        transaction.commit();
    });
}

Result<void> SqliteLedger::rewind(const Epoch& epoch, std::uint64_t revision)
{
    return guarded([&] {
        Transaction transaction(connection_);
        const std::int64_t row = epoch_row(epoch);
        Statement(connection_.get(), "UPDATE epochs SET acknowledged = min(acknowledged, ?2) WHERE id = ?1")
            .bind(1, row)
            .bind(2, number(revision))
            .run();
        Statement(connection_.get(), "UPDATE acknowledgements SET revision = min(revision, ?2) WHERE epoch = ?1")
            .bind(1, row)
            .bind(2, number(revision))
            .run();
        transaction.commit();
    });
}

Result<void> SqliteLedger::for_each_left(const std::function<void(const LeftCell&)>& visit)
{
    return guarded([&] {
        Statement read(
            connection_.get(),
            fmt::format(
                "SELECT {}, c.sent_connections, c.sent_bytes_up, c.sent_bytes_down, c.sent_first_seen, "
                "c.sent_last_seen, e.epoch{} JOIN epochs e ON e.id = c.epoch WHERE c.sent_connections IS NOT NULL "
                "ORDER BY c.day, t.host, c.id",
                key_columns, key_tables));
        while (read.step()) {
            const LeftCell cell{id_from<Epoch>(read.blob(key_width + 5)), key_at(read, 0), value_at(read, key_width)};
            visit(cell);
        }
    });
}

std::int64_t SqliteLedger::epoch_row(const Epoch& epoch)
{
    Statement read(connection_.get(), "SELECT id FROM epochs WHERE epoch = ?1");
    read.bind(1, epoch.bytes);
    return read.step() ? read.integer(0) : -1;
}

Batch SqliteLedger::read_batch(std::size_t most)
{
    std::int64_t row = current_;
    {
        Statement oldest(connection_.get(),
                         "SELECT e.id FROM epochs e WHERE EXISTS (SELECT 1 FROM cells c WHERE c.epoch = e.id "
                         "AND c.revision > e.acknowledged AND c.aside = 0) ORDER BY e.id LIMIT 1");
        if (oldest.step()) {
            row = oldest.integer(0);
        } else {
            Statement counted(
                connection_.get(),
                fmt::format("SELECT id FROM epochs WHERE id <> ?1 AND NOT ({}) ORDER BY id LIMIT 1", counters_told));
            counted.bind(1, current_);
            if (counted.step()) row = counted.integer(0);
        }
    }
    Batch batch;
    Statement head(connection_.get(),
                   "SELECT epoch, acknowledged, last_receipt, last_store, packets, packets_dropped, connections, "
                   "connections_unattributed, cells_dropped, gap_seconds, bytes_hidden_road, "
                   "connections_with_program FROM epochs WHERE id = ?1");
    head.bind(1, row);
    if (!head.step()) throw std::runtime_error("the current epoch is gone; the file is damaged");
    batch.epoch = id_from<Epoch>(head.blob(0));
    batch.revision_from = static_cast<std::uint64_t>(head.integer(1));
    batch.revision_to = batch.revision_from;
    if (!head.is_null(2)) batch.last_receipt = id_from<Receipt>(head.blob(2));
    if (!head.is_null(3)) batch.last_store = id_from<StoreIncarnation>(head.blob(3));
    batch.counters = counters_at(head, 4);
    batch.current = row == current_;

    Statement read(
        connection_.get(),
        fmt::format("SELECT {}, c.connections, c.bytes_up, c.bytes_down, c.first_seen, c.last_seen, c.revision, c.id{}"
                    "WHERE c.epoch = ?1 AND c.revision > ?2 AND c.aside = 0 ORDER BY c.revision LIMIT ?3",
                    key_columns, key_tables));
    read.bind(1, row).bind(2, number(batch.revision_from)).bind(3, number(std::uint64_t{most}));
    while (read.step()) {
        batch.cells.push_back({read.integer(key_width + 6), key_at(read, 0), value_at(read, key_width),
                               static_cast<std::uint64_t>(read.integer(key_width + 5))});
        batch.revision_to = batch.cells.back().revision;
    }
    batch.offers = offers_of(batch.cells);
    return batch;
}

}    // namespace dl::agent::ledger
