// What the store counted of a period, as figures are made from it: services, their background traffic, and unknown
// domains; and for security alone what nobody else could make sense of. Noise, internal and personal hosts stay out of
// every figure.
#pragma once

#include "collector/release/figures.hpp"

#include <string>
#include <tuple>
#include <vector>

namespace dl::collector::release {

/// (unit, kind, label) of a store::Row or a Figure.
using UseKey = std::tuple<std::string, std::string, std::string>;
template <class Use>
[[nodiscard]] UseKey key_of(const Use& use)
{
    return {use.unit, use.kind, use.label};
}

/// Released: services, their background traffic and unknown domains. Exact: also unlisted hosts of known vendors,
/// addresses without a name and buckets of shared storage.
[[nodiscard]] Result<std::vector<store::Row>> read_uses(store::UsageStore& usage, const Period& period,
                                                        Strength strength);
/// The same by one more dimension.
[[nodiscard]] Result<std::vector<store::Row>> read_uses_by(store::UsageStore& usage, const Period& period,
                                                           store::By dimension, Strength strength);
/// Rows of (unit, capability); background traffic stands for no capability.
[[nodiscard]] Result<std::vector<store::Row>> read_capabilities(store::UsageStore& usage, const Period& period);
/// Connections of everything that was reported of the period, whatever it is.
[[nodiscard]] Result<std::uint64_t> count_connections(store::UsageStore& usage, const Period& period);

/// A figure that names what the row is about and counts nothing yet.
[[nodiscard]] Figure figure_of(const store::Row& row);
[[nodiscard]] Figures empty_figures(Strength strength, const Period& period, std::uint64_t k);
/// Where a use is listed, its background traffic is not listed beside it.
void drop_background_of_uses(Figures& figures);
/// Strongest evidence first.
void sort_by_strength(std::vector<EvidenceFigure>& evidence);

}    // namespace dl::collector::release
