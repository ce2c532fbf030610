// What the business needs and does not get: not-yet-agreed use, ranked by capability, each rank with its evidence.
#pragma once

#include "collector/insight/finding.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dl::collector::insight {

/// One capability. signal = 10 × units + people + 5 × weeks with use + 10 when new or growing + 20 when a unit has no
/// agreed service for it. People: summed over units of the largest figure of one service (a lower bound).
struct Need {
    std::string capability;
    std::uint64_t signal = 0;
    std::vector<std::string> units;
    std::uint64_t people_at_least = 0;
    std::size_t weeks = 0;    ///< of those looked at
    std::size_t weeks_looked_at = 0;
    bool growing = false;
    std::vector<std::string> without_alternative;    ///< units with no agreed service for it
    std::vector<std::string> services;               ///< names, most people first
    std::string why;                                 ///< the evidence in one line
};

/// `weeks`: figures of consecutive weeks, newest first, all of one strength. Strongest need first.
[[nodiscard]] std::vector<Need> demand_of(std::span<const release::Figures> weeks, const Meaning& meaning);

}    // namespace dl::collector::insight
