// The reading half of json.hpp.
#include "shared/wire/check.hpp"
#include "shared/wire/json.hpp"
#include "shared/wire/json_reader.hpp"
#include "shared/wire/limits.hpp"

#include <fmt/format.h>

namespace dl::wire {
namespace {

template <std::size_t N>
using Names = std::array<std::string_view, N>;

constexpr std::size_t longest_word = 64;

template <class Id>
Id id(JsonReader& in)
{
    const Result<Id> parsed = Id::parse(in.text(2 * Id::size));
    if (parsed) return *parsed;
    in.fail(fmt::format("must be {} hex digits", 2 * Id::size));
    return {};
}

template <class Id>
std::optional<Id> id_or_null(JsonReader& in)
{
    if (in.null()) return std::nullopt;
    return id<Id>(in);
}

Timestamp time(JsonReader& in)
{
    const Result<Timestamp> parsed = parse_rfc3339(in.text(longest_word));
    if (parsed) return *parsed;
    in.fail("must be a time such as 2026-03-01T09:15:00.250000Z");
    return {};
}

Day day(JsonReader& in)
{
    const Result<Day> parsed = parse_iso_date(in.text(longest_word));
    if (parsed) return *parsed;
    in.fail("must be a day such as 2026-03-01");
    return {};
}

template <class E>
E word(JsonReader& in, std::optional<E> (*parse)(std::string_view), E otherwise)
{
    const std::optional<E> parsed = parse(in.text(longest_word));
    if (!parsed) in.fail("is no word that version 1 knows; FORMAT.md lists them");
    return parsed.value_or(otherwise);
}

std::optional<Transport> parse_transport(std::string_view text)
{
    for (const Transport transport : {Transport::tcp, Transport::udp, Transport::other})
        if (text == dl::to_string(transport)) return transport;
    return std::nullopt;
}

std::uint64_t count(JsonReader& in) { return in.unsigned_integer(limits::count); }

std::uint32_t small_count(JsonReader& in) { return static_cast<std::uint32_t>(in.unsigned_integer(unknown - 1)); }

std::uint32_t index_or_null(JsonReader& in) { return in.null() ? unknown : small_count(in); }

void format(JsonReader& in, std::string_view expected)
{
    if (in.text(longest_word) != expected) in.fail(fmt::format("must be \"{}\"; is this another document?", expected));
}

void version(JsonReader& in)
{
    const std::uint64_t given = in.unsigned_integer(limits::count);
    if (given != format_version)
        in.fail(
            fmt::format("is {}, but this program speaks version {}; upgrade the older side", given, format_version));
}

Counters counters(JsonReader& in)
{
    constexpr Names<8> names{"packets",       "packets_dropped", "connections",       "connections_unattributed",
                             "cells_dropped", "gap_seconds",     "bytes_hidden_road", "connections_with_program"};
    Counters c;
    const std::array<std::uint64_t*, 8> members{
        &c.packets,       &c.packets_dropped, &c.connections,       &c.connections_unattributed,
        &c.cells_dropped, &c.gap_seconds,     &c.bytes_hidden_road, &c.connections_with_program};
    in.object(names, 7, [&](std::size_t field) { *members[field] = count(in); });    // the eighth came later
    return c;
}

Destination destination(JsonReader& in)
{
    constexpr Names<4> names{"host", "transport", "port", "canonical"};
    Destination d;
    in.object(names, 3, [&](std::size_t field) {
        switch (field) {
            case 0: d.host = in.text(limits::text); break;
            case 1: d.transport = word(in, parse_transport, Transport::other); break;
            case 2: d.port = static_cast<std::uint16_t>(in.unsigned_integer(65535)); break;
            default:
                if (!in.null()) d.canonical = in.text(limits::text);
        }
    });
    return d;
}

Cell cell(JsonReader& in)
{
    constexpr Names<12> names{"day",        "device",     "destination", "evidence", "connections", "bytes_up",
                              "bytes_down", "first_seen", "last_seen",   "revision", "person",      "application"};
    Cell c;
    in.object(names, 10, [&](std::size_t field) {
        switch (field) {
            case 0: c.day = day(in); break;
            case 1: c.device = small_count(in); break;
            case 2: c.destination = small_count(in); break;
            case 3: c.evidence = word(in, parse_evidence, Evidence::address_only); break;
            case 4: c.connections = count(in); break;
            case 5: c.bytes_up = count(in); break;
            case 6: c.bytes_down = count(in); break;
            case 7: c.first_seen = time(in); break;
            case 8: c.last_seen = time(in); break;
            case 9: c.revision = count(in); break;
            case 10: c.person = index_or_null(in); break;
            default: c.application = index_or_null(in);
        }
    });
    return c;
}

Offer offer(JsonReader& in)
{
    constexpr Names<4> names{"application", "version", "protocols", "last_day"};
    Offer o;
    in.object(names, names.size(), [&](std::size_t field) {
        switch (field) {
            case 0: o.application = small_count(in); break;
            case 1: o.version = word(in, parse_tls_version, TlsVersion::tls_1_3); break;
            case 2:
                in.list(words_of(static_cast<Protocols>(all_protocols)).size(),
                        [&] { o.protocols = o.protocols | word(in, parse_protocol, Protocols::none); });
                break;
            default: o.last_day = day(in);
        }
    });
    return o;
}

/// Runs `read` over the whole body.
template <class T, class F>
Result<T> decoded(std::string_view body, std::string_view subject, F read)
{
    if (body.size() > limits::body)
        return invalid_input(fmt::format("{}: is larger than {} octets; split it", subject, limits::body));
    JsonReader in(body, subject);
    T value{};
    read(in, value);
    in.finish();
    if (!in.ok()) return in.failure();
    return value;
}

}    // namespace

template <>
Result<Report> decode_json<Report>(std::string_view body)
{
    constexpr Names<18> names{"format",        "version",     "agent",        "observer",      "epoch",
                              "revision_from", "revision_to", "sent_at",      "agent_version", "counters",
                              "devices",       "persons",     "applications", "destinations",  "cells",
                              "last_receipt",  "last_store",  "offers"};
    Result<Report> result = decoded<Report>(body, "report", [&names](JsonReader& in, Report& r) {
        in.object(names, 15, [&](std::size_t field) {
            switch (field) {
                case 0: format(in, "daylight-report"); break;
                case 1: version(in); break;
                case 2: r.agent = id<AgentId>(in); break;
                case 3: r.observer = word(in, parse_observer_kind, ObserverKind::endpoint); break;
                case 4: r.epoch = id<Epoch>(in); break;
                case 5: r.revision_from = count(in); break;
                case 6: r.revision_to = count(in); break;
                case 7: r.sent_at = time(in); break;
                case 8: r.agent_version = in.text(limits::version_text); break;
                case 9: r.counters = counters(in); break;
                case 10: in.list(limits::devices, [&] { r.devices.push_back(id<Pseudonym>(in)); }); break;
                case 11: in.list(limits::persons, [&] { r.persons.push_back(id<Pseudonym>(in)); }); break;
                case 12: in.list(limits::applications, [&] { r.applications.push_back(in.text(limits::text)); }); break;
                case 13: in.list(limits::destinations, [&] { r.destinations.push_back(destination(in)); }); break;
                case 14: in.list(limits::cells, [&] { r.cells.push_back(cell(in)); }); break;
                case 15: r.last_receipt = id_or_null<Receipt>(in); break;
                case 16: r.last_store = id_or_null<StoreIncarnation>(in); break;
                default: in.list(limits::offers, [&] { r.offers.push_back(offer(in)); });
            }
        });
    });
    if (result)
        if (const auto mistake = first_mistake(*result)) return invalid_input("report: " + *mistake);
    return result;
}

template <>
Result<Reply> decode_json<Reply>(std::string_view body)
{
    constexpr Names<12> names{"format",  "version",     "store",    "receipt", "revision",       "accepted",
                              "too_old", "quarantined", "rejected", "order",   "collector_time", "settings"};
    constexpr Names<2> rejected_names{"index", "reason"};
    return decoded<Reply>(body, "reply", [&](JsonReader& in, Reply& r) {
        const auto rejected = [&] {
            RejectedCell one;
            in.object(rejected_names, 2, [&](std::size_t field) {
                if (field == 0)
                    one.index = small_count(in);
                else
                    one.reason = in.text(limits::text);
            });
            r.rejected.push_back(std::move(one));
        };
        in.object(names, 11, [&](std::size_t field) {
            switch (field) {
                case 0: format(in, "daylight-reply"); break;
                case 1: version(in); break;
                case 2: r.store = id<StoreIncarnation>(in); break;
                case 3: r.receipt = id<Receipt>(in); break;
                case 4: r.revision = count(in); break;
                case 5: r.accepted = small_count(in); break;
                case 6: r.too_old = small_count(in); break;
                case 7: r.quarantined = small_count(in); break;
                case 8: in.list(limits::cells, rejected); break;
                case 9: r.order = word(in, parse_order, Order::none); break;
                case 10: r.collector_time = time(in); break;
                default: r.settings = id_or_null<SettingsOffer>(in);
            }
        });
    });
}

template <>
Result<EnrollRequest> decode_json<EnrollRequest>(std::string_view body)
{
    constexpr Names<5> names{"token", "csr_pem", "device_name", "agent_version", "observer"};
    return decoded<EnrollRequest>(body, "enrolment", [&names](JsonReader& in, EnrollRequest& r) {
        in.object(names, names.size(), [&](std::size_t field) {
            switch (field) {
                case 0: r.token = in.text(limits::text); break;
                case 1: r.csr_pem = in.lines(limits::pem); break;
                case 2: r.device_name = in.text(limits::text); break;
                case 3: r.agent_version = in.text(limits::version_text); break;
                default: r.observer = word(in, parse_observer_kind, ObserverKind::endpoint);
            }
        });
    });
}

template <>
Result<EnrollReply> decode_json<EnrollReply>(std::string_view body)
{
    constexpr Names<6> names{"agent", "certificate_pem", "ca_pem", "organisation_key", "collector_version", "group"};
    return decoded<EnrollReply>(body, "enrolment reply", [&names](JsonReader& in, EnrollReply& r) {
        in.object(names, 5, [&](std::size_t field) {
            switch (field) {
                case 0: r.agent = id<AgentId>(in); break;
                case 1: r.certificate_pem = in.lines(limits::pem); break;
                case 2: r.ca_pem = in.lines(limits::pem); break;
                case 3: r.organisation_key = id<Id<struct OrganisationKeyTag, 32>>(in).hex(); break;
                case 4: r.collector_version = in.text(limits::version_text); break;
                default: r.group = in.text(limits::text);
            }
        });
    });
}

template <>
Result<RenewRequest> decode_json<RenewRequest>(std::string_view body)
{
    constexpr Names<1> names{"csr_pem"};
    return decoded<RenewRequest>(body, "renewal", [&names](JsonReader& in, RenewRequest& r) {
        in.object(names, names.size(), [&](std::size_t) { r.csr_pem = in.lines(limits::pem); });
    });
}

template <>
Result<RenewReply> decode_json<RenewReply>(std::string_view body)
{
    constexpr Names<2> names{"certificate_pem", "ca_pem"};
    return decoded<RenewReply>(body, "renewal reply", [&names](JsonReader& in, RenewReply& r) {
        in.object(names, names.size(),
                  [&](std::size_t field) { (field == 0 ? r.certificate_pem : r.ca_pem) = in.lines(limits::pem); });
    });
}

template <>
Result<SettingsRequest> decode_json<SettingsRequest>(std::string_view body)
{
    constexpr Names<5> names{"key", "serial", "refused", "why", "held"};
    return decoded<SettingsRequest>(body, "settings", [&names](JsonReader& in, SettingsRequest& r) {
        in.object(names, 4, [&](std::size_t field) {
            switch (field) {
                case 0: r.key = in.text(limits::text); break;
                case 1: r.serial = count(in); break;
                case 2: r.refused = count(in); break;
                case 3: r.why = in.text(limits::text); break;
                default: r.held = id_or_null<SettingsOffer>(in);
            }
        });
    });
}

template <>
Result<SettingsReply> decode_json<SettingsReply>(std::string_view body)
{
    constexpr Names<2> names{"offer", "statements"};
    return decoded<SettingsReply>(body, "settings reply", [&names](JsonReader& in, SettingsReply& r) {
        in.object(names, names.size(), [&](std::size_t field) {
            if (field == 0)
                r.offer = id<SettingsOffer>(in);
            else
                in.list(limits::statements, [&] { r.statements.push_back(in.lines(limits::statement)); });
        });
    });
}

}    // namespace dl::wire
