// Reports for tests: any that the format can carry, and such as an ordinary agent sends.
#pragma once

#include "shared/wire/report.hpp"

#include <random>

namespace dl::wire::tests {

/// Uses every field, with values at and near their bounds.
[[nodiscard]] Report random_report(std::mt19937_64& random, std::size_t most_cells);

/// One device and person, `cells` uses of as many hosts on one day, whole seconds.
[[nodiscard]] Report ordinary_report(std::mt19937_64& random, std::size_t cells);

}    // namespace dl::wire::tests
