// An IP address and an endpoint as plain values: hashable, comparable, no allocation.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace dl {

struct Address {
    enum class Family : std::uint8_t { none = 0, v4 = 4, v6 = 6 };

    std::array<std::uint8_t, 16> bytes{};    ///< network order; IPv4 uses the first four, the rest is zero
    Family family = Family::none;

    [[nodiscard]] static Address v4(std::span<const std::uint8_t, 4> octets)
    {
        Address a;
        a.family = Family::v4;
        std::memcpy(a.bytes.data(), octets.data(), 4);
        return a;
    }
    [[nodiscard]] static Address v6(std::span<const std::uint8_t, 16> octets)
    {
        Address a;
        a.family = Family::v6;
        std::memcpy(a.bytes.data(), octets.data(), 16);
        return a;
    }
    /// Textual form (RFC 5952 for IPv6); empty for no address.
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const Address&, const Address&) = default;
};

struct Endpoint {
    Address address;
    std::uint16_t port = 0;

    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

enum class Transport : std::uint8_t { other = 0, tcp = 6, udp = 17 };    ///< IANA protocol numbers

[[nodiscard]] const char* to_string(Transport transport);

}    // namespace dl
