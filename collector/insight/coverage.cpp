#include "collector/insight/coverage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace dl::collector::insight {
namespace {

using nlohmann::json;

constexpr auto silent_after = std::chrono::hours(24);

bool is_readable(std::string_view kind)
{
    const auto evidence = wire::parse_evidence(kind);
    if (!evidence) return false;
    switch (*evidence) {
        case wire::Evidence::tls_sni:
        case wire::Evidence::quic_sni:
        case wire::Evidence::http_host:
        case wire::Evidence::http_connect:
        case wire::Evidence::dns_answer:
        case wire::Evidence::imported: return true;
        default: return false;
    }
}

Result<void> add_names(store::UsageStore& usage, Coverage& coverage, std::uint64_t k)
{
    store::Query query;
    query.from = coverage.period.from;
    query.to = coverage.period.to;
    query.by = {store::By::evidence};
    const auto rows = usage.report(query);
    if (!rows) return rows.error();
    std::uint64_t unreadable = 0,
                  hidden = 0;    // people of the directory, of the kind of evidence that most stand behind
    for (const auto& row : *rows) {
        if (row.evidence == wire::to_string(wire::Evidence::dns_query)) continue;    // asked, not connected
        coverage.readable_names.whole += row.connections;
        if (is_readable(row.evidence))
            coverage.readable_names.part += row.connections;
        else
            unreadable = std::max(unreadable, row.people_known);
        coverage.hidden_road_bytes.whole += row.bytes_up + row.bytes_down;
        if (row.evidence == wire::to_string(wire::Evidence::hidden_road)) {
            coverage.hidden_road_bytes.part += row.bytes_up + row.bytes_down;
            hidden = row.people_known;
        }
    }
    coverage.few_unreadable = unreadable < k;
    coverage.few_hidden_road = hidden < k;
    return {};
}

Result<void> add_devices(store::UsageStore& usage, const directory::Directory& directory, Coverage& coverage,
                         std::uint64_t k)
{
    store::Query query;
    query.from = coverage.period.from;
    query.to = coverage.period.to;
    query.by = {store::By::device_unit};
    const auto rows = usage.report(query);
    if (!rows) return rows.error();
    std::map<std::string, std::uint64_t> seen;
    for (const auto& row : *rows)
        seen[row.unit] += row.devices;
    for (const auto& unit : directory.units()) {
        // A device that the directory held then and holds no more was seen too: never more than it holds today.
        const Share share{std::min<std::uint64_t>(seen[unit.id], unit.devices), unit.devices};
        coverage.devices.part += share.part;
        coverage.devices.whole += share.whole;
        coverage.devices_by_unit.push_back({unit.id, unit.people < k ? std::nullopt : std::optional(share)});
    }
    return {};
}

Result<void> add_observers(store::UsageStore& usage, Timestamp now, Coverage& coverage)
{
    auto observers = usage.observers();
    if (!observers) return observers.error();
    coverage.observers = std::move(*observers);
    for (const auto& observer : coverage.observers) {
        if (observer.last_report + silent_after < now && observer.kind != wire::ObserverKind::import)
            coverage.silent.push_back(observer);
        coverage.clocks_off += store::is_clock_off(std::chrono::microseconds(observer.clock_offset_us)) ? 1 : 0;
        coverage.quarantined += observer.quarantined;
        coverage.too_old += observer.too_old;
        auto& sum = coverage.counters;
        sum.packets += observer.counters.packets;
        sum.packets_dropped += observer.counters.packets_dropped;
        sum.connections += observer.counters.connections;
        sum.connections_unattributed += observer.counters.connections_unattributed;
        sum.cells_dropped += observer.counters.cells_dropped;
        sum.gap_seconds += observer.counters.gap_seconds;
        sum.connections_with_program += observer.counters.connections_with_program;
        sum.bytes_hidden_road += observer.counters.bytes_hidden_road;
    }
    coverage.programs_known = {std::min(coverage.counters.connections, coverage.counters.connections_with_program),
                               coverage.counters.connections};
    coverage.people_attributed.whole = coverage.counters.connections;
    coverage.people_attributed.part =
        coverage.counters.connections -
        std::min(coverage.counters.connections, coverage.counters.connections_unattributed);
    return {};
}

Result<void> add_weak_offers(store::UsageStore& usage, Coverage& coverage)
{
    auto offers = usage.offers(coverage.period.from);
    if (!offers) return offers.error();
    for (auto& offer : *offers)
        if (offer.version < wire::TlsVersion::tls_1_3) coverage.weak_offers.push_back(std::move(offer));
    return {};
}

// -- what is frozen of it -------------------------------------------------------------------------------------------

constexpr int frozen_version = 1;

json percent_json(const Share& share)
{
    const auto percent = share.percent();
    return percent ? json(static_cast<std::uint64_t>(*percent)) : json(nullptr);
}
Share percent_from(const json& value)
{
    return value.is_null() ? Share{0, 0, true} : Share{value.get<std::uint64_t>(), 100, true};
}

json shares_json(const Coverage& coverage)
{
    json units = json::object();
    for (const auto& entry : coverage.devices_by_unit)
        if (entry.share) units[entry.unit] = percent_json(*entry.share);
    return {{"version", frozen_version},
            {"devices", percent_json(coverage.devices)},
            {"devices_by_unit", units},
            {"readable_names", percent_json(coverage.readable_names)},
            {"hidden_road_bytes", percent_json(coverage.hidden_road_bytes)},
            {"withheld",
             {{"readable_names", coverage.readable_names.withheld},
              {"hidden_road_bytes", coverage.hidden_road_bytes.withheld}}}};
}

/// Lays what was frozen over what was counted now.
Result<void> lay_shares(const json& frozen, Coverage& coverage)
{
    try {
        // A higher floor than then hides more; a lower one shows no more.
        const bool hidden = std::any_of(coverage.devices_by_unit.begin(), coverage.devices_by_unit.end(),
                                        [](const auto& entry) { return !entry.share; });
        coverage.devices = hidden ? Share{0, 0, true, true} : percent_from(frozen.at("devices"));
        coverage.readable_names = percent_from(frozen.at("readable_names"));
        coverage.hidden_road_bytes = percent_from(frozen.at("hidden_road_bytes"));
        const json withheld = frozen.value("withheld", json::object());    // older releases do not tell it from unknown
        coverage.readable_names.withheld = withheld.value("readable_names", false);
        coverage.hidden_road_bytes.withheld = withheld.value("hidden_road_bytes", false);
        const json& units = frozen.at("devices_by_unit");
        for (auto& entry : coverage.devices_by_unit) {
            const auto found = units.find(entry.unit);
            if (entry.share) entry.share = found == units.end() ? std::nullopt : std::optional(percent_from(*found));
        }
    } catch (const json::exception& error) {
        return io_failure(fmt::format("{}/{} in the state store: {}; restore a backup with daylight-collector restore",
                                      release::frozen_coverage, release::id_of(coverage.period), error.what()));
    }
    return {};
}

/// Nothing was ever released of the period.
void forget_shares(Coverage& coverage)
{
    coverage.devices = coverage.readable_names = coverage.hidden_road_bytes = {0, 0, true};
    for (auto& entry : coverage.devices_by_unit)
        entry.share.reset();
}

bool is_held(const release::Press& press, const release::Period& period, Timestamp now)
{
    return period.from > day_of(now) - std::chrono::days(press.retention_days);
}

}    // namespace

std::optional<double> Share::percent() const
{
    if (whole == 0) return std::nullopt;
    const double value = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
    const double steps = rounded ? 1.0 : 10.0;
    return static_cast<double>(static_cast<std::uint64_t>(value * steps + 0.5)) / steps;
}

std::string Share::text() const
{
    const auto value = percent();
    if (!value) return withheld ? "not shown" : "unknown";
    return rounded ? fmt::format("{:.0f} %", *value) : fmt::format("{:.1f} % ({} of {})", *value, part, whole);
}

const Share* Coverage::of_unit(std::string_view unit) const
{
    for (const auto& entry : devices_by_unit)
        if (entry.unit == unit && entry.share) return &*entry.share;
    return nullptr;
}

Result<Coverage> coverage_of(store::UsageStore& usage, const directory::Directory& directory,
                             const release::Period& period, Timestamp now, std::uint64_t k)
{
    const Day today = day_of(now);
    if (period.from > today)
        return invalid_input(fmt::format("{} begins on {}; ask for a period that has begun", release::words_of(period),
                                         to_iso_date(period.from)));
    Coverage coverage;
    coverage.period = period;
    if (auto added = add_devices(usage, directory, coverage, k); !added) return added.error();
    if (auto added = add_names(usage, coverage, k); !added) return added.error();
    if (auto added = add_observers(usage, now, coverage); !added) return added.error();
    if (auto added = add_weak_offers(usage, coverage); !added) return added.error();
    coverage.not_covered = {"Phones and tablets", "Home computers without an agent", "Windows and macOS computers",
                            "Names inside VPN, proxy and encrypted DNS connections"};
    coverage.notes = {
        "What agents count, and the share of connections with a user, is since their epochs began, not of "
        "the period."};
    if (coverage.clocks_off > 0)
        coverage.notes.push_back(
            coverage.clocks_off == 1
                ? fmt::format("The clock of 1 agent is more than {} minutes off: the days of what it saw are in doubt; "
                              "`daylight-collector agents list` names it.",
                              store::clock_tolerance.count())
                : fmt::format("The clocks of {} agents are more than {} minutes off: the days of what they saw are in "
                              "doubt; `daylight-collector agents list` names them.",
                              coverage.clocks_off, store::clock_tolerance.count()));
    return coverage;
}

Coverage published(Coverage coverage)
{
    for (Share* share : {&coverage.devices, &coverage.readable_names, &coverage.hidden_road_bytes})
        share->rounded = true;
    coverage.agents_shown = false;
    coverage.observers.clear();
    coverage.silent.clear();
    coverage.counters = {};
    coverage.quarantined = coverage.too_old = coverage.clocks_off = 0;
    coverage.people_attributed = coverage.programs_known = {0, 0, true};
    coverage.weak_offers.clear();
    coverage.notes.clear();    // of agents, all of them
    bool hidden = false;
    for (auto& entry : coverage.devices_by_unit) {
        if (entry.share) entry.share->rounded = true;
        hidden |= !entry.share;
    }
    const auto withhold = [](Share& share) { share = {0, 0, true, share.whole > 0}; };
    if (coverage.few_unreadable) withhold(coverage.readable_names);
    if (coverage.few_hidden_road) withhold(coverage.hidden_road_bytes);
    if (hidden) {
        withhold(coverage.devices);
        coverage.notes.emplace_back("No total of devices: a unit is too small to show, and would fall out of it.");
    }
    return coverage;
}

Result<Coverage> published_coverage(const release::Press& press, const directory::Directory& directory,
                                    const release::Period& period, std::uint64_t k, Timestamp now)
{
    if (const auto may = release::check_public(period, release::settled_day(press, now)); !may) return may.error();
    auto coverage = coverage_of(press.usage, directory, period, now, k);
    if (!coverage) return coverage;
    const bool reported = coverage->readable_names.whole > 0 || coverage->devices.part > 0;
    *coverage = published(std::move(*coverage));
    json held;
    const auto make = [&](json& document) -> Result<void> {
        if (is_held(press, period, now) && reported) document = shares_json(*coverage);
        return {};
    };
    const auto done = release::freeze_once(press.state, release::frozen_coverage, release::id_of(period), held, make);
    if (!done) return done.error();
    if (held.is_null()) {
        forget_shares(*coverage);
        return coverage;
    }
    if (auto laid = lay_shares(held, *coverage); !laid) return laid.error();
    if (coverage->readable_names.withheld || coverage->hidden_road_bytes.withheld)
        coverage->notes.push_back(
            fmt::format("Not shown: the share of names or of hidden roads where fewer than {} people, or nobody, stand "
                        "behind what is missing; then almost everybody's is seen.",
                        k));
    return coverage;
}

Result<Coverage> coverage_for(const Audience& audience, const release::Press& press,
                              const directory::Directory& directory, const release::Period& period, Timestamp now)
{
    if (audience.sees_agents) {
        auto coverage = coverage_of(press.usage, directory, period, now, audience.k);
        // A program's name may be known to one person only, so it is for who sees exact figures.
        if (coverage && audience.strength != release::Strength::exact) coverage->weak_offers.clear();
        return coverage;
    }
    return published_coverage(press, directory, period, audience.k, now);
}

}    // namespace dl::collector::insight
