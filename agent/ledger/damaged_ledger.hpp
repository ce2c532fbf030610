// Setting a damaged ledger aside: the file stays for whoever wants to look into it, beside the new one.
#pragma once

#include "shared/base/time.hpp"

#include <cstddef>
#include <filesystem>
#include <vector>

namespace dl::agent::ledger {

/// So many are kept; the oldest goes first.
inline constexpr std::size_t most_damaged_kept = 3;

/// Renames the file, and what SQLite has beside it, to FILE.damaged-YYYYMMDDTHHMMSSZ (0600; a later second where that
/// is taken), removes the oldest above most_damaged_kept, and returns the new path. Nobody may have it open for
/// writing. Throws std::runtime_error where the directory can't be written.
std::filesystem::path set_damaged_aside(const std::filesystem::path& file, Timestamp now);

/// Those that are kept, oldest first.
[[nodiscard]] std::vector<std::filesystem::path> damaged_kept(const std::filesystem::path& file);

}    // namespace dl::agent::ledger
