// The symmetric keys of the data directory: 32 random bytes each, a file with one line of hex that its owner alone can
// read.
#pragma once

#include "shared/base/failure.hpp"

#include <array>
#include <cstdint>
#include <filesystem>

namespace dl::collector::pki {

using Secret = std::array<std::uint8_t, 32>;

[[nodiscard]] Result<void> write_new_secret(const std::filesystem::path& file);
/// A failure names the file.
[[nodiscard]] Result<Secret> read_secret(const std::filesystem::path& file);

}    // namespace dl::collector::pki
