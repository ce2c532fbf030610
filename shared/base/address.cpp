#include "shared/base/address.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace dl {

std::optional<Address> Address::parse(std::string_view text)
{
    if (text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
    const std::string terminated(text);
    Address address;
    if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) {
        address.family = Family::v4;
        return address;
    }
    address.bytes = {};
    if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) != 1) return std::nullopt;
    address.family = Family::v6;
    return address;
}

Reach reach_of(const Address& address)
{
    const auto& b = address.bytes;
    if (address.family == Address::Family::v4) {
        if (b[0] == 127) return Reach::host;
        if (b[0] == 0 || b[0] >= 224) return Reach::group;
        if (b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
            (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 169 && b[1] == 254))
            return Reach::inside;
        return Reach::global;
    }
    if (address.family == Address::Family::v6) {
        if (b[0] == 0xff) return Reach::group;
        if ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)) return Reach::inside;
        std::array<std::uint8_t, 16> other{};
        if (b == other) return Reach::group;
        other[15] = 1;
        if (b == other) return Reach::host;
        other[15] = 0;
        other[10] = other[11] = 0xff;    // ::ffff:0:0/96, an IPv4 address in other clothes
        if (std::equal(b.begin(), b.begin() + 12, other.begin()))
            return reach_of(Address::v4(std::span<const std::uint8_t, 4>(b.data() + 12, 4)));
        return Reach::global;
    }
    return Reach::group;
}

std::string Address::to_string() const
{
    if (family == Family::none) return {};
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

const char* to_string(Transport transport)
{
    switch (transport) {
        case Transport::tcp: return "tcp";
        case Transport::udp: return "udp";
        case Transport::other: break;
    }
    return "other";
}

}    // namespace dl
