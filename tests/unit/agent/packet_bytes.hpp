// Packets built by hand, octet by octet, for the tests of capture, dissect and flow.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace dl::agent::testing {

using Data = std::vector<std::uint8_t>;

inline Data octets(std::initializer_list<int> values)
{
    Data out;
    for (const int value : values)
        out.push_back(static_cast<std::uint8_t>(value));
    return out;
}
inline Data text(std::string_view characters) { return {characters.begin(), characters.end()}; }
inline Data operator+(Data left, const Data& right)
{
    left.insert(left.end(), right.begin(), right.end());
    return left;
}
inline Data u16(std::size_t value)
{
    return octets({static_cast<int>(value >> 8U & 255U), static_cast<int>(value & 255U)});
}
inline Data u32(std::uint64_t value) { return u16(value >> 16U) + u16(value & 0xffffU); }
inline Data zeros(std::size_t count) { return Data(count); }

struct Host {
    Data address;
    std::uint16_t port = 0;
};
inline const Host client{octets({10, 0, 0, 1}), 40000};
inline Host server(std::uint16_t port) { return {octets({192, 0, 2, 10}), port}; }

inline Data ipv4(int protocol, const Data& payload, const Host& from, const Host& to, std::size_t fragment = 0)
{
    return octets({0x45, 0}) + u16(20 + payload.size()) + u16(7) + u16(fragment) + octets({64, protocol, 0, 0}) +
           from.address + to.address + payload;
}
inline Data ethernet(const Data& packet, std::size_t ether_type = 0x0800)
{
    return zeros(12) + u16(ether_type) + packet;
}
inline Data udp(const Host& from, const Host& to, const Data& payload)
{
    return u16(from.port) + u16(to.port) + u16(8 + payload.size()) + u16(0) + payload;
}
inline Data udp_frame(const Host& from, const Host& to, const Data& payload)
{
    return ethernet(ipv4(17, udp(from, to, payload), from, to));
}
inline Data tcp_frame(const Host& from, const Host& to, std::uint32_t sequence, std::uint32_t acknowledgement,
                      int flags, const Data& payload = {})
{
    const Data segment = u16(from.port) + u16(to.port) + u32(sequence) + u32(acknowledgement) + octets({0x50, flags}) +
                         u16(65535) + u32(0) + payload;
    return ethernet(ipv4(6, segment, from, to));
}

inline Data domain(std::string_view name)
{
    Data out;
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        out = out + octets({static_cast<int>(label.size())}) + text(label);
        name.remove_prefix(label.size() < name.size() ? label.size() + 1 : label.size());
    }
    return out + octets({0});
}
inline Data dns_query(std::string_view name)
{
    return u16(0x1234) + u16(0x0100) + u16(1) + zeros(6) + domain(name) + u16(1) + u16(1);
}
/// CNAME to `alias` (none where empty), then an A record.
inline Data dns_answer(std::string_view name, std::string_view alias, const Data& address)
{
    Data out =
        u16(0x1234) + u16(0x8180) + u16(1) + u16(alias.empty() ? 1 : 2) + zeros(4) + domain(name) + u16(1) + u16(1);
    std::size_t owner = 12;
    if (!alias.empty()) {
        out = out + u16(0xc000 | owner) + u16(5) + u16(1) + u32(60) + u16(domain(alias).size());
        owner = out.size();
        out = out + domain(alias);
    }
    return out + u16(0xc000 | owner) + u16(1) + u16(1) + u32(60) + u16(4) + address;
}

inline Data extension(std::size_t type, const Data& data) { return u16(type) + u16(data.size()) + data; }
inline Data client_hello(std::string_view name, const Data& more_extensions = {})
{
    const Data entry = octets({0}) + u16(name.size()) + text(name);
    const Data extensions = extension(0x0a0a, {}) + extension(0, u16(entry.size()) + entry) +
                            extension(16, u16(3) + octets({2}) + text("h2")) +
                            extension(43, octets({6, 0x1a, 0x1a, 3, 4, 3, 3})) + more_extensions;
    const Data body = u16(0x0303) + zeros(32) + octets({0}) + u16(2) + u16(0x1301) + octets({1, 0}) +
                      u16(extensions.size()) + extensions;
    return octets({1, 0}) + u16(body.size()) + body;
}
/// TLS records of at most `size` octets each.
inline Data records(const Data& handshake, std::size_t size = 16384)
{
    Data out;
    for (std::size_t at = 0; at < handshake.size(); at += size) {
        const Data part(handshake.begin() + static_cast<std::ptrdiff_t>(at),
                        handshake.begin() + static_cast<std::ptrdiff_t>(std::min(at + size, handshake.size())));
        out = out + octets({22, 3, 1}) + u16(part.size()) + part;
    }
    return out;
}

}    // namespace dl::agent::testing
