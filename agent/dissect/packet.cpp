#include "agent/dissect/packet.hpp"

#include "agent/dissect/tunnel.hpp"

#include <utility>

namespace dl::agent::dissect {

std::optional<Segment> PacketDissector::dissect(std::uint32_t link_type, Bytes frame, Timestamp when)
{
    more_ = {};
    return innermost(link::dissect(link_type, frame), when);
}

std::optional<Segment> PacketDissector::next(Timestamp when)
{
    return innermost(link::dissect_subframe(std::exchange(more_, {})), when);
}

std::optional<Segment> PacketDissector::innermost(link::Network network, Timestamp when)
{
    std::optional<Segment> outer;    // counts where the packet within turns out to be none
    std::uint32_t segment_of_all = 0;
    for (int depth = 0; depth < deepest_tunnel; ++depth) {
        if (!network.more.empty()) more_ = network.more;
        if (network.ether_type == link::no_network) return outer;
        std::optional<ip::Packet> packet = ip::parse(network.ether_type, network.packet);
        if (!packet) return outer;
        if (!packet->fragment.is_whole() && !fragments_.add(*packet, when)) return std::nullopt;
        segment_of_all = link::within(segment_of_all, network.segment);
        if (packet->protocol == ip::tcp || packet->protocol == ip::udp) {
            std::optional<Segment> segment = parse_segment(*packet);
            if (segment) segment->network = segment_of_all;
            if (packet->protocol == ip::tcp) return segment;
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
