// How things stand: what a watch notices beside the packets, notes and tells.
#include "agent/service/watch.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace dl::agent::service {
namespace {

constexpr std::chrono::seconds note_limits_every{60};    // the page is told at once

}    // namespace

void Watch::look_at_the_source(Timestamp now)
{
    if (source_.absent() == absent_since_.has_value()) return;
    if (!absent_since_) {
        absent_since_ = now;
        absence_counted_ = awake_.awake();
        spdlog::warn("interface {} is not there: nothing is watched until it comes back", plan_.interface);
    } else {
        count_absence();
        past_absence_ = fmt::format("{} to {}: {}", to_rfc3339(*absent_since_), to_rfc3339(now), plan_.interface);
        absent_since_.reset();
        spdlog::info("interface {} is there again", plan_.interface);
    }
    tell_standing();
}

/// In whole seconds; what is left over counts with the next ones. A machine that sleeps misses nothing.
void Watch::count_absence()
{
    if (!absent_since_) return;
    const auto passed = std::chrono::floor<std::chrono::seconds>(awake_.awake() - absence_counted_);
    absence_counted_ += passed;
    unbooked_.counted.gap_seconds += static_cast<std::uint64_t>(passed.count());
}

Result<void> Watch::note_absence()
{
    if (past_absence_.empty()) return {};
    const auto noted = ledger_.set_note(absence_note, past_absence_);
    if (noted) past_absence_.clear();
    return noted;
}

Result<void> Watch::note_limits(bool last)
{
    if (plan_.file) return {};
    const Timestamp now = clock_.now();
    limits_ = ReachedLimits::after(limits_before_, limits_, flows_.counters(), now);
    const bool soon = now >= limits_noted_at_ && now - limits_noted_at_ < note_limits_every;
    if (limits_ == limits_noted_ || (soon && !last)) return {};
    const auto noted = ledger_.set_note(reached_limits_note, to_note(limits_));
    if (noted) {
        limits_noted_ = limits_;
        limits_noted_at_ = now;
    }
    return noted;
}

void Watch::tell_standing()
{
    if (plan_.standing == nullptr) return;
    Standing standing;
    standing.at = clock_.now();
    if (failing_since_)
        standing.disk =
            Standing::DiskTrouble{*failing_since_, failing_because_, unbooked_.shares.size(), dropped_waiting_};
    if (absent_since_) standing.absence = Standing::Absence{*absent_since_, plan_.interface};
    limits_ = ReachedLimits::after(limits_before_, limits_, flows_.counters(), standing.at);
    standing.limits = limits_;
    plan_.standing->write(standing);
}

}    // namespace dl::agent::service
