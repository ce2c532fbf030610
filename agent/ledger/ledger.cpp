#include "agent/ledger/ledger.hpp"

#include "agent/ledger/schema.hpp"
#include "agent/ledger/sqlite.hpp"

#include <fmt/format.h>

#include <charconv>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace dl::agent::ledger {
namespace {

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::int64_t number(Timestamp when) { return when.time_since_epoch().count(); }
std::int64_t number(Day day) { return day.time_since_epoch().count(); }
Timestamp moment(std::int64_t micros) { return Timestamp{std::chrono::microseconds(micros)}; }
Day day_from(std::int64_t days) { return Day{std::chrono::days(days)}; }

template <class Value>
Value id_from(std::span<const std::uint8_t> blob)
{
    Value id;
    if (blob.size() != id.bytes.size()) throw std::runtime_error("an id has the wrong length; the file is damaged");
    std::copy(blob.begin(), blob.end(), id.bytes.begin());
    return id;
}

CellValue value_at(const Statement& row, int column)
{
    return {static_cast<std::uint64_t>(row.integer(column)), static_cast<std::uint64_t>(row.integer(column + 1)),
            static_cast<std::uint64_t>(row.integer(column + 2)), moment(row.integer(column + 3)),
            moment(row.integer(column + 4))};
}

constexpr const char* key_columns =
    "c.day, d.pseudonym, p.pseudonym, a.name, t.host, t.canonical, t.transport, t.port, c.evidence";
constexpr const char* key_tables =
    " FROM cells c JOIN identities d ON d.id = c.device LEFT JOIN identities p ON p.id = c.person "
    "LEFT JOIN applications a ON a.id = c.application JOIN destinations t ON t.id = c.destination ";
constexpr int key_width = 9;

CellKey key_at(const Statement& row, int column)
{
    CellKey key;
    key.day = day_from(row.integer(column));
    key.device = id_from<Pseudonym>(row.blob(column + 1));
    if (!row.is_null(column + 2)) key.person = id_from<Pseudonym>(row.blob(column + 2));
    if (!row.is_null(column + 3)) key.application = row.text(column + 3);
    key.destination = {row.text(column + 4), row.text(column + 5), static_cast<Transport>(row.integer(column + 6)),
                       static_cast<std::uint16_t>(row.integer(column + 7))};
    key.evidence = static_cast<wire::Evidence>(row.integer(column + 8));
    return key;
}

class SqliteLedger final : public Ledger {
public:
    SqliteLedger(std::filesystem::path file, Connection::Mode mode, const Options& options, const Clock& clock)
        : file_(std::move(file)), options_(options), clock_(clock), connection_(file_, mode)
    {
        if (mode == Connection::Mode::create) prepare();
        check();
        read_current_epoch();
        prepare_statements();
    }

    Result<void> book(std::span<const Share> shares, const wire::Counters& counted,
                      const std::optional<FilePosition>& position) override
    {
        return guarded([&] {
            Transaction transaction(connection_);
            if (pruned_through_)
                for (const Share& share : shares)
                    if (share.key.day <= *pruned_through_) {
                        begin_epoch("use on a day that was pruned");
                        break;
                    }
            std::int64_t revision = revision_counter();
            for (const Share& share : shares)
                add_share(share, ++revision);
            set_note_row("revision", std::to_string(revision));
            set_note_row("last_booked", std::to_string(number(clock_.now())));
            count(counted);
            if (position) keep_position(*position);
            transaction.commit();
        });
    }

    Result<Batch> unsent(std::size_t most) override
    {
        Batch batch;
        const auto done = guarded([&] { batch = read_batch(most); });
        if (!done) return done.error();
        return batch;
    }

    Result<void> acknowledge(const Batch& batch, const Receipt& receipt, const StoreIncarnation& store) override
    {
        return guarded([&] {
            Transaction transaction(connection_);
            const std::int64_t epoch = epoch_row(batch.epoch);
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
            transaction.commit();
        });
    }

    Result<void> set_aside(const Batch& batch) override
    {
        return guarded([&] {
            Transaction transaction(connection_);
            Statement mark(connection_.get(), "UPDATE cells SET aside = 1 WHERE id = ?1");
            for (const SentCell& cell : batch.cells)
                mark.bind(1, cell.id).run();
            transaction.commit();
        });
    }

    Result<void> rewind(const Epoch& epoch, std::uint64_t revision) override
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

    Result<void> start_epoch(std::string_view reason) override
    {
        return guarded([&] {
            Transaction transaction(connection_);
            begin_epoch(reason);
            transaction.commit();
        });
    }

    Result<void> prune() override
    {
        return guarded([&] {
            Transaction transaction(connection_);
            const std::int64_t horizon = number(day_of(clock_.now())) - options_.keep_days;
            release("revision <= coalesce((SELECT max(revision) FROM acknowledgements k WHERE k.epoch = cells.epoch "
                    "AND k.day <= ?1), -1)",
                    horizon);
            if (bytes_in_use() > options_.limit_bytes) shrink();
            Statement(connection_.get(), "DELETE FROM epochs WHERE id <> ?1 AND id NOT IN (SELECT epoch FROM cells)")
                .bind(1, current_)
                .run();
            connection_.execute("DELETE FROM acknowledgements WHERE epoch NOT IN (SELECT id FROM epochs)");
            transaction.commit();
            read_current_epoch();
            connection_.execute("PRAGMA incremental_vacuum");
        });
    }

    Result<State> state() override
    {
        State state;
        const auto done = guarded([&] { state = read_state(); });
        if (!done) return done.error();
        return state;
    }

    Result<std::optional<FilePosition>> position(const Digest& file) override
    {
        std::optional<FilePosition> found;
        const auto done = guarded([&] {
            Statement read(connection_.get(), "SELECT packets, finished FROM positions WHERE file = ?1");
            read.bind(1, file);
            if (read.step())
                found = FilePosition{file, static_cast<std::uint64_t>(read.integer(0)), read.integer(1) != 0};
        });
        if (!done) return done.error();
        return found;
    }

    Result<void> for_each_left(const std::function<void(const LeftCell&)>& visit) override
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
                const LeftCell cell{id_from<Epoch>(read.blob(key_width + 5)), key_at(read, 0),
                                    value_at(read, key_width)};
                visit(cell);
            }
        });
    }

    Result<std::string> note(std::string_view key) override
    {
        std::string value;
        const auto done = guarded([&] { value = note_row(key); });
        if (!done) return done.error();
        return value;
    }

    Result<void> set_note(std::string_view key, std::string_view value) override
    {
        return guarded([&] { set_note_row(key, value); });
    }

private:
    /// Runs one operation alone, and turns what the database threw into one line.
    template <class Operation>
    Result<void> guarded(Operation&& operation)
    {
        const std::lock_guard alone(mutex_);
        try {
            operation();
            return {};
        } catch (const std::runtime_error& why) {
            return io_failure(
                fmt::format("{}: {}; check the disk's free space and who may write there", file_.string(), why.what()));
        }
    }

    /// After a rollback: the epoch that the file still has.
    void forget_half_done()
    {
        try {
            read_current_epoch();
        } catch (const std::runtime_error&) {
            // The operation's own failure is the one to report.
        }
    }

    void prepare()
    {
        if (connection_.integer("PRAGMA user_version") != 0) return;
        connection_.execute("PRAGMA auto_vacuum = INCREMENTAL");
        connection_.execute("PRAGMA journal_mode = WAL");
        Transaction transaction(connection_);
        if (connection_.integer("SELECT count(*) FROM sqlite_master") != 0)
            throw std::runtime_error("is another program's database");
        connection_.execute(schema);
        connection_.execute(fmt::format("PRAGMA application_id = {}", application_id).c_str());
        connection_.execute(fmt::format("PRAGMA user_version = {}", schema_version).c_str());
        begin_epoch("new ledger");
        transaction.commit();
    }

    void check()
    {
        const std::int64_t version = connection_.integer("PRAGMA user_version");
        if (version > schema_version)
            throw std::runtime_error(
                fmt::format("was written by a newer agent (schema {}, this one knows {})", version, schema_version));
        if (connection_.integer("PRAGMA application_id") != application_id || version < 1)
            throw std::runtime_error("is no ledger of daylight-agent");
        connection_.execute("PRAGMA synchronous = FULL");
    }

    void read_current_epoch()
    {
        Statement read(connection_.get(), "SELECT id, epoch, pruned_through FROM epochs ORDER BY id DESC LIMIT 1");
        if (!read.step())
            throw std::runtime_error("holds no epoch; the file is damaged, move it away to start a new one");
        current_ = read.integer(0);
        epoch_ = id_from<Epoch>(read.blob(1));
        pruned_through_.reset();
        if (!read.is_null(2)) pruned_through_ = day_from(read.integer(2));
    }

    void begin_epoch(std::string_view reason)
    {
        Statement(connection_.get(), "INSERT INTO epochs (epoch, started, reason) VALUES (?1, ?2, ?3)")
            .bind(1, Epoch::random().bytes)
            .bind(2, number(clock_.now()))
            .bind(3, reason)
            .run();
        read_current_epoch();
    }

    std::int64_t revision_counter()
    {
        const std::string text = note_row("revision");
        std::int64_t revision = 0;
        std::from_chars(text.data(), text.data() + text.size(), revision);
        return revision;
    }

    std::string note_row(std::string_view key)
    {
        Statement read(connection_.get(), "SELECT value FROM notes WHERE key = ?1");
        read.bind(1, key);
        return read.step() ? read.text(0) : std::string();
    }

    void set_note_row(std::string_view key, std::string_view value)
    {
        Statement(connection_.get(),
                  "INSERT INTO notes (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value")
            .bind(1, key)
            .bind(2, value)
            .run();
    }

    std::int64_t found_or_inserted(Statement& find, Statement& insert)
    {
        {
            const Rewound rewound(find);
            if (find.step()) return find.integer(0);
        }
        insert.run();
        return sqlite3_last_insert_rowid(connection_.get());
    }

    std::int64_t identity_row(const Pseudonym& who)
    {
        find_identity_.bind(1, who.bytes);
        insert_identity_.bind(1, who.bytes);
        return found_or_inserted(find_identity_, insert_identity_);
    }

    std::int64_t application_row(const std::string& name)
    {
        find_application_.bind(1, name);
        insert_application_.bind(1, name);
        return found_or_inserted(find_application_, insert_application_);
    }

    std::int64_t destination_row(const wire::Destination& to)
    {
        for (Statement* statement : {&find_destination_, &insert_destination_}) {
            statement->bind(1, to.host).bind(2, to.canonical).bind(3, static_cast<std::int64_t>(to.transport));
            statement->bind(4, static_cast<std::int64_t>(to.port));
        }
        return found_or_inserted(find_destination_, insert_destination_);
    }

    void add_share(const Share& share, std::int64_t revision)
    {
        const CellKey& key = share.key;
        add_.bind(1, current_).bind(2, number(key.day)).bind(3, identity_row(key.device));
        add_.bind(4, key.person ? identity_row(*key.person) : 0)
            .bind(5, key.application ? application_row(*key.application) : 0);
        add_.bind(6, destination_row(key.destination)).bind(7, static_cast<std::int64_t>(key.evidence));
        add_.bind(8, number(share.use.connections))
            .bind(9, number(share.use.bytes_up))
            .bind(10, number(share.use.bytes_down));
        add_.bind(11, number(share.use.first_seen)).bind(12, number(share.use.last_seen)).bind(13, revision);
        add_.run();
    }

    void count(const wire::Counters& more)
    {
        Statement(connection_.get(),
                  "UPDATE epochs SET packets = packets + ?2, packets_dropped = packets_dropped + ?3, "
                  "connections = connections + ?4, connections_unattributed = connections_unattributed + ?5, "
                  "cells_dropped = cells_dropped + ?6, gap_seconds = gap_seconds + ?7, "
                  "bytes_hidden_road = bytes_hidden_road + ?8 WHERE id = ?1")
            .bind(1, current_)
            .bind(2, number(more.packets))
            .bind(3, number(more.packets_dropped))
            .bind(4, number(more.connections))
            .bind(5, number(more.connections_unattributed))
            .bind(6, number(more.cells_dropped))
            .bind(7, number(more.gap_seconds))
            .bind(8, number(more.bytes_hidden_road))
            .run();
    }

    void keep_position(const FilePosition& position)
    {
        Statement(connection_.get(),
                  "INSERT INTO positions (file, packets, finished) VALUES (?1, ?2, ?3) "
                  "ON CONFLICT DO UPDATE SET packets = excluded.packets, finished = excluded.finished")
            .bind(1, position.file)
            .bind(2, number(position.packets))
            .bind(3, std::int64_t{position.finished})
            .run();
    }

    std::int64_t epoch_row(const Epoch& epoch)
    {
        Statement read(connection_.get(), "SELECT id FROM epochs WHERE epoch = ?1");
        read.bind(1, epoch.bytes);
        return read.step() ? read.integer(0) : -1;
    }

    Batch read_batch(std::size_t most)
    {
        std::int64_t row = current_;
        {
            Statement oldest(connection_.get(),
                             "SELECT e.id FROM epochs e WHERE EXISTS (SELECT 1 FROM cells c WHERE c.epoch = e.id "
                             "AND c.revision > e.acknowledged AND c.aside = 0) ORDER BY e.id LIMIT 1");
            if (oldest.step()) row = oldest.integer(0);
        }
        Batch batch;
        Statement head(
            connection_.get(),
            "SELECT epoch, acknowledged, last_receipt, last_store, packets, packets_dropped, connections, "
            "connections_unattributed, cells_dropped, gap_seconds, bytes_hidden_road FROM epochs WHERE id = ?1");
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
            fmt::format(
                "SELECT {}, c.connections, c.bytes_up, c.bytes_down, c.first_seen, c.last_seen, c.revision, c.id{}"
                "WHERE c.epoch = ?1 AND c.revision > ?2 AND c.aside = 0 ORDER BY c.revision LIMIT ?3",
                key_columns, key_tables));
        read.bind(1, row).bind(2, number(batch.revision_from)).bind(3, number(std::uint64_t{most}));
        while (read.step()) {
            batch.cells.push_back({read.integer(key_width + 6), key_at(read, 0), value_at(read, key_width),
                                   static_cast<std::uint64_t>(read.integer(key_width + 5))});
            batch.revision_to = batch.cells.back().revision;
        }
        return batch;
    }

    static wire::Counters counters_at(const Statement& row, int column)
    {
        const auto at = [&](int offset) { return static_cast<std::uint64_t>(row.integer(column + offset)); };
        return {at(0), at(1), at(2), at(3), at(4), at(5), at(6)};
    }

    /// Deletes the cells that `where` (with one parameter) names and remembers up to which day, per epoch.
    void release(const std::string& where, std::int64_t parameter)
    {
        Statement mark(
            connection_.get(),
            fmt::format(
                "UPDATE epochs SET pruned_through = max(coalesce(pruned_through, -1000000), g.day) FROM "
                "(SELECT epoch, max(day) AS day FROM cells WHERE {} GROUP BY epoch) g WHERE g.epoch = epochs.id",
                where));
        mark.bind(1, parameter).run();
        Statement gone(connection_.get(), fmt::format("DELETE FROM cells WHERE {}", where));
        gone.bind(1, parameter).run();
        if (sqlite3_changes(connection_.get()) == 0) return;
        connection_.execute(
            "DELETE FROM destinations WHERE id NOT IN (SELECT destination FROM cells);"
            "DELETE FROM applications WHERE id NOT IN (SELECT application FROM cells);"
            "DELETE FROM identities WHERE id NOT IN (SELECT device FROM cells UNION SELECT person FROM cells)");
    }

    std::uint64_t bytes_in_use()
    {
        const std::int64_t pages =
            connection_.integer("PRAGMA page_count") - connection_.integer("PRAGMA freelist_count");
        return static_cast<std::uint64_t>(pages * connection_.integer("PRAGMA page_size"));
    }

    /// Acknowledged cells first, then whatever is oldest, a day at a time; what was never sent is counted.
    void shrink()
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

    State read_state()
    {
        State state;
        read_current_epoch();
        state.epoch = epoch_;
        state.revision = static_cast<std::uint64_t>(revision_counter());
        state.cells = static_cast<std::uint64_t>(connection_.integer("SELECT count(*) FROM cells"));
        state.unsent = static_cast<std::uint64_t>(
            connection_.integer("SELECT count(*) FROM cells c JOIN epochs e ON e.id = c.epoch WHERE c.revision > "
                                "e.acknowledged AND c.aside = 0"));
        state.set_aside = static_cast<std::uint64_t>(connection_.integer("SELECT count(*) FROM cells WHERE aside = 1"));
        state.epochs = static_cast<std::uint64_t>(connection_.integer("SELECT count(*) FROM epochs"));
        state.bytes = bytes_in_use();
        Statement head(
            connection_.get(),
            "SELECT reason, acknowledged, last_receipt, last_store, packets, packets_dropped, connections, "
            "connections_unattributed, cells_dropped, gap_seconds, bytes_hidden_road FROM epochs WHERE id = ?1");
        head.bind(1, current_);
        if (head.step()) {
            state.last_epoch_reason = head.text(0);
            state.acknowledged = static_cast<std::uint64_t>(head.integer(1));
            if (!head.is_null(2)) state.last_receipt = id_from<Receipt>(head.blob(2));
            if (!head.is_null(3)) state.last_store = id_from<StoreIncarnation>(head.blob(3));
            state.counters = counters_at(head, 4);
        }
        state.last_acknowledged = moment_note("last_acknowledged");
        state.last_booked = moment_note("last_booked");
        return state;
    }

    std::optional<Timestamp> moment_note(std::string_view key)
    {
        const std::string text = note_row(key);
        std::int64_t micros = 0;
        if (text.empty() || std::from_chars(text.data(), text.data() + text.size(), micros).ec != std::errc{})
            return std::nullopt;
        return moment(micros);
    }

    /// The statements of the booking path, prepared once the tables are there.
    void prepare_statements()
    {
        const auto made = [&](const char* sql) { return Statement(connection_.get(), sql); };
        find_identity_ = made("SELECT id FROM identities WHERE pseudonym = ?1");
        insert_identity_ = made("INSERT INTO identities (pseudonym) VALUES (?1)");
        find_application_ = made("SELECT id FROM applications WHERE name = ?1");
        insert_application_ = made("INSERT INTO applications (name) VALUES (?1)");
        find_destination_ =
            made("SELECT id FROM destinations WHERE host = ?1 AND canonical = ?2 AND transport = ?3 AND port = ?4");
        insert_destination_ =
            made("INSERT INTO destinations (host, canonical, transport, port) VALUES (?1, ?2, ?3, ?4)");
        add_ = made(
            "INSERT INTO cells (epoch, day, device, person, application, destination, evidence, connections, bytes_up, "
            "bytes_down, first_seen, last_seen, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
            "?13) "
            "ON CONFLICT (epoch, day, device, person, application, destination, evidence) DO UPDATE SET "
            "connections = connections + excluded.connections, bytes_up = bytes_up + excluded.bytes_up, "
            "bytes_down = bytes_down + excluded.bytes_down, first_seen = min(first_seen, excluded.first_seen), "
            "last_seen = max(last_seen, excluded.last_seen), revision = excluded.revision");
    }

    std::mutex mutex_;
    std::filesystem::path file_;
    Options options_;
    const Clock& clock_;
    Connection connection_;
    std::int64_t current_ = 0;
    Epoch epoch_;
    std::optional<Day> pruned_through_;
    Statement find_identity_, insert_identity_, find_application_, insert_application_, find_destination_,
        insert_destination_, add_;
};

Result<std::unique_ptr<Ledger>> opened(const std::filesystem::path& file, Connection::Mode mode, const Options& options,
                                       const Clock& clock)
{
    try {
        return std::unique_ptr<Ledger>(std::make_unique<SqliteLedger>(file, mode, options, clock));
    } catch (const std::runtime_error& why) {
        return io_failure(
            fmt::format("{}: {}; give another data_directory or move the file away", file.string(), why.what()));
    }
}

}    // namespace

Result<std::unique_ptr<Ledger>> open_ledger(const std::filesystem::path& file, const Options& options,
                                            const Clock& clock)
{
    return opened(file, Connection::Mode::create, options, clock);
}

Result<std::unique_ptr<Ledger>> open_existing_ledger(const std::filesystem::path& file, const Clock& clock)
{
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored))
        return not_found(fmt::format("{}: there is no ledger yet; start `daylight-agent run` first", file.string()));
    return opened(file, Connection::Mode::existing, Options{}, clock);
}

}    // namespace dl::agent::ledger
