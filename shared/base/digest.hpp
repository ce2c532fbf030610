// SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104) over byte spans.
#pragma once

#include "shared/base/id.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace dl {

using Digest = std::array<std::uint8_t, 32>;

[[nodiscard]] Digest sha256(std::span<const std::uint8_t> bytes);
[[nodiscard]] Digest sha256(std::string_view text);
/// SHA-256 of what is added piece by piece.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    void add(std::span<const std::uint8_t> bytes);
    /// Of what was added up to now; more may be added.
    [[nodiscard]] Digest so_far() const;
    /// Of all that was added; nothing can be added after.
    [[nodiscard]] Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

[[nodiscard]] Digest hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> message);
[[nodiscard]] Digest hmac_sha256(std::span<const std::uint8_t> key, std::string_view message);

/// True when both are equal, in time that depends on the length alone.
[[nodiscard]] bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

}    // namespace dl
