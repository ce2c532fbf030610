#include "collector/insight/coverage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace dl::collector::insight {
namespace {

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

Result<void> add_names(store::UsageStore& usage, Coverage& coverage)
{
    store::Query query;
    query.from = coverage.period.from;
    query.to = coverage.period.to;
    query.by = {store::By::evidence};
    const auto rows = usage.report(query);
    if (!rows) return rows.error();
    for (const auto& row : *rows) {
        if (row.evidence == wire::to_string(wire::Evidence::dns_query)) continue;    // asked, not connected
        coverage.readable_names.whole += row.connections;
        if (is_readable(row.evidence)) coverage.readable_names.part += row.connections;
        coverage.hidden_road_bytes.whole += row.bytes_up + row.bytes_down;
        if (row.evidence == wire::to_string(wire::Evidence::hidden_road))
            coverage.hidden_road_bytes.part += row.bytes_up + row.bytes_down;
    }
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
        coverage.quarantined += observer.quarantined;
        coverage.too_old += observer.too_old;
        auto& sum = coverage.counters;
        sum.packets += observer.counters.packets;
        sum.packets_dropped += observer.counters.packets_dropped;
        sum.connections += observer.counters.connections;
        sum.connections_unattributed += observer.counters.connections_unattributed;
        sum.cells_dropped += observer.counters.cells_dropped;
        sum.gap_seconds += observer.counters.gap_seconds;
        sum.bytes_hidden_road += observer.counters.bytes_hidden_road;
    }
    coverage.people_attributed.whole = coverage.counters.connections;
    coverage.people_attributed.part =
        coverage.counters.connections -
        std::min(coverage.counters.connections, coverage.counters.connections_unattributed);
    return {};
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
    if (!value) return "unknown";
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
    if (auto added = add_names(usage, coverage); !added) return added.error();
    if (auto added = add_observers(usage, now, coverage); !added) return added.error();
    coverage.not_covered = {"Phones and tablets", "Home computers without an agent", "Windows and macOS computers",
                            "Names inside VPN, proxy and encrypted DNS connections"};
    coverage.notes = {
        "What agents count, and the share of connections with a user, is since their epochs began, not of "
        "the period."};
    return coverage;
}

Coverage published(Coverage coverage)
{
    for (Share* share :
         {&coverage.devices, &coverage.readable_names, &coverage.hidden_road_bytes, &coverage.people_attributed})
        share->rounded = true;
    bool hidden = false;
    for (auto& entry : coverage.devices_by_unit) {
        if (entry.share) entry.share->rounded = true;
        hidden |= !entry.share;
    }
    if (hidden) {
        coverage.devices = {0, 0, true};
        coverage.notes.emplace_back("No total of devices: a unit is too small to show, and would fall out of it.");
    }
    return coverage;
}

Result<Coverage> coverage_for(const Audience& audience, store::UsageStore& usage, const directory::Directory& directory,
                              const release::Period& period, Timestamp now)
{
    if (audience.sees_agents) return coverage_of(usage, directory, period, now, audience.k);
    if (const auto may = release::check_public(period, day_of(now)); !may) return may.error();
    auto coverage = coverage_of(usage, directory, period, now, audience.k);
    if (!coverage) return coverage;
    return published(std::move(*coverage));
}

}    // namespace dl::collector::insight
