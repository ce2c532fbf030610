#include "agent/dissect/packet.hpp"

#include "agent/dissect/link.hpp"
#include "agent/dissect/tunnel.hpp"

namespace dl::agent::dissect {

std::optional<Segment> PacketDissector::dissect(std::uint32_t link_type, Bytes frame, Timestamp when)
{
    std::optional<Segment> outer;    // counts where the packet within turns out to be none
    link::Network network = link::dissect(link_type, frame);
    for (int depth = 0; depth < deepest_tunnel; ++depth) {
        if (network.ether_type == link::no_network) return outer;
        std::optional<ip::Packet> packet = ip::parse(network.ether_type, network.packet);
        if (!packet) return outer;
        if (!packet->fragment.is_whole() && !fragments_.add(*packet, when)) return std::nullopt;
        if (packet->protocol == ip::tcp) return parse_segment(*packet);
        if (packet->protocol == ip::udp) {
            const std::optional<Segment> segment = parse_segment(*packet);
            if (!segment) return outer;
            network = tunnel::dissect_udp(segment->source.port, segment->destination.port, segment->payload);
            outer = segment;
            continue;
        }
        network = tunnel::dissect_ip_protocol(packet->protocol, packet->payload);
    }
    return outer;
}

}    // namespace dl::agent::dissect
