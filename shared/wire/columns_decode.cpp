// The reading half of columns.hpp.
#include "shared/wire/cbor.hpp"
#include "shared/wire/check.hpp"
#include "shared/wire/columns.hpp"
#include "shared/wire/columns_layout.hpp"
#include "shared/wire/limits.hpp"
#include "shared/wire/utf8.hpp"
#include "shared/wire/zstd_frame.hpp"

#include <fmt/format.h>

#include <cstring>

namespace dl::wire {
namespace {

constexpr std::size_t most_keys = 64;
constexpr std::size_t most_columns = 64;
constexpr std::size_t most_strings = 2 * limits::destinations + limits::applications;
constexpr std::int64_t micros_of_day = 86'400'000'000;

template <class Id>
Id id(CborReader& in)
{
    const std::string_view bytes = in.bytes();
    Id result;
    if (in.ok() && bytes.size() != Id::size)
        in.fail(fmt::format("an id must have {} octets", Id::size));
    else if (in.ok())
        std::memcpy(result.bytes.data(), bytes.data(), Id::size);
    return result;
}

std::uint64_t count(CborReader& in)
{
    const std::uint64_t value = in.unsigned_integer();
    if (value > limits::count) in.fail("a count is larger than 2^63-1; check it");
    return value;
}

std::vector<Pseudonym> pseudonyms(CborReader& in, std::size_t limit)
{
    const std::string_view bytes = in.bytes();
    std::vector<Pseudonym> result;
    if (bytes.size() % Pseudonym::size != 0 || bytes.size() / Pseudonym::size > limit) {
        in.fail(fmt::format("pseudonyms must be 32 octets each, at most {} of them", limit));
        return result;
    }
    result.resize(bytes.size() / Pseudonym::size);
    for (std::size_t i = 0; i < result.size(); ++i)
        std::memcpy(result[i].bytes.data(), bytes.data() + i * Pseudonym::size, Pseudonym::size);
    return result;
}

/// Reads the values of one column of `size` values into `put(index, value)`.
template <class F>
void column(CborReader& in, std::size_t size, F put)
{
    if (in.array(size) != size) return in.fail(fmt::format("a column must have {} values, as the first has", size));
    for (std::size_t i = 0; i < size && in.ok(); ++i)
        put(i, in.integer());
}

/// The same for differences to the value before, each sum within 0 and `most`.
template <class F>
void differences(CborReader& in, std::size_t size, std::int64_t start, std::int64_t most, F put)
{
    std::int64_t now = start;
    column(in, size, [&](std::size_t i, std::int64_t difference) {
        if (__builtin_add_overflow(now, difference, &now) || now < 0 || now > most)
            return in.fail("a difference leads out of bounds");
        put(i, now);
    });
}

class ColumnsDecoder {
public:
    explicit ColumnsDecoder(std::string_view content) : in_(content) {}

    Result<Report> decode()
    {
        envelope();
        const std::size_t keys = in_.map(most_keys);
        std::uint64_t before = 0;
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < keys && in_.ok(); ++i) {
            const std::uint64_t key = in_.unsigned_integer();
            if (i > 0 && key <= before) in_.fail("keys must ascend, each once");
            before = key;
            if (key < 64) seen |= std::uint64_t{1} << key;
            if (in_.ok()) value_of(key);
        }
        constexpr std::uint64_t optional =
            1ULL << layout::last_receipt | 1ULL << layout::last_store | 1ULL << layout::time_unit;
        for (std::uint64_t key = layout::agent; key <= layout::cells && in_.ok(); ++key)
            if (!((seen | optional) >> key & 1)) in_.fail(fmt::format("key {} is missing; add it", key));
        if (in_.ok() && !in_.at_end()) in_.fail("more follows after the report; send one");
        if (!in_.ok()) return invalid_input("report: " + in_.message());
        if (const auto mistake = first_mistake(report_)) return invalid_input("report: " + *mistake);
        return std::move(report_);
    }

private:
    void envelope()
    {
        if (in_.tag() != layout::self_described) in_.fail("does not begin as a report; FORMAT.md says how");
        if (in_.array(3) != 3) in_.fail("must be an array of three");
        if (in_.text() != layout::magic) in_.fail("does not begin as a report; FORMAT.md says how");
        const std::uint64_t version = in_.unsigned_integer();
        if (version != format_version)
            in_.fail(fmt::format("is version {}, but this program speaks version {}; upgrade the older side", version,
                                 format_version));
    }

    void value_of(std::uint64_t key)
    {
        switch (key) {
            case layout::agent: report_.agent = id<AgentId>(in_); break;
            case layout::observer:
                report_.observer = static_cast<ObserverKind>(std::min<std::uint64_t>(in_.unsigned_integer(), 255));
                break;
            case layout::epoch: report_.epoch = id<Epoch>(in_); break;
            case layout::revision_from: report_.revision_from = count(in_); break;
            case layout::revision_to: report_.revision_to = count(in_); break;
            case layout::last_receipt: report_.last_receipt = id<Receipt>(in_); break;
            case layout::last_store: report_.last_store = id<StoreIncarnation>(in_); break;
            case layout::sent_at: report_.sent_at = Timestamp{std::chrono::microseconds(in_.integer())}; break;
            case layout::agent_version: version_text(); break;
            case layout::counters: counters(); break;
            case layout::devices: report_.devices = pseudonyms(in_, limits::devices); break;
            case layout::persons: report_.persons = pseudonyms(in_, limits::persons); break;
            case layout::strings: strings(); break;
            case layout::applications: applications(); break;
            case layout::destinations: destinations(); break;
            case layout::time_unit: time_unit(); break;
            case layout::cells: cells(); break;
            case layout::offers: offers(); break;
            default: in_.skip();    // a later minor addition to version 1
        }
    }

    void version_text()
    {
        const std::string_view text = in_.text();
        if (text.size() > limits::version_text) return in_.fail("the agent's version is longer than 64 octets");
        report_.agent_version = text;
    }

    void counters()
    {
        Counters& c = report_.counters;
        const std::array<std::uint64_t*, layout::counter_count> members{
            &c.packets,       &c.packets_dropped, &c.connections,       &c.connections_unattributed,
            &c.cells_dropped, &c.gap_seconds,     &c.bytes_hidden_road, &c.connections_with_program};
        const std::size_t size = in_.array(most_columns);
        if (size < layout::least_counters) return in_.fail("there must be seven counters or more");
        for (std::size_t i = 0; i < size; ++i)
            if (i < members.size())
                *members[i] = count(in_);
            else
                in_.skip();
    }

    void strings()
    {
        const std::size_t size = in_.array(most_strings);
        strings_.reserve(size);
        for (std::size_t i = 0; i < size && in_.ok(); ++i) {
            const std::string_view text = in_.text();
            if (text.size() > limits::text) return in_.fail("a text is longer than 255 octets");
            strings_.push_back(text);
        }
    }

    /// A text of the table, copied; what all copies take is bounded.
    std::string string_at(std::int64_t number)
    {
        if (number < 0 || static_cast<std::uint64_t>(number) >= strings_.size()) {
            in_.fail("points outside the table of texts");
            return {};
        }
        const std::string_view text = strings_[static_cast<std::size_t>(number)];
        if (text.size() > limits::texts - copied_) {
            in_.fail("the texts add up to more than 8 MiB; split the report");
            return {};
        }
        copied_ += text.size();
        return std::string(text);
    }

    void applications()
    {
        const std::size_t size = in_.array(limits::applications);
        report_.applications.reserve(size);
        for (std::size_t i = 0; i < size && in_.ok(); ++i)
            report_.applications.push_back(string_at(in_.integer()));
    }

    /// The columns of a table; those that a later addition brought are skipped.
    std::size_t columns(std::size_t known)
    {
        const std::size_t size = in_.array(most_columns);
        if (size < known) in_.fail(fmt::format("there must be {} columns", known));
        return size;
    }

    /// The number of rows, by the head of the first column, which is not consumed.
    std::size_t rows(std::size_t limit) const
    {
        CborReader ahead = in_;
        return ahead.array(limit);
    }

    void destinations()
    {
        const std::size_t all = columns(layout::destination_columns);
        const std::size_t size = rows(limits::destinations);
        std::vector<Destination>& table = report_.destinations;
        table.resize(in_.ok() ? size : 0);
        differences(in_, size, -1, static_cast<std::int64_t>(most_strings),
                    [&](std::size_t i, std::int64_t v) { table[i].host = string_at(v); });
        column(in_, size, [&](std::size_t i, std::int64_t v) {
            if (v != 0) table[i].canonical = string_at(v - 1);
        });
        column(in_, size, [&](std::size_t i, std::int64_t v) {
            if (v != 0 && v != 6 && v != 17) return in_.fail("a transport must be 6 (TCP), 17 (UDP) or 0 (other)");
            table[i].transport = static_cast<Transport>(v);
        });
        column(in_, size, [&](std::size_t i, std::int64_t v) {
            if (v < 0 || v > 65535) return in_.fail("a port must be 0 to 65535");
            table[i].port = static_cast<std::uint16_t>(v);
        });
        for (std::size_t i = layout::destination_columns; i < all; ++i)
            in_.skip();
    }

    void time_unit()
    {
        const std::uint64_t unit = in_.unsigned_integer();
        if (unit != 1 && unit != 1000 && unit != 1'000'000)
            return in_.fail("the unit of times must be 1, 1000 or 1000000 microseconds");
        unit_ = static_cast<std::int64_t>(unit);
    }

    /// start + value * unit, within 1970 to 9999.
    Timestamp time(std::int64_t start, std::int64_t value)
    {
        std::int64_t micros = 0;
        if (__builtin_mul_overflow(value, unit_, &micros) || __builtin_add_overflow(start, micros, &micros) ||
            micros < 0 || micros >= (limits::last_day + 1) * micros_of_day) {
            in_.fail("a time lies outside 1970 to 9999; check the clock");
            return {};
        }
        return Timestamp{std::chrono::microseconds(micros)};
    }

    void cells()
    {
        const std::size_t all = columns(layout::cell_columns);
        const std::size_t size = rows(limits::cells);
        std::vector<Cell>& table = report_.cells;
        table.resize(in_.ok() ? size : 0);
        constexpr std::int64_t most_index = unknown - 1;
        const auto index = [&](std::uint32_t Cell::*member) {
            differences(in_, size, 0, most_index,
                        [&](std::size_t i, std::int64_t v) { table[i].*member = static_cast<std::uint32_t>(v); });
        };
        const auto index_or_unknown = [&](std::uint32_t Cell::*member) {
            differences(in_, size, 0, most_index, [&](std::size_t i, std::int64_t v) {
                table[i].*member = v == 0 ? unknown : static_cast<std::uint32_t>(v - 1);
            });
        };
        const auto counts = [&](std::uint64_t Cell::*member) {
            column(in_, size, [&](std::size_t i, std::int64_t v) {
                if (v < 0) return in_.fail("a count must not be negative");
                table[i].*member = static_cast<std::uint64_t>(v);
            });
        };
        differences(in_, size, 0, limits::last_day,
                    [&](std::size_t i, std::int64_t v) { table[i].day = Day{std::chrono::days(v)}; });
        index(&Cell::device);
        index_or_unknown(&Cell::person);
        index_or_unknown(&Cell::application);
        index(&Cell::destination);
        column(in_, size, [&](std::size_t i, std::int64_t v) {
            if (v < 1 || v > 255) return in_.fail("evidence must be 1 to 255");
            table[i].evidence = static_cast<Evidence>(v);
        });
        counts(&Cell::connections);
        counts(&Cell::bytes_up);
        counts(&Cell::bytes_down);
        column(in_, size, [&](std::size_t i, std::int64_t v) {
            table[i].first_seen = time(table[i].day.time_since_epoch().count() * micros_of_day, v);
        });
        column(in_, size, [&](std::size_t i, std::int64_t v) {
            table[i].last_seen = time(table[i].first_seen.time_since_epoch().count(), v);
        });
        differences(in_, size, static_cast<std::int64_t>(report_.revision_from),
                    static_cast<std::int64_t>(limits::count),
                    [&](std::size_t i, std::int64_t v) { table[i].revision = static_cast<std::uint64_t>(v); });
        for (std::size_t i = layout::cell_columns; i < all; ++i)
            in_.skip();
    }

    void offers()
    {
        const std::size_t all = columns(layout::offer_columns);
        const std::size_t size = rows(limits::offers);
        std::vector<Offer>& table = report_.offers;
        table.resize(in_.ok() ? size : 0);
        differences(in_, size, 0, unknown - 1,
                    [&](std::size_t i, std::int64_t v) { table[i].application = static_cast<std::uint32_t>(v); });
        column(in_, size, [&](std::size_t i, std::int64_t v) {
            if (v < 0 || v > 65535) return in_.fail("a version of TLS must be 768 (SSL 3) to 772 (TLS 1.3)");
            table[i].version = static_cast<TlsVersion>(v);
        });
        column(in_, size, [&](std::size_t i, std::int64_t v) {
            if (v < 0 || v > all_protocols) return in_.fail("protocols must be a sum of 1, 2, 4, 8 and 16");
            table[i].protocols = static_cast<Protocols>(v);
        });
        differences(in_, size, 0, limits::last_day,
                    [&](std::size_t i, std::int64_t v) { table[i].last_day = Day{std::chrono::days(v)}; });
        for (std::size_t i = layout::offer_columns; i < all; ++i)
            in_.skip();
    }

    CborReader in_;
    Report report_;
    std::vector<std::string_view> strings_;
    std::size_t copied_ = 0;
    std::int64_t unit_ = 1;
};

}    // namespace

Result<Report> decode_columns(std::string_view body)
{
    if (body.size() > limits::body)
        return invalid_input(fmt::format("report: is larger than {} octets; split it", limits::body));
    const Result<std::string> content = decompress_frame(body, limits::decompressed);
    if (!content) return Failure{content.error().kind, "report: " + content.error().message};
    return ColumnsDecoder(*content).decode();
}

}    // namespace dl::wire
