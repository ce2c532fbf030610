// A keyed hash of addresses and ports, so that strangers can't aim at one bucket of a table.
#pragma once

#include "shared/base/address.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace dl::agent::flow {

[[nodiscard]] inline std::uint64_t mix(std::uint64_t value)
{
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 32U;
    value *= 0xc4ceb9fe1a85ec53ULL;
    return value ^ value >> 29U;
}

[[nodiscard]] inline std::uint64_t hash_address(const Address& address, std::uint64_t seed)
{
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::memcpy(&low, address.bytes.data(), 8);
    if (address.family == Address::Family::v4) return mix(seed ^ low);
    std::memcpy(&high, address.bytes.data() + 8, 8);
    return mix(mix(seed ^ low) + high);
}

/// Equality without a call: it is asked for every packet.
[[nodiscard]] inline bool same_end(const Endpoint& one, const Endpoint& other)
{
    std::array<std::uint64_t, 2> a{};
    std::array<std::uint64_t, 2> b{};
    std::memcpy(a.data(), one.address.bytes.data(), 16);
    std::memcpy(b.data(), other.address.bytes.data(), 16);
    return a == b && one.address.family == other.address.family && one.port == other.port;
}

/// Never 0.
[[nodiscard]] inline std::uint64_t hash_bytes(std::span<const std::uint8_t> bytes, std::uint64_t seed)
{
    std::uint64_t value = mix(seed + bytes.size());
    for (const std::uint8_t octet : bytes)
        value = mix(value + octet);
    return value | 1U;
}

}    // namespace dl::agent::flow
