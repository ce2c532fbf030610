#include "agent/ledger/ledger.hpp"

#include "agent/ledger/schema.hpp"
#include "agent/ledger/sqlite_ledger.hpp"

#include <charconv>
#include <utility>

namespace dl::agent::ledger {

SqliteLedger::SqliteLedger(std::filesystem::path file, Connection::Mode mode, const Options& options,
                           const Clock& clock)
    : file_(std::move(file)), options_(options), clock_(clock), mode_(mode)
{
    try {
        open_file();
    } catch (const Damage& why) {
        if (mode == Connection::Mode::existing) throw;
        begin_anew(why.what());
    }
}

Result<void> SqliteLedger::book(std::span<const Share> shares, const wire::Counters& counted,
                                const std::optional<FilePosition>& position, const OpenChanges& open,
                                const Offers& offers)
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
        keep_open(open);
        keep_offers(offers);
        transaction.commit();
    });
}

Result<void> SqliteLedger::start_epoch(std::string_view reason)
{
    return guarded([&] {
        Transaction transaction(connection_);
        begin_epoch(reason);
        transaction.commit();
    });
}

Result<State> SqliteLedger::state()
{
    State state;
    const auto done = guarded([&] { state = read_state(); });
    if (!done) return done.error();
    return state;
}

Result<std::string> SqliteLedger::note(std::string_view key)
{
    std::string value;
    const auto done = guarded([&] { value = note_row(key); });
    if (!done) return done.error();
    return value;
}

Result<void> SqliteLedger::set_note(std::string_view key, std::string_view value)
{
    return guarded([&] { set_note_row(key, value); });
}

void SqliteLedger::forget_half_done()
{
    try {
        read_current_epoch();
    } catch (const std::runtime_error&) {
        // The operation's own failure is the one to report.
    }
}

void SqliteLedger::prepare()
{
    const std::int64_t version = connection_.integer("PRAGMA user_version");
    if (version >= 1 && version < schema_version && connection_.integer("PRAGMA application_id") == application_id) {
        Transaction transaction(connection_);
        if (version < 2) connection_.execute(schema_step_2);
        if (version < 3) connection_.execute(schema_step_3);
        connection_.execute(schema_step_4);
        connection_.execute(fmt::format("PRAGMA user_version = {}", schema_version).c_str());
        transaction.commit();
    }
    if (version != 0) return;
    connection_.execute("PRAGMA auto_vacuum = INCREMENTAL");
    connection_.execute("PRAGMA journal_mode = WAL");
    Transaction transaction(connection_);
    if (connection_.integer("SELECT count(*) FROM sqlite_master") != 0)
        throw Refusal("is another program's database; set data_directory to a place of its own, or move the file away");
    connection_.execute(schema);
    connection_.execute(schema_step_2);
    connection_.execute(schema_step_3);
    connection_.execute(schema_step_4);
    connection_.execute(fmt::format("PRAGMA application_id = {}", application_id).c_str());
    connection_.execute(fmt::format("PRAGMA user_version = {}", schema_version).c_str());
    begin_epoch(epoch_reason_);
    transaction.commit();
}

void SqliteLedger::check()
{
    const std::int64_t version = connection_.integer("PRAGMA user_version");
    if (version > schema_version)
        throw Refusal(
            fmt::format("was written by a newer agent (schema {}, this one knows {}); install the newer agent "
                        "again, or move the file away: the use that it did not send yet is lost then",
                        version, schema_version));
    if (connection_.integer("PRAGMA application_id") != application_id || version < 1)
        throw Refusal(
            "is no ledger of daylight-agent; set data_directory to a place of its own, or move the file away");
    connection_.execute("PRAGMA synchronous = FULL");
}

void SqliteLedger::read_current_epoch()
{
    Statement read(connection_.get(), "SELECT id, epoch, pruned_through FROM epochs ORDER BY id DESC LIMIT 1");
    if (!read.step()) throw Damage("holds no epoch");
    current_ = read.integer(0);
    epoch_ = id_from<Epoch>(read.blob(1));
    pruned_through_.reset();
    if (!read.is_null(2)) pruned_through_ = day_from(read.integer(2));
}

void SqliteLedger::begin_epoch(std::string_view reason)
{
    Statement(connection_.get(), "INSERT INTO epochs (epoch, started, reason) VALUES (?1, ?2, ?3)")
        .bind(1, Epoch::random().bytes)
        .bind(2, number(clock_.now()))
        .bind(3, reason)
        .run();
    read_current_epoch();
}

std::int64_t SqliteLedger::revision_counter()
{
    const std::string text = note_row("revision");
    std::int64_t revision = 0;
    std::from_chars(text.data(), text.data() + text.size(), revision);
    return revision;
}

std::string SqliteLedger::note_row(std::string_view key)
{
    Statement read(connection_.get(), "SELECT value FROM notes WHERE key = ?1");
    read.bind(1, key);
    return read.step() ? read.text(0) : std::string();
}

void SqliteLedger::set_note_row(std::string_view key, std::string_view value)
{
    Statement(connection_.get(),
              "INSERT INTO notes (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value")
        .bind(1, key)
        .bind(2, value)
        .run();
}

std::int64_t SqliteLedger::found_or_inserted(Statement& find, Statement& insert)
{
    {
        const Rewound rewound(find);
        if (find.step()) return find.integer(0);
    }
    insert.run();
    return sqlite3_last_insert_rowid(connection_.get());
}

std::int64_t SqliteLedger::identity_row(const Pseudonym& who)
{
    find_identity_.bind(1, who.bytes);
    insert_identity_.bind(1, who.bytes);
    return found_or_inserted(find_identity_, insert_identity_);
}

std::int64_t SqliteLedger::application_row(const std::string& name)
{
    find_application_.bind(1, name);
    insert_application_.bind(1, name);
    return found_or_inserted(find_application_, insert_application_);
}

std::int64_t SqliteLedger::destination_row(const wire::Destination& to)
{
    for (Statement* statement : {&find_destination_, &insert_destination_}) {
        statement->bind(1, to.host).bind(2, to.canonical).bind(3, static_cast<std::int64_t>(to.transport));
        statement->bind(4, static_cast<std::int64_t>(to.port));
    }
    return found_or_inserted(find_destination_, insert_destination_);
}

void SqliteLedger::add_share(const Share& share, std::int64_t revision)
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

void SqliteLedger::count(const wire::Counters& more)
{
    Statement(connection_.get(),
              "UPDATE epochs SET packets = packets + ?2, packets_dropped = packets_dropped + ?3, "
              "connections = connections + ?4, connections_unattributed = connections_unattributed + ?5, "
              "cells_dropped = cells_dropped + ?6, gap_seconds = gap_seconds + ?7, "
              "bytes_hidden_road = bytes_hidden_road + ?8, "
              "connections_with_program = connections_with_program + ?9 WHERE id = ?1")
        .bind(1, current_)
        .bind(2, number(more.packets))
        .bind(3, number(more.packets_dropped))
        .bind(4, number(more.connections))
        .bind(5, number(more.connections_unattributed))
        .bind(6, number(more.cells_dropped))
        .bind(7, number(more.gap_seconds))
        .bind(8, number(more.bytes_hidden_road))
        .bind(9, number(more.connections_with_program))
        .run();
}

wire::Counters SqliteLedger::counters_at(const Statement& row, int column)
{
    const auto at = [&](int offset) { return static_cast<std::uint64_t>(row.integer(column + offset)); };
    return {at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)};
}

State SqliteLedger::read_state()
{
    State state;
    read_current_epoch();
    state.epoch = epoch_;
    state.revision = static_cast<std::uint64_t>(revision_counter());
    state.cells = static_cast<std::uint64_t>(connection_.integer("SELECT count(*) FROM cells"));
    state.unsent = static_cast<std::uint64_t>(
        connection_.integer("SELECT count(*) FROM cells c JOIN epochs e ON e.id = c.epoch WHERE c.revision > "
                            "e.acknowledged AND c.aside = 0"));
    Statement oldest(connection_.get(),
                     "SELECT min(c.day), count(DISTINCT c.day) FROM cells c JOIN epochs e ON e.id = c.epoch "
                     "WHERE c.revision > e.acknowledged AND c.aside = 0");
    if (oldest.step() && !oldest.is_null(0)) {
        state.oldest_unsent = day_from(oldest.integer(0));
        state.unsent_days = static_cast<std::uint64_t>(oldest.integer(1));
    }
    state.set_aside = static_cast<std::uint64_t>(connection_.integer("SELECT count(*) FROM cells WHERE aside = 1"));
    state.epochs = static_cast<std::uint64_t>(connection_.integer("SELECT count(*) FROM epochs"));
    if (connection_.integer("PRAGMA user_version") >= 2)
        state.open_connections =
            static_cast<std::uint64_t>(connection_.integer("SELECT count(*) FROM open_connections"));
    state.bytes = bytes_in_use();
    // `status` reads beside an older agent too, whose ledger has no such column.
    const bool counts_programs = connection_.integer("PRAGMA user_version") >= 3;
    Statement head(connection_.get(),
                   fmt::format("SELECT reason, acknowledged, last_receipt, last_store, packets, packets_dropped, "
                               "connections, connections_unattributed, cells_dropped, gap_seconds, bytes_hidden_road, "
                               "{} FROM epochs WHERE id = ?1",
                               counts_programs
                                   ? "connections_with_program"
                                   : "max(0, connections - (SELECT coalesce(sum(CAST(value AS INTEGER)), 0) "
                                     "FROM notes WHERE key = 'connections_without_program'))"));
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

std::optional<Timestamp> SqliteLedger::moment_note(std::string_view key)
{
    const std::string text = note_row(key);
    std::int64_t micros = 0;
    if (text.empty() || std::from_chars(text.data(), text.data() + text.size(), micros).ec != std::errc{})
        return std::nullopt;
    return moment(micros);
}

void SqliteLedger::prepare_statements()
{
    const auto made = [&](const char* sql) { return Statement(connection_.get(), sql); };
    find_identity_ = made("SELECT id FROM identities WHERE pseudonym = ?1");
    insert_identity_ = made("INSERT INTO identities (pseudonym) VALUES (?1)");
    find_application_ = made("SELECT id FROM applications WHERE name = ?1");
    insert_application_ = made("INSERT INTO applications (name) VALUES (?1)");
    find_destination_ =
        made("SELECT id FROM destinations WHERE host = ?1 AND canonical = ?2 AND transport = ?3 AND port = ?4");
    insert_destination_ = made("INSERT INTO destinations (host, canonical, transport, port) VALUES (?1, ?2, ?3, ?4)");
    add_ = made(
        "INSERT INTO cells (epoch, day, device, person, application, destination, evidence, connections, bytes_up, "
        "bytes_down, first_seen, last_seen, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
        "?13) "
        "ON CONFLICT (epoch, day, device, person, application, destination, evidence) DO UPDATE SET "
        "connections = connections + excluded.connections, bytes_up = bytes_up + excluded.bytes_up, "
        "bytes_down = bytes_down + excluded.bytes_down, first_seen = min(first_seen, excluded.first_seen), "
        "last_seen = max(last_seen, excluded.last_seen), revision = excluded.revision");
}

namespace {

Result<std::unique_ptr<Ledger>> opened(const std::filesystem::path& file, Connection::Mode mode, const Options& options,
                                       const Clock& clock)
{
    try {
        return std::unique_ptr<Ledger>(std::make_unique<SqliteLedger>(file, mode, options, clock));
    } catch (const Refusal& why) {
        return io_failure(fmt::format("{}: {}", file.string(), why.what()));
    } catch (const Damage& why) {
        return io_failure(fmt::format("{}: {}; {}", file.string(), why.what(), damaged_elsewhere));
    } catch (const std::runtime_error& why) {
        return io_failure(fmt::format("{}: {}; make room or mend its rights: it holds what was not reported yet",
                                      file.string(), why.what()));
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
    const auto holds_something = [](const std::filesystem::path& path) {
        std::error_code ignored;
        const auto size = std::filesystem::file_size(path, ignored);
        return !ignored && size > 0;
    };
    // An agent that found no room on its disk leaves an empty file behind.
    if (!holds_something(file) && !holds_something(file.string() + "-wal"))
        return not_found(fmt::format("{}: there is no ledger yet; start `daylight-agent run` first", file.string()));
    return opened(file, Connection::Mode::existing, Options{}, clock);
}

}    // namespace dl::agent::ledger
