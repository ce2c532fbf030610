#include "collector/intake/fold.hpp"

#include "shared/names/host_name.hpp"
#include "shared/names/identifiers.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>

namespace dl::collector::intake {
namespace {

using std::chrono::days;

/// Slack between a cell's day and its times: the agent may flush a moment after midnight.
constexpr std::chrono::hours day_slack{1};

/// More than one device can do in a day: 1 PiB is 97 Gbit/s all day long, 2^40 connections are 12 million a second.
/// A hundred thousand cells at the limit still add up below 2^67, so sums saturate rather than wrap.
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 50;
constexpr std::uint64_t most_connections = std::uint64_t{1} << 40;

std::vector<Pseudonym> rekey_all(const std::vector<Pseudonym>& endpoint, const FoldRules& rules)
{
    std::vector<Pseudonym> stored;
    stored.reserve(endpoint.size());
    for (const Pseudonym& pseudonym : endpoint)
        stored.push_back(names::rekey(rules.collector_key, pseudonym));
    return stored;
}

/// The host as the store keys it; empty where it is neither a name, an address, nor the word for folded hosts.
std::string normal_host(const std::string& host)
{
    if (host == "personal") return host;
    if (names::is_address_literal(host)) return host;
    return names::normalise_host(host).value_or(std::string{});
}

struct Destinations {
    std::vector<wire::Destination> table;
    std::vector<bool> good;    ///< by index into the report's table
};

Destinations normalise(const std::vector<wire::Destination>& reported)
{
    Destinations out;
    out.table.reserve(reported.size());
    for (const wire::Destination& destination : reported) {
        wire::Destination normal = destination;
        normal.host = normal_host(destination.host);
        normal.canonical = names::normalise_host(destination.canonical).value_or(std::string{});
        if (normal.canonical == normal.host) normal.canonical.clear();
        out.good.push_back(!normal.host.empty());
        out.table.push_back(std::move(normal));
    }
    return out;
}

/// Why this cell makes no sense; nothing where it does.
std::optional<std::string> fault_of(const wire::Cell& cell, const wire::Report& report,
                                    const Destinations& destinations)
{
    if (cell.device >= report.devices.size()) return "device points outside the report's table";
    if (cell.person != wire::unknown && cell.person >= report.persons.size())
        return "person points outside the report's table";
    if (cell.application != wire::unknown && cell.application >= report.applications.size())
        return "application points outside the report's table";
    if (cell.destination >= destinations.table.size()) return "destination points outside the report's table";
    if (!destinations.good[cell.destination])
        return fmt::format("destination {} is no host name and no address", cell.destination);
    if (wire::to_string(cell.evidence).empty()) return "unknown evidence";
    if (cell.evidence == wire::Evidence::imported && report.observer != wire::ObserverKind::import)
        return fmt::format("evidence imported from an observer of kind {}", wire::to_string(report.observer));
    if (cell.connections > most_connections)
        return fmt::format("{} connections in a day, more than 2^40", cell.connections);
    if (cell.bytes_up > most_bytes) return fmt::format("bytes_up {} in a day, more than 2^50", cell.bytes_up);
    if (cell.bytes_down > most_bytes) return fmt::format("bytes_down {} in a day, more than 2^50", cell.bytes_down);
    if (cell.last_seen < cell.first_seen) return "last_seen lies before first_seen";
    const Timestamp begin{cell.day};
    const Timestamp end{cell.day + days(1)};
    if (cell.first_seen < begin - day_slack || cell.last_seen >= end + day_slack)
        return fmt::format("its times lie outside its day {}", to_iso_date(cell.day));
    if (cell.revision > report.revision_to)
        return fmt::format("revision {} lies above the report's {}", cell.revision, report.revision_to);
    return std::nullopt;
}

}    // namespace

Folded fold(const wire::Report& report, const FoldRules& rules, Timestamp now)
{
    const Day today = day_of(now);
    const Day oldest = today - days(rules.retention_days);
    const Day newest = today + days(rules.most_days_ahead);

    Destinations destinations = normalise(report.destinations);
    Folded folded;
    std::vector<wire::Cell> taken;
    taken.reserve(report.cells.size());
    for (std::size_t index = 0; index < report.cells.size(); ++index) {
        const wire::Cell& cell = report.cells[index];
        if (auto fault = fault_of(cell, report, destinations)) {
            ++folded.total_rejected;
            if (folded.rejected.size() < most_reasons)
                folded.rejected.push_back({static_cast<std::uint32_t>(index), std::move(*fault)});
        } else if (cell.day > newest) {
            ++folded.quarantined;
        } else if (cell.day < oldest) {
            ++folded.too_old;
        } else {
            taken.push_back(cell);
        }
    }
    folded.accepted = static_cast<std::uint32_t>(taken.size());

    wire::Report& out = folded.report;
    out.agent = report.agent;
    out.observer = report.observer;
    out.epoch = report.epoch;
    out.revision_from = report.revision_from;
    out.revision_to = report.revision_to;
    out.last_receipt = report.last_receipt;
    out.last_store = report.last_store;
    out.sent_at = report.sent_at;
    out.agent_version = report.agent_version;
    out.counters = report.counters;
    out.devices = rekey_all(report.devices, rules);
    out.persons = rekey_all(report.persons, rules);
    out.applications = report.applications;
    out.destinations = std::move(destinations.table);
    out.cells = std::move(taken);
    for (const wire::Offer& offer : report.offers)
        if (offer.application < report.applications.size() && offer.last_day >= oldest && offer.last_day <= newest)
            out.offers.push_back(offer);
    return folded;
}

}    // namespace dl::collector::intake
