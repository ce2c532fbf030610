#include "shared/wire/check.hpp"

#include "shared/wire/limits.hpp"
#include "shared/wire/utf8.hpp"

#include <fmt/format.h>

namespace dl::wire {
namespace {

bool is_valid(Evidence evidence) { return evidence >= Evidence::tls_sni && evidence <= Evidence::hidden_road; }

bool is_valid(Day day)
{
    return day.time_since_epoch().count() >= 0 && day.time_since_epoch().count() <= limits::last_day;
}

bool is_valid(Timestamp when)
{
    return when >= Timestamp{} && day_of(when) <= Day{std::chrono::days(limits::last_day)};
}

/// What is wrong with one cell, apart from its indexes.
const char* mistake_in_values(const Cell& cell)
{
    if (!is_valid(cell.day)) return "day: lies outside 1970 to 9999; check the clock";
    if (!is_valid(cell.first_seen)) return "first_seen: lies outside 1970 to 9999; check the clock";
    if (!is_valid(cell.last_seen)) return "last_seen: lies outside 1970 to 9999; check the clock";
    if (!is_valid(cell.evidence)) return "evidence: is none that version 1 knows";
    if (cell.connections > limits::count) return "connections: is larger than 2^63-1";
    if (cell.bytes_up > limits::count) return "bytes_up: is larger than 2^63-1";
    if (cell.bytes_down > limits::count) return "bytes_down: is larger than 2^63-1";
    if (cell.revision > limits::count) return "revision: is larger than 2^63-1";
    return nullptr;
}

const char* mistake_in_indexes(const Cell& cell, const Report& report)
{
    const auto outside = [](std::uint32_t index, std::size_t size) { return index != unknown && index >= size; };
    if (cell.device >= report.devices.size()) return "device: points outside the table of devices";
    if (outside(cell.person, report.persons.size())) return "person: points outside the table of persons";
    if (outside(cell.application, report.applications.size()))
        return "application: points outside the table of applications";
    if (cell.destination >= report.destinations.size()) return "destination: points outside the table of destinations";
    return nullptr;
}

const char* mistake_in_offer(const Offer& offer, const Report& report)
{
    if (offer.application >= report.applications.size()) return "application: points outside the table of applications";
    if (offer.version < TlsVersion::ssl_3 || offer.version > TlsVersion::tls_1_3)
        return "version: is none that version 1 knows";
    if (static_cast<std::uint8_t>(offer.protocols) > all_protocols) return "protocols: are none that version 1 knows";
    if (!is_valid(offer.last_day)) return "last_day: lies outside 1970 to 9999; check the clock";
    return nullptr;
}

std::optional<std::string> mistake_in_tables(const Report& report)
{
    const auto too_many = [](std::string_view table, std::size_t size,
                             std::size_t limit) -> std::optional<std::string> {
        if (size <= limit) return std::nullopt;
        return fmt::format("{}: has more than {} items; split the report", table, limit);
    };
    if (auto mistake = too_many("devices", report.devices.size(), limits::devices)) return mistake;
    if (auto mistake = too_many("persons", report.persons.size(), limits::persons)) return mistake;
    if (auto mistake = too_many("applications", report.applications.size(), limits::applications)) return mistake;
    if (auto mistake = too_many("destinations", report.destinations.size(), limits::destinations)) return mistake;
    if (auto mistake = too_many("offers", report.offers.size(), limits::offers)) return mistake;
    if (auto mistake = too_many("cells", report.cells.size(), limits::cells)) return mistake;

    std::size_t texts = 0;
    const auto bad_text = [&texts](const std::string& text, std::size_t limit) {
        texts += text.size();
        return text.size() > limit || !is_plain_text(text);
    };
    if (bad_text(report.agent_version, limits::version_text))
        return "agent_version: is no plain UTF-8 of at most 64 octets; shorten it";
    for (std::size_t i = 0; i < report.applications.size(); ++i)
        if (bad_text(report.applications[i], limits::text))
            return fmt::format("applications[{}]: is no plain UTF-8 of at most 255 octets; shorten it", i);
    for (std::size_t i = 0; i < report.destinations.size(); ++i) {
        const Destination& destination = report.destinations[i];
        if (destination.host.empty() || bad_text(destination.host, limits::text))
            return fmt::format("destinations[{}].host: is no plain UTF-8 of 1 to 255 octets; check it", i);
        if (bad_text(destination.canonical, limits::text))
            return fmt::format("destinations[{}].canonical: is no plain UTF-8 of at most 255 octets; check it", i);
    }
    if (texts > limits::texts)
        return fmt::format("its texts add up to more than {} octets; split the report", limits::texts);
    return std::nullopt;
}

}    // namespace

std::optional<std::string> first_mistake(const Report& report)
{
    if (auto mistake = mistake_in_tables(report)) return mistake;
    if (!is_valid(report.sent_at)) return "sent_at: lies outside 1970 to 9999; check the clock";
    if (report.observer < ObserverKind::endpoint || report.observer > ObserverKind::import)
        return "observer: is none that version 1 knows";
    const Counters& c = report.counters;
    for (const std::uint64_t value :
         {report.revision_from, report.revision_to, c.packets, c.packets_dropped, c.connections,
          c.connections_unattributed, c.cells_dropped, c.gap_seconds, c.bytes_hidden_road, c.connections_with_program})
        if (value > limits::count) return "a revision or counter is larger than 2^63-1; check it";
    for (std::size_t i = 0; i < report.cells.size(); ++i) {
        const char* mistake = mistake_in_indexes(report.cells[i], report);
        if (!mistake) mistake = mistake_in_values(report.cells[i]);
        if (mistake) return fmt::format("cells[{}].{}", i, mistake);
    }
    for (std::size_t i = 0; i < report.offers.size(); ++i)
        if (const char* mistake = mistake_in_offer(report.offers[i], report))
            return fmt::format("offers[{}].{}", i, mistake);
    return std::nullopt;
}

}    // namespace dl::wire
