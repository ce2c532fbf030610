// TCP (RFC 9293 section 3.1) and UDP (RFC 768) headers.
#pragma once

#include "agent/dissect/ip.hpp"

#include <optional>

namespace dl::agent::dissect {

/// One TCP segment or UDP datagram with innermost addresses.
struct Segment {
    enum Flags : std::uint8_t { fin = 1, syn = 2, rst = 4, push = 8, ack = 16 };

    Transport transport = Transport::other;
    Endpoint source;
    Endpoint destination;
    Bytes payload;                 ///< what was captured of it
    std::uint32_t length = 0;      ///< octets of payload that the headers declare; at least payload.size()
    std::uint32_t sequence = 0;    ///< TCP only, as the rest
    std::uint32_t acknowledgement = 0;
    std::uint8_t flags = 0;
    std::uint32_t network = 0;    ///< link::Network::segment of all that it is in

    [[nodiscard]] bool has(Flags flag) const { return (flags & flag) != 0; }
};

/// The segment in a whole (unfragmented or reassembled) packet, or the first fragment's part of it; nothing where the
/// header is cut or wrong.
[[nodiscard]] std::optional<Segment> parse_segment(const ip::Packet& packet);

}    // namespace dl::agent::dissect
