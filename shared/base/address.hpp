// An IP address and an endpoint as plain values: hashable, comparable, no allocation.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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
    /// "192.0.2.1" or "2001:db8::1"; nothing where the text is no address.
    [[nodiscard]] static std::optional<Address> parse(std::string_view text);
    /// Textual form (RFC 5952 for IPv6); empty for no address.
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const Address&, const Address&) = default;
};

/// How far an address reaches, by the registries of RFC 6890: what is not global is the organisation's own network or
/// nobody's at all. Documentation networks (RFC 5737) count as global.
enum class Reach : std::uint8_t {
    global,
    inside,    ///< private (RFC 1918), shared (RFC 6598), unique local (RFC 4193), link-local (RFC 3927, RFC 4291)
    host,      ///< loopback
    group,     ///< multicast, broadcast, unspecified
};
[[nodiscard]] Reach reach_of(const Address& address);

struct Endpoint {
    Address address;
    std::uint16_t port = 0;

    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

enum class Transport : std::uint8_t { other = 0, tcp = 6, udp = 17 };    ///< IANA protocol numbers

[[nodiscard]] const char* to_string(Transport transport);

}    // namespace dl
