// Shares that wait in memory while the ledger can't be written: they coalesce by cell, and their number is bounded.
#pragma once

#include "agent/ledger/cell.hpp"

#include <cstddef>
#include <vector>

namespace dl::agent::ledger {

/// Adds `more` to `held`; both are sorted by key and have each key once, as `held` has afterwards. New cells beyond
/// `most` are left out; returns how many.
[[nodiscard]] std::size_t add_shares(std::vector<Share>& held, std::vector<Share> more, std::size_t most);

}    // namespace dl::agent::ledger
