// A cell of use as the endpoint holds it: what it is the use of, how much it was, and the law by which values merge.
#pragma once

#include "shared/base/id.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace dl::agent::ledger {

/// What a cell is the use of. Nobody's name is in it: persons and devices are pseudonyms before they come here.
struct CellKey {
    Day day{};
    Pseudonym device;
    std::optional<Pseudonym> person;
    std::optional<std::string> application;
    wire::Destination destination;
    wire::Evidence evidence = wire::Evidence::address_only;

    friend auto operator<=>(const CellKey&, const CellKey&) = default;
};

/// How much it was. Values only rise; first_seen only falls.
struct CellValue {
    std::uint64_t connections = 0;
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
    Timestamp first_seen = Timestamp::max();
    Timestamp last_seen = Timestamp::min();

    /// Further use of the same cell: counts add up. Commutative and associative, with CellValue{} as its neutral
    /// element.
    void add(const CellValue& more)
    {
        connections += more.connections;
        bytes_up += more.bytes_up;
        bytes_down += more.bytes_down;
        first_seen = std::min(first_seen, more.first_seen);
        last_seen = std::max(last_seen, more.last_seen);
    }

    friend bool operator==(const CellValue&, const CellValue&) = default;
};

/// The join of two versions of one cell: idempotent, commutative, associative. What a collector does with what it is
/// told.
[[nodiscard]] inline CellValue merged(const CellValue& a, const CellValue& b)
{
    return {std::max(a.connections, b.connections), std::max(a.bytes_up, b.bytes_up),
            std::max(a.bytes_down, b.bytes_down), std::min(a.first_seen, b.first_seen),
            std::max(a.last_seen, b.last_seen)};
}

/// Use that is to be added to a cell.
struct Share {
    CellKey key;
    CellValue use;
};

/// What applications offered in their ClientHellos, by application and highest version: of the application, of nobody's
/// use of it. Merging is idempotent, commutative and associative.
struct OfferValue {
    wire::Protocols protocols = wire::Protocols::none;
    Day last_day = Day::min();

    void merge(const OfferValue& other)
    {
        protocols = protocols | other.protocols;
        last_day = std::max(last_day, other.last_day);
    }
    friend bool operator==(const OfferValue&, const OfferValue&) = default;
};
using Offers = std::map<std::pair<std::string, wire::TlsVersion>, OfferValue>;

}    // namespace dl::agent::ledger
