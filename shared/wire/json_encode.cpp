// The writing half of json.hpp.
#include "shared/wire/json.hpp"
#include "shared/wire/limits.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dl::wire {
namespace {

std::string json_text(std::string_view text)
{
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <class Tag, std::size_t N>
std::string id_or_null(const std::optional<Id<Tag, N>>& id)
{
    return id ? '"' + id->hex() + '"' : "null";
}

std::string index_or_null(std::uint32_t index) { return index == unknown ? "null" : std::to_string(index); }

/// "[\n    a,\n    b\n  ]", each item as `item` writes it.
template <class Items, class F>
std::string list(const Items& items, F item)
{
    std::string out = "[";
    for (const auto& one : items) {
        out += out.size() == 1 ? "\n    " : ",\n    ";
        out += item(one);
    }
    return out + (out.size() == 1 ? "]" : "\n  ]");
}

std::string of(const Counters& c)
{
    return fmt::format(
        R"({{"packets": {}, "packets_dropped": {}, "connections": {}, "connections_unattributed": {}, )"
        R"("cells_dropped": {}, "gap_seconds": {}, "bytes_hidden_road": {}, "connections_with_program": {}}})",
        c.packets, c.packets_dropped, c.connections, c.connections_unattributed, c.cells_dropped, c.gap_seconds,
        c.bytes_hidden_road, c.connections_with_program);
}

std::string of(const Destination& d)
{
    return fmt::format(R"({{"host": {}, "canonical": {}, "transport": "{}", "port": {}}})", json_text(d.host),
                       d.canonical.empty() ? "null" : json_text(d.canonical), dl::to_string(d.transport), d.port);
}

std::string of(const Cell& c)
{
    return fmt::format(
        R"({{"day": "{}", "device": {}, "person": {}, "application": {}, "destination": {}, "evidence": "{}", )"
        R"("connections": {}, "bytes_up": {}, "bytes_down": {}, "first_seen": "{}", "last_seen": "{}", )"
        R"("revision": {}}})",
        to_iso_date(c.day), c.device, index_or_null(c.person), index_or_null(c.application), c.destination,
        to_string(c.evidence), c.connections, c.bytes_up, c.bytes_down, to_rfc3339(c.first_seen),
        to_rfc3339(c.last_seen), c.revision);
}

std::string of(const Offer& o)
{
    std::string words;
    for (const std::string_view word : words_of(o.protocols))
        words += fmt::format("{}\"{}\"", words.empty() ? "" : ", ", word);
    return fmt::format(R"({{"application": {}, "version": "{}", "protocols": [{}], "last_day": "{}"}})", o.application,
                       to_string(o.version), words, to_iso_date(o.last_day));
}

}    // namespace

std::string encode_json(const Report& r)
{
    const auto pseudonym = [](const Pseudonym& p) { return '"' + p.hex() + '"'; };
    std::string out;
    out += fmt::format("{{\n  \"format\": \"daylight-report\", \"version\": {},\n", format_version);
    out += fmt::format("  \"agent\": \"{}\", \"observer\": \"{}\", \"epoch\": \"{}\",\n", r.agent.hex(),
                       to_string(r.observer), r.epoch.hex());
    out += fmt::format("  \"revision_from\": {}, \"revision_to\": {},\n", r.revision_from, r.revision_to);
    out += fmt::format("  \"last_receipt\": {}, \"last_store\": {},\n", id_or_null(r.last_receipt),
                       id_or_null(r.last_store));
    out += fmt::format("  \"sent_at\": \"{}\", \"agent_version\": {},\n", to_rfc3339(r.sent_at),
                       json_text(r.agent_version));
    out += fmt::format("  \"counters\": {},\n", of(r.counters));
    out += "  \"devices\": " + list(r.devices, pseudonym) + ",\n";
    out += "  \"persons\": " + list(r.persons, pseudonym) + ",\n";
    out += "  \"applications\": " + list(r.applications, json_text) + ",\n";
    out += "  \"destinations\": " + list(r.destinations, [](const Destination& d) { return of(d); }) + ",\n";
    out += "  \"cells\": " + list(r.cells, [](const Cell& c) { return of(c); });
    if (!r.offers.empty()) out += ",\n  \"offers\": " + list(r.offers, [](const Offer& o) { return of(o); });
    out += "\n}\n";
    return out;
}

std::string encode_json(const Reply& r)
{
    const auto rejected = [](const RejectedCell& cell) {
        return fmt::format(R"({{"index": {}, "reason": {}}})", cell.index, json_text(cell.reason));
    };
    std::string out;
    out += fmt::format("{{\n  \"format\": \"daylight-reply\", \"version\": {},\n", format_version);
    out += fmt::format("  \"store\": \"{}\", \"receipt\": \"{}\", \"revision\": {},\n", r.store.hex(), r.receipt.hex(),
                       r.revision);
    out += fmt::format("  \"accepted\": {}, \"too_old\": {}, \"quarantined\": {},\n", r.accepted, r.too_old,
                       r.quarantined);
    out += fmt::format("  \"rejected\": {},\n", list(r.rejected, rejected));
    out += fmt::format("  \"order\": \"{}\", \"collector_time\": \"{}\"", to_string(r.order),
                       to_rfc3339(r.collector_time));
    if (r.settings) out += fmt::format(",\n  \"settings\": \"{}\"", r.settings->hex());
    return out + "\n}\n";
}

std::string encode_json(const EnrollRequest& r)
{
    return fmt::format("{{\n  \"token\": {},\n  \"csr_pem\": {},\n  \"device_name\": {},\n  \"agent_version\": {},\n"
                       "  \"observer\": \"{}\"\n}}\n",
                       json_text(r.token), json_text(r.csr_pem), json_text(r.device_name), json_text(r.agent_version),
                       to_string(r.observer));
}

std::string encode_json(const EnrollReply& r)
{
    return fmt::format(
        "{{\n  \"agent\": \"{}\",\n  \"certificate_pem\": {},\n  \"ca_pem\": {},\n  \"organisation_key\": {},\n"
        "  \"collector_version\": {}{}\n}}\n",
        r.agent.hex(), json_text(r.certificate_pem), json_text(r.ca_pem), json_text(r.organisation_key),
        json_text(r.collector_version), r.group.empty() ? "" : ",\n  \"group\": " + json_text(r.group));
}

std::string encode_json(const RenewRequest& r)
{
    return fmt::format("{{\n  \"csr_pem\": {}\n}}\n", json_text(r.csr_pem));
}

std::string encode_json(const RenewReply& r)
{
    return fmt::format("{{\n  \"certificate_pem\": {},\n  \"ca_pem\": {}\n}}\n", json_text(r.certificate_pem),
                       json_text(r.ca_pem));
}

std::string encode_json(const SettingsRequest& r)
{
    return fmt::format("{{\n  \"key\": {}, \"serial\": {}, \"held\": {},\n  \"refused\": {}, \"why\": {}\n}}\n",
                       json_text(r.key), r.serial, id_or_null(r.held), r.refused, json_text(r.why));
}

std::string encode_json(const SettingsReply& r)
{
    return fmt::format("{{\n  \"offer\": \"{}\",\n  \"statements\": {}\n}}\n", r.offer.hex(),
                       list(r.statements, json_text));
}

}    // namespace dl::wire
