// The ledger in an SQLite file. Its parts stand in files of their own: ledger.cpp (opening, epochs, booking, state),
// ledger_transport.cpp (what is on its way to the collector, and what has arrived), ledger_pruning.cpp (what is let
// go), ledger_continuity.cpp (the open connections), ledger_damage.cpp (a damaged file). Everything behind the public
// operations throws std::runtime_error; `guarded` turns that into a Failure.
#pragma once

#include "agent/ledger/ledger.hpp"
#include "agent/ledger/sqlite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>

namespace dl::agent::ledger {

inline std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }
inline std::int64_t number(Timestamp when) { return when.time_since_epoch().count(); }
inline std::int64_t number(Day day) { return day.time_since_epoch().count(); }
inline Timestamp moment(std::int64_t micros) { return Timestamp{std::chrono::microseconds(micros)}; }
inline Day day_from(std::int64_t days) { return Day{std::chrono::days(days)}; }

template <class Value>
Value id_from(std::span<const std::uint8_t> blob)
{
    Value id;
    if (blob.size() != id.bytes.size()) throw Damage("an id has the wrong length");
    std::copy(blob.begin(), blob.end(), id.bytes.begin());
    return id;
}

inline CellValue value_at(const Statement& row, int column)
{
    return {static_cast<std::uint64_t>(row.integer(column)), static_cast<std::uint64_t>(row.integer(column + 1)),
            static_cast<std::uint64_t>(row.integer(column + 2)), moment(row.integer(column + 3)),
            moment(row.integer(column + 4))};
}

inline constexpr const char* key_columns =
    "c.day, d.pseudonym, p.pseudonym, a.name, t.host, t.canonical, t.transport, t.port, c.evidence";
inline constexpr const char* key_tables =
    " FROM cells c JOIN identities d ON d.id = c.device LEFT JOIN identities p ON p.id = c.person "
    "LEFT JOIN applications a ON a.id = c.application JOIN destinations t ON t.id = c.destination ";
inline constexpr int key_width = 9;
/// Of a row of epochs: nothing was counted that no collector acknowledged. Counters only rise, so their sum says it.
inline constexpr const char* counters_told =
    "packets + packets_dropped + connections + connections_unattributed + cells_dropped + gap_seconds + "
    "bytes_hidden_road + connections_with_program <= "
    "coalesce((SELECT CAST(value AS INTEGER) FROM notes WHERE key = 'told:' || lower(hex(epoch))), 0)";

inline CellKey key_at(const Statement& row, int column)
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

/// The file is whole, but not this agent's to use. The words hold the next step.
struct Refusal : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The next step where a reader beside the agent meets damage.
inline constexpr const char* damaged_elsewhere =
    "the file is damaged: `daylight-agent run` sets it aside and begins a new one";

class SqliteLedger final : public Ledger {
public:
    SqliteLedger(std::filesystem::path file, Connection::Mode mode, const Options& options, const Clock& clock);
    Result<void> book(std::span<const Share> shares, const wire::Counters& counted,
                      const std::optional<FilePosition>& position, const OpenChanges& open,
                      const Offers& offers) override;
    Result<std::vector<KeptConnection>> open_connections() override;
    Result<Batch> unsent(std::size_t most) override;
    Result<void> acknowledge(const Batch& batch, const Receipt& receipt, const StoreIncarnation& store) override;
    Result<void> set_aside(const Batch& batch) override;
    Result<void> rewind(const Epoch& epoch, std::uint64_t revision) override;
    Result<void> start_epoch(std::string_view reason) override;
    Result<void> prune() override;
    Result<State> state() override;
    Result<std::vector<FilePosition>> positions() override;
    Result<void> for_each_left(const std::function<void(const LeftCell&)>& visit) override;
    Result<Offers> offers() override;
    Result<std::string> note(std::string_view key) override;
    Result<void> set_note(std::string_view key, std::string_view value) override;
    std::uint64_t begun_anew() const override { return begun_anew_; }

private:
    /// Runs one operation alone, and turns what the database threw into one line.
    template <class Operation>
    Result<void> guarded(Operation&& operation)
    {
        const std::lock_guard alone(mutex_);
        try {
            if (!open_) open_file();
            operation();
            return {};
        } catch (const Damage& why) {
            return replace(why.what());
        } catch (const std::runtime_error& why) {
            forget_half_done();
            return io_failure(
                fmt::format("{}: {}; check the disk's free space and who may write there", file_.string(), why.what()));
        }
    }

    /// After a rollback: the epoch that the file still has.
    void forget_half_done();
    /// Throws Damage where the file is damaged.
    void open_file();
    void close_file();
    /// Reads all pages of a file that is small enough for it to be cheap.
    void look_for_damage();
    /// Sets the damaged file aside and begins a new one; what the operation that met the damage returns.
    Failure replace(const std::string& why);
    /// Throws where the disk refuses; then the next operation opens the file, or tries again.
    std::filesystem::path begin_anew(const std::string& why);
    void prepare();
    void check();
    void read_current_epoch();
    void begin_epoch(std::string_view reason);
    std::int64_t revision_counter();
    std::string note_row(std::string_view key);
    void set_note_row(std::string_view key, std::string_view value);
    std::int64_t found_or_inserted(Statement& find, Statement& insert);
    std::int64_t identity_row(const Pseudonym& who);
    std::int64_t application_row(const std::string& name);
    std::int64_t destination_row(const wire::Destination& to);
    void add_share(const Share& share, std::int64_t revision);
    void count(const wire::Counters& more);
    void keep_position(const FilePosition& position);
    void keep_open(const OpenChanges& open);
    void keep_offers(const Offers& offers);
    Offers offers_of(const std::vector<SentCell>& cells);
    std::int64_t epoch_row(const Epoch& epoch);
    Batch read_batch(std::size_t most);
    void doubt_other_stores(std::int64_t told, const StoreIncarnation& store);
    static wire::Counters counters_at(const Statement& row, int column);
    /// Deletes the cells that `where` (with one parameter) names and remembers up to which day, per epoch.
    void release(const std::string& where, std::int64_t parameter);
    std::uint64_t bytes_in_use();
    /// Acknowledged cells first, then whatever is oldest, a day at a time; what was never sent is counted.
    void shrink();
    State read_state();
    std::optional<Timestamp> moment_note(std::string_view key);
    /// The statements of the booking path, prepared once the tables are there.
    void prepare_statements();

    std::mutex mutex_;
    std::filesystem::path file_;
    Options options_;
    const Clock& clock_;
    Connection::Mode mode_;
    Connection connection_;
    bool open_ = false;
    std::string epoch_reason_ = "new ledger";    ///< of a new file's first epoch
    std::atomic<std::uint64_t> begun_anew_{0};
    std::string set_aside_;    ///< to be noted in the new file
    std::uint64_t set_aside_count_ = 0;
    std::int64_t current_ = 0;
    Epoch epoch_;
    std::optional<Day> pruned_through_;
    Statement find_identity_, insert_identity_, find_application_, insert_application_, find_destination_,
        insert_destination_, add_;
};

}    // namespace dl::agent::ledger
