// The writing half of columns.hpp.
#include "shared/wire/cbor.hpp"
#include "shared/wire/check.hpp"
#include "shared/wire/columns.hpp"
#include "shared/wire/columns_layout.hpp"
#include "shared/wire/limits.hpp"
#include "shared/wire/zstd_frame.hpp"

#include <fmt/format.h>

#include <unordered_map>

namespace dl::wire {
namespace {

/// Each text once, numbered in the order it was first asked for.
class StringTable {
public:
    std::uint64_t number_of(std::string_view text)
    {
        const auto [known, is_new] = numbers_.emplace(text, texts_.size());
        if (is_new) texts_.push_back(text);
        return known->second;
    }
    [[nodiscard]] const std::vector<std::string_view>& texts() const { return texts_; }

private:
    std::unordered_map<std::string_view, std::uint64_t> numbers_;
    std::vector<std::string_view> texts_;
};

void put_pseudonyms(CborWriter& out, const std::vector<Pseudonym>& pseudonyms)
{
    std::vector<std::uint8_t> bytes;
    bytes.reserve(pseudonyms.size() * Pseudonym::size);
    for (const Pseudonym& pseudonym : pseudonyms)
        bytes.insert(bytes.end(), pseudonym.bytes.begin(), pseudonym.bytes.end());
    out.bytes(bytes);
}

/// A column of plain values.
template <class Items, class F>
void put_column(CborWriter& out, const Items& items, F value)
{
    out.array(items.size());
    for (const auto& item : items)
        out.integer(value(item));
}

/// A column of differences to the value before; the first to `start`.
template <class Items, class F>
void put_differences(CborWriter& out, const Items& items, std::int64_t start, F value)
{
    std::int64_t before = start;
    put_column(out, items, [&](const auto& item) {
        const std::int64_t now = value(item);
        const std::int64_t difference = now - before;
        before = now;
        return difference;
    });
}

std::int64_t micros(Timestamp when) { return when.time_since_epoch().count(); }

/// The coarsest unit, in microseconds, in which the cells' times lose nothing.
std::int64_t unit_of_times(const std::vector<Cell>& cells)
{
    std::int64_t unit = 1'000'000;
    for (const Cell& cell : cells)
        for (const std::int64_t time : {micros(cell.first_seen), micros(cell.last_seen)})
            while (time % unit != 0)
                unit /= 1000;
    return unit;
}

/// An index that may be unknown: 0 for unknown, else the index plus one.
std::int64_t or_unknown(std::uint32_t index) { return index == unknown ? 0 : std::int64_t{index} + 1; }

void put_destinations(CborWriter& out, const std::vector<Destination>& destinations, StringTable& strings)
{
    out.array(layout::destination_columns);
    put_differences(out, destinations, -1,
                    [&](const Destination& d) { return static_cast<std::int64_t>(strings.number_of(d.host)); });
    put_column(out, destinations, [&](const Destination& d) {
        return d.canonical.empty() ? 0 : static_cast<std::int64_t>(strings.number_of(d.canonical)) + 1;
    });
    put_column(out, destinations, [](const Destination& d) { return static_cast<std::int64_t>(d.transport); });
    put_column(out, destinations, [](const Destination& d) { return std::int64_t{d.port}; });
}

void put_cells(CborWriter& out, const Report& report, std::int64_t unit)
{
    const std::vector<Cell>& cells = report.cells;
    out.array(layout::cell_columns);
    put_differences(out, cells, 0, [](const Cell& c) { return std::int64_t{c.day.time_since_epoch().count()}; });
    put_differences(out, cells, 0, [](const Cell& c) { return std::int64_t{c.device}; });
    put_differences(out, cells, 0, [](const Cell& c) { return or_unknown(c.person); });
    put_differences(out, cells, 0, [](const Cell& c) { return or_unknown(c.application); });
    put_differences(out, cells, 0, [](const Cell& c) { return std::int64_t{c.destination}; });
    put_column(out, cells, [](const Cell& c) { return static_cast<std::int64_t>(c.evidence); });
    put_column(out, cells, [](const Cell& c) { return static_cast<std::int64_t>(c.connections); });
    put_column(out, cells, [](const Cell& c) { return static_cast<std::int64_t>(c.bytes_up); });
    put_column(out, cells, [](const Cell& c) { return static_cast<std::int64_t>(c.bytes_down); });
    put_column(out, cells, [unit](const Cell& c) { return (micros(c.first_seen) - micros(Timestamp{c.day})) / unit; });
    put_column(out, cells, [unit](const Cell& c) { return (micros(c.last_seen) - micros(c.first_seen)) / unit; });
    put_differences(out, cells, static_cast<std::int64_t>(report.revision_from),
                    [](const Cell& c) { return static_cast<std::int64_t>(c.revision); });
}

void put_offers(CborWriter& out, const std::vector<Offer>& offers)
{
    out.array(layout::offer_columns);
    put_differences(out, offers, 0, [](const Offer& o) { return std::int64_t{o.application}; });
    put_column(out, offers, [](const Offer& o) { return static_cast<std::int64_t>(o.version); });
    put_column(out, offers, [](const Offer& o) { return static_cast<std::int64_t>(o.protocols); });
    put_differences(out, offers, 0, [](const Offer& o) { return std::int64_t{o.last_day.time_since_epoch().count()}; });
}

void put_report(CborWriter& out, const Report& report)
{
    // Numbered by hosts first, then canonical names and applications, so that the column of hosts is mostly ones.
    StringTable strings;
    for (const Destination& destination : report.destinations)
        (void)strings.number_of(destination.host);
    for (const Destination& destination : report.destinations)
        if (!destination.canonical.empty()) (void)strings.number_of(destination.canonical);
    for (const std::string& application : report.applications)
        (void)strings.number_of(application);

    out.tag(layout::self_described);
    out.array(3);
    out.text(layout::magic);
    out.unsigned_integer(format_version);
    out.map(15 + (report.last_receipt ? 1U : 0U) + (report.last_store ? 1U : 0U) + (report.offers.empty() ? 0U : 1U));

    out.unsigned_integer(layout::agent);
    out.bytes(report.agent.bytes);
    out.unsigned_integer(layout::observer);
    out.unsigned_integer(static_cast<std::uint64_t>(report.observer));
    out.unsigned_integer(layout::epoch);
    out.bytes(report.epoch.bytes);
    out.unsigned_integer(layout::revision_from);
    out.unsigned_integer(report.revision_from);
    out.unsigned_integer(layout::revision_to);
    out.unsigned_integer(report.revision_to);
    if (report.last_receipt) {
        out.unsigned_integer(layout::last_receipt);
        out.bytes(report.last_receipt->bytes);
    }
    if (report.last_store) {
        out.unsigned_integer(layout::last_store);
        out.bytes(report.last_store->bytes);
    }
    out.unsigned_integer(layout::sent_at);
    out.integer(micros(report.sent_at));
    out.unsigned_integer(layout::agent_version);
    out.text(report.agent_version);
    out.unsigned_integer(layout::counters);
    const Counters& c = report.counters;
    const std::array<std::uint64_t, layout::counter_count> counters{
        c.packets,       c.packets_dropped, c.connections,       c.connections_unattributed,
        c.cells_dropped, c.gap_seconds,     c.bytes_hidden_road, c.connections_with_program};
    put_column(out, counters, [](std::uint64_t value) { return static_cast<std::int64_t>(value); });
    out.unsigned_integer(layout::devices);
    put_pseudonyms(out, report.devices);
    out.unsigned_integer(layout::persons);
    put_pseudonyms(out, report.persons);
    out.unsigned_integer(layout::strings);
    out.array(strings.texts().size());
    for (const std::string_view text : strings.texts())
        out.text(text);
    out.unsigned_integer(layout::applications);
    put_column(out, report.applications,
               [&](const std::string& a) { return static_cast<std::int64_t>(strings.number_of(a)); });
    out.unsigned_integer(layout::destinations);
    put_destinations(out, report.destinations, strings);
    const std::int64_t unit = unit_of_times(report.cells);
    out.unsigned_integer(layout::time_unit);
    out.unsigned_integer(static_cast<std::uint64_t>(unit));
    out.unsigned_integer(layout::cells);
    put_cells(out, report, unit);
    if (report.offers.empty()) return;
    out.unsigned_integer(layout::offers);
    put_offers(out, report.offers);
}

}    // namespace

Result<std::string> encode_columns(const Report& report)
{
    if (const auto mistake = first_mistake(report))
        return Failure{Failure::Kind::internal, "report to encode: " + *mistake};
    CborWriter out;
    put_report(out, report);
    if (out.written().size() > limits::decompressed)
        return Failure{Failure::Kind::internal, fmt::format("report to encode: takes {} octets, more than {}; split it",
                                                            out.written().size(), limits::decompressed)};
    return compress_frame(out.written());
}

}    // namespace dl::wire
