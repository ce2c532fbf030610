// From what an agent says to what the store may hold: pure, so that its laws can be tested without a socket.
#pragma once

#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace dl::collector::intake {

struct FoldRules {
    std::array<std::uint8_t, 32> collector_key{};    ///< under which pseudonyms are re-keyed
    std::uint32_t retention_days = 100;
    std::uint32_t most_days_ahead = 2;    ///< a day further in the collector's future is quarantined
};

struct Folded {
    wire::Report report;    ///< good cells only; devices and persons re-keyed, hosts normalised
    std::uint32_t accepted = 0;
    std::uint32_t too_old = 0;
    std::uint32_t quarantined = 0;
    std::vector<wire::RejectedCell> rejected;    ///< at most most_reasons; the count is total_rejected
    std::uint32_t total_rejected = 0;
};

/// So many reasons travel back; more would let a broken agent make replies larger than its reports.
inline constexpr std::size_t most_reasons = 1000;

/// A cell is taken, or counted as exactly one of rejected (its values or host make no sense), too_old (beyond
/// retention) or quarantined (a day over `most_days_ahead` in the future). Idempotent on what it took, but for the
/// re-keying.
[[nodiscard]] Folded fold(const wire::Report& report, const FoldRules& rules, Timestamp now);

}    // namespace dl::collector::intake
