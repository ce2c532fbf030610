// What is well and what is not, told from values alone: the checks of `doctor` that ask nobody.
#include "agent/service/health.hpp"
#include "agent/service/watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dl::agent::service {
namespace {

using Grade = Finding::Grade;

constexpr std::chrono::days long_ago{7};    // a bound that was reached before that is history
constexpr std::chrono::days beyond_reckoning{3650};

}    // namespace

std::uint64_t seconds_between(Timestamp earlier, Timestamp later)
{
    return later <= earlier
               ? 0
               : static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(later - earlier).count());
}

std::uint64_t days_behind(const ledger::State& state, Timestamp now)
{
    if (!state.oldest_unsent || *state.oldest_unsent >= day_of(now)) return 0;
    return static_cast<std::uint64_t>((day_of(now) - *state.oldest_unsent).count());
}

std::optional<Day> room_until(const ledger::State& state, std::uint64_t limit_octets, Timestamp now)
{
    if (days_behind(state, now) == 0 || state.cells == 0 || state.bytes == 0 || state.unsent_days == 0)
        return std::nullopt;
    const double octets_of_a_cell = static_cast<double>(state.bytes) / static_cast<double>(state.cells);
    // Acknowledged cells make room first.
    const double room =
        std::max(0.0, static_cast<double>(limit_octets) / octets_of_a_cell - static_cast<double>(state.unsent));
    const double a_day = std::max(1.0, static_cast<double>(state.unsent) / static_cast<double>(state.unsent_days));
    const double days = room / a_day;
    if (days > static_cast<double>(beyond_reckoning.count())) return std::nullopt;
    return day_of(now) + std::chrono::days(static_cast<std::int64_t>(days));
}

std::vector<Finding> examine_ledger(const ledger::State& state, const Circumstances& at)
{
    std::vector<Finding> findings;
    const auto patience = 3 * static_cast<std::uint64_t>(at.flush_every.count()) + 5;    // and a busy disk
    const std::uint64_t silent = state.last_booked ? seconds_between(*state.last_booked, at.now) : 0;
    const bool said = at.standing && at.standing->disk;    // by the agent, with the reason
    if (at.watches_live && silent > patience && !said)
        findings.push_back({"booking", Grade::fail,
                            fmt::format("the agent runs, but nothing could be written to the ledger for {} s", silent),
                            fmt::format("make room on its disk: what is seen waits in memory, {} cells at most",
                                        most_unbooked_cells)});
    if (state.last_booked && *state.last_booked > at.now + std::chrono::minutes(5))
        findings.push_back({"clock", Grade::warn,
                            "the clock was set back: the last booking is of " + to_rfc3339(*state.last_booked),
                            "see that this host's time is synchronised"});
    if (const std::uint64_t days = days_behind(state, at.now); days > 0) {
        const auto until = room_until(state, at.ledger_limit_octets, at.now);
        const std::string room =
            state.counters.cells_dropped > 0 ? fmt::format("{} cells were let go already", state.counters.cells_dropped)
            : until ? fmt::format("at this pace there is room until about {}, then the use of {} goes first",
                                  to_iso_date(*until), to_iso_date(*state.oldest_unsent))
                    : "there is room for years";
        findings.push_back(
            {"lag", days > 1 ? Grade::fail : Grade::warn,
             fmt::format("{} cells wait to be reported, the oldest of {}, {} day{} ago; {}", state.unsent,
                         to_iso_date(*state.oldest_unsent), days, days == 1 ? "" : "s", room),
             "see the lines of collector and reports; ledger_limit_mb is the room"});
    }
    return findings;
}

std::vector<Finding> examine_standing(const Standing& standing, Timestamp now)
{
    std::vector<Finding> findings;
    if (const auto& disk = standing.disk)
        findings.push_back(
            {"booking", Grade::fail,
             fmt::format("the ledger can't be written since {} ({} s): {}; {} cells wait in memory, {} found no room",
                         to_rfc3339(disk->since), seconds_between(disk->since, now), disk->why, disk->cells_waiting,
                         disk->cells_dropped),
             fmt::format("make room on its disk: what is seen waits in memory, {} cells at most",
                         most_unbooked_cells)});
    if (const auto& absence = standing.absence)
        findings.push_back(
            {"source", Grade::fail,
             fmt::format("interface {} is not there since {} ({} s): nothing is watched", absence->interface,
                         to_rfc3339(absence->since), seconds_between(absence->since, now)),
             "check interface; `ip link` lists them. It is taken up again when it comes back"});
    return findings;
}

std::vector<Finding> examine_limits(const ReachedLimits& reached, Timestamp now)
{
    std::vector<Finding> findings;
    for (std::size_t i = 0; i < known_limits.size(); ++i) {
        const auto& [count, last] = reached.counts[i];
        if (count == 0 || !last || now - *last > long_ago) continue;
        findings.push_back({"limits", Grade::warn,
                            fmt::format("{} {} (last {})", count, known_limits[i].what, to_rfc3339(*last)),
                            known_limits[i].next});
    }
    return findings;
}

Finding examine_certificate(const uplink::Validity& validity, Timestamp now)
{
    const auto say = [](Grade grade, std::string what, std::string next) {
        return Finding{"certificate", grade, std::move(what), std::move(next)};
    };
    if (now > validity.to + renewal_grace)
        return say(Grade::fail, "has expired on " + to_rfc3339(validity.to) + ", too long ago to be renewed",
                   "check the clock, then enrol again with a new token");
    if (now > validity.to)
        return say(Grade::warn,
                   fmt::format("has expired on {}; until {} it still renews itself", to_rfc3339(validity.to),
                               to_iso_date(day_of(validity.to + renewal_grace))),
                   "see that the agent runs and reaches its collector");
    if (now < validity.from)
        return say(Grade::fail, "is not valid before " + to_rfc3339(validity.from), "set this host's clock");
    if ((validity.to - now) * 4 < validity.to - validity.from)
        return say(Grade::warn, "was not renewed in time; it ends on " + to_rfc3339(validity.to),
                   "see that the agent runs and reaches its collector");
    return say(Grade::ok, "good until " + to_rfc3339(validity.to), "");
}

}    // namespace dl::agent::service
