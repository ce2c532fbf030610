#include "collector/release/heads.hpp"

#include <algorithm>
#include <array>

namespace dl::collector::release {
namespace {

constexpr std::array<std::uint64_t, 8> edges{1, 5, 10, 20, 50, 100, 200, 500};

}    // namespace

std::string Heads::text() const
{
    if (exact) return std::to_string(at_least);
    if (!at_most)
        return at_least >= edges.back() ? std::to_string(at_least) + "+" : std::to_string(at_least) + " or more";
    if (*at_most == at_least) return std::to_string(at_least);
    return std::to_string(at_least) + "–" + std::to_string(*at_most);
}

Heads exactly(std::uint64_t people) { return {people, people, true}; }

Heads band(std::uint64_t people, std::uint64_t k)
{
    const auto above = std::upper_bound(edges.begin(), edges.end(), people);
    const std::uint64_t lower = above == edges.begin() ? 0 : *(above - 1);
    Heads heads{std::max(lower, k), std::nullopt, false};
    if (above != edges.end()) heads.at_most = *above - 1;
    return heads;
}

Heads at_least(std::uint64_t people) { return {people, std::nullopt, false}; }

}    // namespace dl::collector::release
