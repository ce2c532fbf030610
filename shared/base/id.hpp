// Strong types for the identifiers that travel: random ids and pseudonyms, each as bytes with a fixed length.
#pragma once

#include "shared/base/failure.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace dl {

[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
/// Fills `out` from lower- or upper-case hex; false where length or a digit is wrong.
[[nodiscard]] bool from_hex(std::string_view text, std::span<std::uint8_t> out);
/// Cryptographically secure random bytes (RAND_bytes).
void fill_random(std::span<std::uint8_t> out);

/// N bytes with a meaning. `Tag` keeps an epoch from being passed as a receipt.
template <class Tag, std::size_t N>
struct Id {
    static constexpr std::size_t size = N;
    std::array<std::uint8_t, N> bytes{};

    [[nodiscard]] static Id random()
    {
        Id id;
        fill_random(id.bytes);
        return id;
    }
    [[nodiscard]] static Result<Id> parse(std::string_view hex)
    {
        Id id;
        if (!from_hex(hex, id.bytes))
            return invalid_input("'" + std::string(hex) + "' is no id of " + std::to_string(2 * N) + " hex digits");
        return id;
    }
    [[nodiscard]] std::string hex() const { return to_hex(bytes); }
    [[nodiscard]] bool is_nil() const { return *this == Id{}; }

    friend auto operator<=>(const Id&, const Id&) = default;
};

/// Who an agent is: given by the collector at enrolment, named in its certificate. The observer of its cells.
using AgentId = Id<struct AgentTag, 16>;
/// The continuity of one agent's ledger; a new one starts whenever continuity is in doubt.
using Epoch = Id<struct EpochTag, 16>;
/// What a collector hands back for a durable report; the agent echoes the last one.
using Receipt = Id<struct ReceiptTag, 16>;
/// The life of one store; a restored or new store has another.
using StoreIncarnation = Id<struct StoreTag, 16>;
/// HMAC-SHA-256 over a canonical person or device name (on the wire under the organisation key, in the store re-keyed).
using Pseudonym = Id<struct PseudonymTag, 32>;

}    // namespace dl

template <class Tag, std::size_t N>
struct std::hash<dl::Id<Tag, N>> {
    /// The bytes are random or a MAC's, so the first eight are a hash already.
    std::size_t operator()(const dl::Id<Tag, N>& id) const noexcept
    {
        std::size_t value = 0;
        std::memcpy(&value, id.bytes.data(), sizeof value);
        return value;
    }
};
