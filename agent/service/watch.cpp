#include "agent/service/watch.hpp"

#include "agent/ledger/waiting_shares.hpp"
#include "agent/platform/platform.hpp"
#include "agent/service/capture_position.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace dl::agent::service {
namespace {

constexpr std::chrono::seconds give_back_every{60};
constexpr std::chrono::seconds smallest_leap{5};    // less is what clocks are trimmed by, and packets wait for
constexpr std::size_t most_waiting_cells = 20'000;
constexpr std::size_t most_ends = 4096;    // of a capture file: 32 KiB written with each commit

Timestamp moment(std::int64_t nanoseconds)
{
    return Timestamp{std::chrono::floor<std::chrono::microseconds>(std::chrono::nanoseconds(nanoseconds))};
}

}    // namespace

Watch::Watch(WatchPlan plan, capture::PacketSource& source, ledger::Booker& booker, ledger::Ledger& ledger,
             const Clock& clock, const AwakeClock& awake)
    : plan_(std::move(plan)),
      source_(source),
      booker_(booker),
      ledger_(ledger),
      clock_(clock),
      awake_(awake),
      flows_(booker, flow::Limits::of(plan_.connections_limit)),
      open_(ledger, booker, flow::Limits::of(plan_.connections_limit), plan_.place),
      ledgers_begun_(ledger.begun_anew())
{}

Result<void> Watch::run(const std::atomic<bool>& stop, const std::function<void()>& flushed)
{
    return plan_.file ? replay(stop, flushed) : live(stop, flushed);
}

Result<void> Watch::commit(const std::optional<ledger::FilePosition>& position, const std::function<void()>& flushed)
{
    ledger::Booked booked = booker_.take();
    const capture::Statistics seen = source_.statistics();
    const std::uint64_t dropped = std::max(seen.dropped, dropped_counted_);
    const std::uint64_t without_room =
        ledger::add_shares(unbooked_.shares, std::move(booked.shares), most_unbooked_cells);
    unbooked_.counted.cells_dropped += without_room;
    dropped_waiting_ += without_room;
    unbooked_.counted.connections += booked.counted.connections;
    unbooked_.counted.connections_with_program += booked.counted.connections_with_program;
    for (const auto& [what, offer] : booked.offers) {
        // What finds no room is told again with the application's next connection.
        if (unbooked_.offers.size() >= most_unbooked_cells && !unbooked_.offers.contains(what)) continue;
        unbooked_.offers[what].merge(offer);
    }
    unbooked_.counted.connections_unattributed += booked.counted.connections_unattributed;
    unbooked_.counted.bytes_hidden_road += booked.counted.bytes_hidden_road;
    unbooked_.counted.packets += packets_ - packets_counted_;
    unbooked_.counted.packets_dropped += dropped - dropped_counted_;
    packets_counted_ = packets_;
    dropped_counted_ = dropped;
    count_absence();
    const auto book = [&] {
        ledger::OpenChanges open;
        if (!plan_.file) open = open_.changes(flows_, clock_.now());
        return ledger_.book(unbooked_.shares, unbooked_.counted, position, open, unbooked_.offers);
    };
    ledger_is_new();    // the reporter may have met the damage
    auto done = book();
    if (!done && ledger_is_new()) done = book();
    if (!done) {    // kept for the next time: a full disk passes
        open_.not_booked();
        book_failed(done.error());
        tell_standing();
        return done;
    }
    const bool something = !unbooked_.shares.empty();
    unbooked_ = {};    // booked: whatever fails from here on, it must not be booked again
    if (something) flushed();
    if (const auto noted = note_recovery(); !noted) return noted;
    if (const auto noted = note_watching(); !noted) return noted;
    if (const auto noted = note_without_room(); !noted) return noted;
    if (const auto noted = note_absence(); !noted) return noted;
    if (const auto noted = note_limits(false); !noted) return noted;
    tell_standing();
    return {};
}

bool Watch::ledger_is_new()
{
    const std::uint64_t begun = ledger_.begun_anew();
    if (begun == ledgers_begun_) return false;
    ledgers_begun_ = begun;
    open_.not_booked();
    watching_noted_ = false;
    without_room_ = 0;
    limits_noted_ = {};
    return true;
}

/// Said once, not at every attempt. The ledger can't be told now; the page of standing is.
void Watch::book_failed(const Failure& why)
{
    if (!failing_since_) failing_since_ = clock_.now();
    if (why.message == failing_because_) return;
    failing_because_ = why.message;
    spdlog::error("{}; what is seen meanwhile waits in memory", why.message);
}

Result<void> Watch::note_recovery()
{
    if (!failing_since_) return {};
    const auto noted = ledger_.set_note(disk_trouble_note, fmt::format("{} to {}: {}", to_rfc3339(*failing_since_),
                                                                       to_rfc3339(clock_.now()), failing_because_));
    if (!noted) return noted;
    spdlog::info("the ledger can be written again; what waited is in it");
    failing_since_.reset();
    failing_because_.clear();
    dropped_waiting_ = 0;
    return {};
}

Result<void> Watch::note_without_room()
{
    if (open_.without_room() == without_room_) return {};
    const auto noted = ledger_.set_note(open_without_room_note, std::to_string(open_.without_room()));
    if (noted) without_room_ = open_.without_room();
    return noted;
}

Result<void> Watch::replay(const std::atomic<bool>& stop, const std::function<void()>& flushed)
{
    ledger::FilePosition held = *plan_.file;
    if (plan_.nothing_new) {
        spdlog::info("the capture was read to its end before ({} packets): nothing is booked twice", held.packets);
        return {};
    }
    if (held.packets > 0) spdlog::info("going on after packet {} of the capture", held.packets);

    // Exactly what was read before counts, down to half a handshake, and that is not stored: so the file is read again
    // from its start, without booking.
    const std::uint64_t booked_before = held.packets;
    booker_.set_booking(booked_before > 0 ? ledger::Booker::Booking::skipped : ledger::Booker::Booking::on);
    packets_counted_ = booked_before;
    PacketMarks marks;
    capture::Packet packet;
    while (true) {
        if (stop) return {};    // what came after the last commit is read again next time
        const auto event = source_.next(packet);
        if (event && *event == capture::Event::idle) continue;
        if (event && *event == capture::Event::packet) {
            marks.add(packet);
            flows_.on_packet(packet);
            const bool commits = ++packets_ % plan_.packets_per_commit == 0;
            if (commits) flows_.flush(moment(packet.time_ns));
            // Where the file ended once, all was told that was known; from here on it goes on.
            if (std::binary_search(held.ends.begin(), held.ends.end(), packets_))
                flows_.suspend(moment(packet.time_ns));
            if (packets_ < booked_before) continue;
            if (packets_ == booked_before) {
                booker_.set_booking(ledger::Booker::Booking::on);
                continue;
            }
            if (!commits) continue;
            held.packets = packets_;
            held.marks = marks.all();
            const auto done = commit(held, flushed);
            if (!done) return done;
            continue;
        }
        if (packets_ < booked_before)
            return invalid_input(
                fmt::format("the capture ends after packet {}, but {} were booked before; give the file as it was",
                            packets_, booked_before));
        if (packets_ == 0) return event ? Result<void>() : event.error();
        flows_.finish();
        held.packets = packets_;
        held.marks = marks.all();
        if (held.ends.empty() || held.ends.back() != packets_) held.ends.push_back(packets_);
        if (held.ends.size() > most_ends)
            return invalid_input(fmt::format(
                "the capture grew {} times since it was first read to its end; begin a new capture file", most_ends));
        const auto done = commit(held, flushed);
        if (!done) return done;
        if (!event) return event.error();
        return {};
    }
}

Result<void> Watch::start_watching()
{
    const auto watching = ledger_.note("watching");
    if (!watching) return watching.error();
    if (*watching == "1") {
        // The last watch did not end by itself: since its last commit nobody looked.
        const auto state = ledger_.state();
        if (!state) return state.error();
        if (state->last_booked && clock_.now() > *state->last_booked)
            unbooked_.counted.gap_seconds = static_cast<std::uint64_t>(
                std::chrono::ceil<std::chrono::seconds>(clock_.now() - *state->last_booked).count());
    }
    return note_watching();
}

/// A kill is seen by it at the next start.
Result<void> Watch::note_watching()
{
    if (plan_.file || watching_noted_) return {};
    const auto noted = ledger_.set_note("watching", "1");
    watching_noted_ = noted.has_value();
    return noted;
}

Timestamp Watch::look_at_the_clock()
{
    const Timestamp now = clock_.now();
    const std::chrono::microseconds awake = awake_.awake();
    const auto leap = (now - looked_at_) - (awake - looked_awake_);
    const Timestamp before = std::exchange(looked_at_, now);
    looked_awake_ = awake;
    if (leap > smallest_leap) {
        spdlog::info("the clock leapt ahead by {} s: the machine slept, or it was set; open connections go on",
                     std::chrono::floor<std::chrono::seconds>(leap).count());
        flows_.flush(before);    // what came before it belongs to the day before it
        flows_.leapt(leap);
        open_.leapt(leap);
    }
    return now;
}

Result<void> Watch::live(const std::atomic<bool>& stop, const std::function<void()>& flushed)
{
    const auto started = start_watching();
    if (!started) return started;
    if (const auto loaded = open_.load(clock_.now()); !loaded) return loaded;
    if (open_.waiting() > 0) spdlog::info("going on with {} open connections", open_.waiting());
    flows_.set_continuity(&open_);
    if (const auto noted = ledger_.note(reached_limits_note))
        limits_ = limits_before_ = limits_noted_ = parse_reached_limits(*noted);
    Result<void> end;
    capture::Packet packet;
    looked_at_ = clock_.now();
    looked_awake_ = awake_.awake();
    look_at_the_source(looked_at_);
    tell_standing();
    Timestamp flush_at = looked_at_ + plan_.flush_every;
    std::uint32_t until_look = 0;
    while (!stop) {
        const auto event = source_.next(packet);
        if (!event) {
            end = event.error();
            break;
        }
        if (*event == capture::Event::end) break;
        if (*event == capture::Event::packet) {
            // Before a packet of after the leap is read: by its time all others would seem idle.
            if (moment(packet.time_ns) > looked_at_ + smallest_leap) look_at_the_clock();
            flows_.on_packet(packet);
            ++packets_;
            if (++until_look < 64 && booker_.waiting() < most_waiting_cells)
                continue;    // the clock is not asked for every packet
        }
        until_look = 0;
        const Timestamp now = look_at_the_clock();
        look_at_the_source(now);
        const bool clock_set_back = now + plan_.flush_every + plan_.flush_every < flush_at;
        if (now < flush_at && !clock_set_back && booker_.waiting() < most_waiting_cells) continue;
        flush_at = now + plan_.flush_every;
        flows_.flush(now);
        const auto done = commit(std::nullopt, flushed);
        if (!done && !failing_since_) spdlog::error("{}", done.error().message);
        if (now - memory_given_back_ >= give_back_every || now < memory_given_back_) {
            platform::give_back_resident_memory();
            memory_given_back_ = now;
        }
    }
    flows_.suspend(clock_.now());
    const auto done = commit(std::nullopt, flushed);
    if (!done) return done;
    if (const auto noted = note_limits(true); !noted) return noted;
    const auto noted = ledger_.set_note("watching", "0");
    if (!noted) return noted;
    return end;
}

}    // namespace dl::agent::service
