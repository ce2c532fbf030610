// The ledger: the usage cells of this observer in one SQLite file (WAL, synchronous=FULL). The state is the spool: what
// is unsent is every cell whose revision is above the last acknowledged one, so an outage coalesces instead of growing.
//
// SCHEMA.md beside this file is the specification of its tables. A ledger is used by one running agent (which holds the
// lock of the data directory); `status` and `explain` read beside it. All functions are thread-safe and block for the
// disk.
#pragma once

#include "agent/ledger/cell.hpp"
#include "agent/ledger/kept_connection.hpp"
#include "shared/base/digest.hpp"
#include "shared/base/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dl::agent::ledger {

struct Options {
    std::uint64_t limit_bytes = 64ULL << 20;    ///< size of the file; above it the oldest days go, counted
    int keep_days = 7;                          ///< acknowledged cells stay so long, for a collector that was restored
};

/// How far a capture file was booked. Committed together with the cells that came from it.
struct FilePosition {
    Digest file{};                ///< of this row alone; before schema 4: SHA-256 over the file's head
    std::uint64_t packets = 0;    ///< read and booked
    /// Where the file ended when it was read, rising: what was known of every connection was booked there.
    std::vector<std::uint64_t> ends;
    std::string marks;    ///< who the file is (service/capture_position.hpp); empty: an agent before schema 4 read it

    friend bool operator==(const FilePosition&, const FilePosition&) = default;
};

/// One cell of a batch.
struct SentCell {
    std::int64_t id = 0;    ///< of the row
    CellKey key;
    CellValue value;
    std::uint64_t revision = 0;
};

/// Cells of one epoch in the order of their revisions, as they are now: (revision_from, revision_to].
struct Batch {
    Epoch epoch;
    std::uint64_t revision_from = 0;
    std::uint64_t revision_to = 0;
    std::optional<Receipt> last_receipt;
    std::optional<StoreIncarnation> last_store;
    wire::Counters counters;
    std::vector<SentCell> cells;
    Offers offers;          ///< of the applications among the cells
    bool current = true;    ///< false: of an earlier epoch that still has something unsent
};

/// A cell that left this host: the values that were acknowledged, which may be less than what it holds by now.
struct LeftCell {
    Epoch epoch;
    CellKey key;
    CellValue sent;
};

/// What `status` shows.
struct State {
    Epoch epoch;
    std::uint64_t revision = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t cells = 0;
    std::uint64_t unsent = 0;
    std::optional<Day> oldest_unsent;    ///< day of the oldest cell that waits
    std::uint64_t unsent_days = 0;       ///< how many days have cells that wait
    std::uint64_t set_aside = 0;         ///< cells that the collector could not take
    std::uint64_t epochs = 0;
    std::uint64_t bytes = 0;               ///< in use in the file
    std::uint64_t open_connections = 0;    ///< kept to go on with after a restart
    std::optional<Timestamp> last_acknowledged;
    std::optional<Timestamp> last_booked;
    std::optional<Receipt> last_receipt;
    std::optional<StoreIncarnation> last_store;
    wire::Counters counters;    ///< of the epoch
    std::string last_epoch_reason;
};

/// Notes of a ledger that took the place of a damaged one: its name and what was wrong, and how many there were.
inline constexpr const char* set_aside_note = "ledger_set_aside";
inline constexpr const char* set_aside_count_note = "ledgers_set_aside";

class Ledger {
public:
    virtual ~Ledger() = default;

    /// Adds shares, counts, for a capture file the position in it, and live what became of the open connections: all of
    /// it or nothing, durable on return. Starts a new epoch first where a share falls on a day that was pruned.
    [[nodiscard]] virtual Result<void> book(std::span<const Share> shares, const wire::Counters& counted,
                                            const std::optional<FilePosition>& position, const OpenChanges& open = {},
                                            const Offers& offers = {}) = 0;
    /// The open connections that the last booking left.
    [[nodiscard]] virtual Result<std::vector<KeptConnection>> open_connections() = 0;

    /// The next cells to send, oldest epoch first; a batch without cells where there are none: of an earlier epoch
    /// whose counters were not told to the end, else of the current one.
    [[nodiscard]] virtual Result<Batch> unsent(std::size_t most) = 0;
    /// The collector holds the batch for good. Earlier epochs that another store took become unsent again.
    [[nodiscard]] virtual Result<void> acknowledge(const Batch& batch, const Receipt& receipt,
                                                   const StoreIncarnation& store) = 0;
    /// The collector can't take this one cell: it is never sent again, and counted.
    [[nodiscard]] virtual Result<void> set_aside(const Batch& batch) = 0;
    /// The store was restored and holds `epoch` only up to `revision`: what came after is unsent again.
    [[nodiscard]] virtual Result<void> rewind(const Epoch& epoch, std::uint64_t revision) = 0;
    /// From now on cells start at zero under a new random epoch; unsent cells of the old one are still sent.
    [[nodiscard]] virtual Result<void> start_epoch(std::string_view reason) = 0;

    /// Lets go of cells acknowledged `keep_days` ago, and of the oldest days above the size limit.
    [[nodiscard]] virtual Result<void> prune() = 0;

    [[nodiscard]] virtual Result<State> state() = 0;
    /// Of every capture file that was ever read.
    [[nodiscard]] virtual Result<std::vector<FilePosition>> positions() = 0;
    /// Every cell of which something was acknowledged, by day.
    [[nodiscard]] virtual Result<void> for_each_left(const std::function<void(const LeftCell&)>& visit) = 0;

    /// What is told of applications beside their cells.
    [[nodiscard]] virtual Result<Offers> offers() = 0;

    /// Small notes beside the cells ("watching_since", …); empty where never written.
    [[nodiscard]] virtual Result<std::string> note(std::string_view key) = 0;
    [[nodiscard]] virtual Result<void> set_note(std::string_view key, std::string_view value) = 0;

    /// How often a damaged file was set aside and a new ledger begun since this was opened. The operation that met the
    /// damage fails and may be tried again; of what was written before, nothing is there any more.
    [[nodiscard]] virtual std::uint64_t begun_anew() const = 0;
};

/// Opens the ledger, or makes one; a damaged one is set aside (damaged_ledger.hpp) and a new one begun. One line of
/// failure where the file was written by a newer agent, is another program's, or the disk refuses. `clock` must outlive
/// it.
[[nodiscard]] Result<std::unique_ptr<Ledger>> open_ledger(const std::filesystem::path& file, const Options& options,
                                                          const Clock& clock);
/// For reading beside a running agent; not_found where there is none.
[[nodiscard]] Result<std::unique_ptr<Ledger>> open_existing_ledger(const std::filesystem::path& file,
                                                                   const Clock& clock);

}    // namespace dl::agent::ledger
