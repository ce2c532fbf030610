// IPv4 (RFC 791) and IPv6 (RFC 8200): addresses, upper protocol and payload of one packet.
#pragma once

#include "agent/dissect/bytes.hpp"
#include "shared/base/address.hpp"

#include <cstdint>
#include <optional>

namespace dl::agent::dissect::ip {

enum Protocol : std::uint8_t {
    ipv4_in_ip = 4,
    tcp = 6,
    udp = 17,
    ipv6_in_ip = 41,
    gre = 47,
    authentication = 51,
    ethernet_in_ip = 143,
};

struct Fragment {
    std::uint32_t id = 0;
    std::uint32_t offset = 0;    ///< octets
    bool more = false;

    [[nodiscard]] bool is_whole() const { return offset == 0 && !more; }
};

struct Packet {
    Address source;
    Address destination;
    std::uint8_t protocol = 0;    ///< of the upper layer, extension headers gone through
    Bytes payload;                ///< what was captured of it, link padding removed
    std::uint32_t length = 0;     ///< octets of payload that the header declares; at least payload.size()
    Fragment fragment;
};

/// Nothing where the bytes are no such packet. `ether_type` is link::ether_ipv4 or link::ether_ipv6.
[[nodiscard]] std::optional<Packet> parse(std::uint16_t ether_type, Bytes packet);

}    // namespace dl::agent::dissect::ip
