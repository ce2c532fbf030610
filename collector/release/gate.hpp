// The small-group gate: counts in, what may be published out. Pure, so that the attacker in the tests can be let loose
// on it.
//
// The grid, for one unit: services × weeks are its finest cells. Coarser cells lie over them: a service in a month
// (over its weeks), a capability in a week (over its services), a capability in a month (over both). Units are never
// added up here: what stands over several units is made from released figures alone.
//
// 1. A finest cell of k people or more is published as its band; any other is not published, and zero looks the same.
// 2. A coarse cell with a published part is published as "at least the largest lower edge among its published parts": a
//    function of what is public, so nothing can be subtracted from it. This is the complementary suppression.
// 3. A coarse cell without a published part is published as its own band when it has k people or more and when its
// hidden
//    parts could make up that many even if any one of them were nobody: lower edge ≤ (k − 1) × (parts − 1).
// 4. Heads are all that is counted. Bytes, connections and devices are never released: such sums are exact, and a month
//    less its weeks would be a hidden group's. Days of a month are those of its published weeks (figures.hpp).
// So no set of published figures proves that somebody stands behind a hidden cell.
#pragma once

#include "collector/release/heads.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dl::collector::release {

/// Rule 1.
[[nodiscard]] std::optional<Heads> release_finest(std::uint64_t people, std::uint64_t k);
/// Rules 2 and 3. `parts`: how many finest cells lie under it that could hold somebody, published or not, by public
/// knowledge; `hidden_below`: the floor under which they were hidden.
[[nodiscard]] std::optional<Heads> release_coarse(std::uint64_t people, std::span<const Heads> published,
                                                  std::size_t parts, std::uint64_t k, std::uint64_t hidden_below);

/// One unit's distinct people of the directory, each once (store::Row::people_known): what the gate is given. Missing:
/// nobody.
struct UnitCounts {
    struct Cell {
        std::string service;       ///< empty: the whole capability
        std::string capability;    ///< empty for a service without one
        std::size_t week = 0;      ///< 0 … weeks − 1; `weeks`: the whole month
        friend auto operator<=>(const Cell&, const Cell&) = default;
    };
    std::size_t weeks = 1;                                ///< 1: a week is all that is asked for
    std::map<std::string, std::size_t> services_known;    ///< by capability: how many the catalogue holds
    std::map<Cell, std::uint64_t> people;
};

using Published = std::map<UnitCounts::Cell, Heads>;

/// What may be published of the unit's weeks.
[[nodiscard]] Published release_weeks(const UnitCounts& counts, std::uint64_t k);
/// What may be published of the month, whose weeks were published as they were: nothing is counted again for a cell
/// that has a published part. Of `counts` only the month's own cells are read; without them rule 3 publishes nothing.
[[nodiscard]] Published release_month(const UnitCounts& counts, const Published& weeks, std::uint64_t k,
                                      std::uint64_t hidden_below);
/// Both, at once; a single week has no month above it.
[[nodiscard]] Published release(const UnitCounts& counts, std::uint64_t k);

}    // namespace dl::collector::release
