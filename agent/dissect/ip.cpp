#include "agent/dissect/ip.hpp"

#include "agent/dissect/link.hpp"

#include <algorithm>

namespace dl::agent::dissect::ip {
namespace {

/// Version 4, IHL 4 bits; DSCP; total length 16; identification 16; flags 3, offset 13; TTL; protocol; checksum;
/// source; destination; options. A total length of 0 is segmentation offload: the frame is the packet.
std::optional<Packet> parse_v4(Bytes bytes)
{
    if (bytes.size() < 20 || bytes[0] >> 4U != 4) return std::nullopt;
    const std::size_t header = (bytes[0] & 15U) * std::size_t{4};
    if (header < 20 || header > bytes.size()) return std::nullopt;
    std::size_t total = u16_at(bytes, 2);
    if (total == 0) total = bytes.size();
    if (total < header) return std::nullopt;
    const std::uint16_t fragment = u16_at(bytes, 6);
    Packet packet;
    packet.source = Address::v4(bytes.subspan<12, 4>());
    packet.destination = Address::v4(bytes.subspan<16, 4>());
    packet.protocol = bytes[9];
    packet.length = static_cast<std::uint32_t>(total - header);
    packet.payload = bytes.subspan(header, std::min(bytes.size(), total) - header);
    packet.fragment.id = u16_at(bytes, 4);
    packet.fragment.offset = (fragment & 0x1fffU) * 8U;
    packet.fragment.more = (fragment & 0x2000U) != 0;
    return packet;
}

/// Goes through hop-by-hop (0), routing (43), fragment (44), authentication (51), destination options (60), mobility
/// (135), HIP (139) and shim6 (140) headers: next header 8, length 8 in units of 8 octets without the first.
bool skip_extensions(Packet& packet)
{
    constexpr int most = 16;
    for (int count = 0; count < most; ++count) {
        std::size_t length = 0;
        const Bytes at = packet.payload;
        switch (packet.protocol) {
            case 0:
            case 43:
            case 60:
            case 135:
            case 139:
            case 140:
                if (at.size() < 8) return false;
                length = (at[1] + std::size_t{1}) * 8;
                break;
            case 44:
                if (at.size() < 8) return false;
                length = 8;
                packet.fragment.offset = u16_at(at, 2) & 0xfff8U;
                packet.fragment.more = (at[3] & 1U) != 0;
                packet.fragment.id = u32_at(at, 4);
                break;
            case authentication:
                if (at.size() < 8) return false;
                length = (at[1] + std::size_t{2}) * 4;
                break;
            default: return true;
        }
        if (length > at.size()) return false;
        packet.protocol = at[0];
        packet.payload = at.subspan(length);
        packet.length -= static_cast<std::uint32_t>(length);
        if (packet.fragment.offset != 0) return true;    // what follows is the middle of something
    }
    return false;
}

/// Version 4, traffic class 8, flow label 20; payload length 16; next header 8; hop limit 8; source; destination. A
/// length of 0 is a jumbogram or segmentation offload: the frame is the packet.
std::optional<Packet> parse_v6(Bytes bytes)
{
    constexpr std::size_t header = 40;
    if (bytes.size() < header || bytes[0] >> 4U != 6) return std::nullopt;
    std::size_t length = u16_at(bytes, 4);
    if (length == 0) length = bytes.size() - header;
    Packet packet;
    packet.source = Address::v6(bytes.subspan<8, 16>());
    packet.destination = Address::v6(bytes.subspan<24, 16>());
    packet.protocol = bytes[6];
    packet.length = static_cast<std::uint32_t>(length);
    packet.payload = bytes.subspan(header, std::min(bytes.size() - header, length));
    if (!skip_extensions(packet)) return std::nullopt;
    return packet;
}

}    // namespace

std::optional<Packet> parse(std::uint16_t ether_type, Bytes packet)
{
    if (ether_type == link::ether_ipv4) {
        auto parsed = parse_v4(packet);
        if (parsed && parsed->protocol == authentication && parsed->fragment.is_whole() && !skip_extensions(*parsed))
            return std::nullopt;
        return parsed;
    }
    if (ether_type == link::ether_ipv6) return parse_v6(packet);
    return std::nullopt;
}

}    // namespace dl::agent::dissect::ip
