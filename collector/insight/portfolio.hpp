// Unit × capability: what the business works with, and where an agreed service is missing, doubled or not used.
#pragma once

#include "collector/insight/finding.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::insight {

enum class CellState {
    agreed,                 ///< only agreed services are used
    tolerated,              ///< with conditions
    not_yet_agreed,         ///< others only, though an agreed one exists
    mixed,                  ///< agreed ones and others
    not_offered_assumed,    ///< others only, and no agreed one is known. That it is this need is read from host names
                            ///< and assumed until the unit confirms it, and shown so
    in_use,    ///< used, but no single service may be shown
    idle,      ///< an agreed one exists and no use was seen; exact figures only
};
[[nodiscard]] std::string_view to_string(CellState state);
/// In words for the business.
[[nodiscard]] std::string_view words_of(CellState state);

struct PortfolioCell {
    std::string unit, capability;
    CellState state = CellState::in_use;
    std::optional<release::Heads> people;
    std::vector<const Finding*> services;    ///< most used first
    std::vector<const catalog::Service*> offered;
};

struct Portfolio {
    std::vector<std::string> units;           ///< in the order of the directory; "unassigned" last, where it has cells
    std::vector<std::string> capabilities;    ///< with a cell, most used first
    std::vector<PortfolioCell> cells;         ///< by unit, then capability, in those orders
    [[nodiscard]] const PortfolioCell* at(std::string_view unit, std::string_view capability) const;
};

/// `findings` were made from `figures` and outlive the portfolio. What shows no need (Finding::shows_need), such as
/// private use and private accounts, is left out, and nobody is counted for it. Fewer people than `use_threshold` is
/// seen, not used.
[[nodiscard]] Portfolio portfolio_of(const release::Figures& figures, const std::vector<Finding>& findings,
                                     const Meaning& meaning, std::uint64_t use_threshold);

}    // namespace dl::collector::insight
