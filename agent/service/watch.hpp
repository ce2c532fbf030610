// The watching side of a running agent: packets in, cells in the ledger out. One thread from the first packet to the
// last.
#pragma once

#include "shared/base/awake.hpp"

#include "agent/capture/packet_source.hpp"
#include "agent/flow/flow_table.hpp"
#include "agent/ledger/booker.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/ledger/open_connections.hpp"
#include "agent/service/reached_limits.hpp"
#include "agent/service/standing.hpp"
#include "shared/base/failure.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>

namespace dl::agent::service {

/// The ledger's note of how many open connections found no room to be kept over a restart, at the last look.
inline constexpr const char* open_without_room_note = "open_connections_without_room";

/// The ledger's note of the last time that it could not be written: from when to when, and why.
inline constexpr const char* disk_trouble_note = "disk_trouble";

/// The ledger's note of the last time that the interface was not there: from when to when, and which.
inline constexpr const char* absence_note = "interface_absence";

/// Cells that wait in memory while the ledger can't be written; what finds no room is counted as dropped.
inline constexpr std::size_t most_unbooked_cells = 20'000;

struct WatchPlan {
    std::chrono::seconds flush_every{10};    ///< live
    std::string place;                       ///< live: boot, interface …, what open connections belong to
    /// Set: a capture file is read, from its start, and booked from here on; see recognise_file().
    std::optional<ledger::FilePosition> file;
    bool nothing_new = false;    ///< of the file: it need not be read
    /// A replay commits after so many packets. A count and not a time, so that it is the same in every run and the flow
    /// table tells the same shares up to a committed position whenever the file is read again.
    std::uint64_t packets_per_commit = 20'000;
    std::uint32_t connections_limit = flow::Limits::usual_connections;
    std::string interface;               ///< live: for what is said when it is not there
    StandingPage* standing = nullptr;    ///< live: told how things stand; may be null, else outlives the watch
};

class Watch {
public:
    /// All references outlive the watch.
    Watch(WatchPlan plan, capture::PacketSource& source, ledger::Booker& booker, ledger::Ledger& ledger,
          const Clock& clock, const AwakeClock& awake);

    /// Until the source ends or `stop` is true; then what was seen is in the ledger. `flushed` is called after each
    /// commit that held something. A failure of the source comes after what was read before it was booked. A capture
    /// file stopped in the middle goes on at its last committed position next time.
    [[nodiscard]] Result<void> run(const std::atomic<bool>& stop, const std::function<void()>& flushed);

private:
    Result<void> replay(const std::atomic<bool>& stop, const std::function<void()>& flushed);
    Result<void> live(const std::atomic<bool>& stop, const std::function<void()>& flushed);
    Result<void> commit(const std::optional<ledger::FilePosition>& position, const std::function<void()>& flushed);
    Result<void> start_watching();
    /// Now; tells whom it concerns where the clock leapt ahead since the last look.
    Timestamp look_at_the_clock();

    WatchPlan plan_;
    capture::PacketSource& source_;
    ledger::Booker& booker_;
    ledger::Ledger& ledger_;
    const Clock& clock_;
    const AwakeClock& awake_;
    flow::FlowTable flows_;
    ledger::OpenConnections open_;    ///< live only
    std::uint64_t packets_counted_ = 0;
    std::uint64_t dropped_counted_ = 0;
    std::uint64_t packets_ = 0;
    Result<void> note_without_room();
    /// A damaged ledger was set aside since the last look: what it was told, the new one is told again.
    bool ledger_is_new();
    Result<void> note_watching();
    void book_failed(const Failure& why);
    Result<void> note_recovery();
    /// Whether the interface is there; the time in which it is not is a gap.
    void look_at_the_source(Timestamp now);
    void count_absence();
    Result<void> note_absence();
    Result<void> note_limits(bool last);
    void tell_standing();

    Timestamp memory_given_back_{};
    Timestamp looked_at_{};                        ///< live: the clock, at the last look …
    std::chrono::microseconds looked_awake_{0};    ///< … and how long the machine was awake by then
    std::uint64_t without_room_ = 0;               ///< as noted last
    std::optional<Timestamp> failing_since_;       ///< the ledger could not be written
    std::string failing_because_;
    std::uint64_t ledgers_begun_ = 0;                 ///< as Ledger::begun_anew() said last
    bool watching_noted_ = false;                     ///< live
    ledger::Booked unbooked_;                         ///< taken from the booker, not in the ledger yet
    std::uint64_t dropped_waiting_ = 0;               ///< of these: found no room since the trouble began
    std::optional<Timestamp> absent_since_;           ///< the interface
    std::chrono::microseconds absence_counted_{0};    ///< up to here, in time awake
    std::string past_absence_;                        ///< to be noted
    ReachedLimits limits_before_;                     ///< by earlier processes
    ReachedLimits limits_;
    ReachedLimits limits_noted_;
    Timestamp limits_noted_at_{};
};

}    // namespace dl::agent::service
