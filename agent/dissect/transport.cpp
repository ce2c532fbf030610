#include "agent/dissect/transport.hpp"

#include <algorithm>

namespace dl::agent::dissect {
namespace {

/// Source port, destination port, sequence 32, acknowledgement 32, data offset 4, reserved 4, flags 8, window,
/// checksum, urgent pointer, options.
bool parse_tcp(const ip::Packet& packet, Segment& segment)
{
    const Bytes bytes = packet.payload;
    if (bytes.size() < 14) return false;
    const std::size_t header = (bytes[12] >> 4U) * std::size_t{4};
    if (header < 20 || header > packet.length) return false;
    segment.sequence = u32_at(bytes, 4);
    segment.acknowledgement = u32_at(bytes, 8);
    segment.flags = bytes[13];
    segment.length = packet.length - static_cast<std::uint32_t>(header);
    if (header < bytes.size()) segment.payload = bytes.subspan(header);
    return true;
}

/// Source port, destination port, length (header and data), checksum. A length of 0 is offload or a jumbogram.
bool parse_udp(const ip::Packet& packet, Segment& segment)
{
    const Bytes bytes = packet.payload;
    if (bytes.size() < 8) return false;
    std::uint32_t length = u16_at(bytes, 4);
    if (length == 0 || (length > packet.length && packet.fragment.is_whole())) length = packet.length;
    if (length < 8) return false;
    segment.length = length - 8;
    segment.payload = bytes.subspan(8, std::min<std::size_t>(bytes.size() - 8, segment.length));
    return true;
}

}    // namespace

std::optional<Segment> parse_segment(const ip::Packet& packet)
{
    if (packet.payload.size() < 4) return std::nullopt;
    Segment segment;
    segment.source = {packet.source, u16_at(packet.payload, 0)};
    segment.destination = {packet.destination, u16_at(packet.payload, 2)};
    if (packet.protocol == ip::tcp) {
        segment.transport = Transport::tcp;
        if (parse_tcp(packet, segment)) return segment;
    } else if (packet.protocol == ip::udp) {
        segment.transport = Transport::udp;
        if (parse_udp(packet, segment)) return segment;
    }
    return std::nullopt;
}

}    // namespace dl::agent::dissect
