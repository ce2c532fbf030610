// "Did you mean …": the known word that is closest to one that was typed.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace dl::config {

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours, each counting one.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known word nearest to `word`; none where all differ in more than a third of its letters (at least two may
/// differ).
[[nodiscard]] std::optional<std::string_view> nearest_word(std::string_view word,
                                                           std::span<const std::string_view> known);

}    // namespace dl::config
