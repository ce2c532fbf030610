#include "shared/config/nearest_word.hpp"

#include <algorithm>
#include <vector>

namespace dl::config {
namespace {

constexpr std::size_t longest_word = 256;    // the distance costs the product of both lengths

}    // namespace

std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        above[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, above);
        std::swap(above, row);
    }
    return above[b.size()];
}

std::optional<std::string_view> nearest_word(std::string_view word, std::span<const std::string_view> known)
{
    if (word.size() > longest_word) return std::nullopt;
    std::optional<std::string_view> nearest;
    std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string_view candidate : known) {
        // Words of one or two letters are near to everything: they need one letter in common.
        const std::size_t distance = edit_distance(word, candidate);
        if (distance >= least || distance >= std::max(word.size(), candidate.size())) continue;
        least = distance;
        nearest = candidate;
    }
    return nearest;
}

}    // namespace dl::config
