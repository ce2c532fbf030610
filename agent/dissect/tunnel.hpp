// Tunnels: what a packet of one network carries of another. Each function gives the inner network packet, or nothing
// where the bytes are not that tunnel, so that the outer packet then counts for itself.
#pragma once

#include "agent/dissect/link.hpp"

#include <cstdint>

namespace dl::agent::dissect::tunnel {

/// GRE version 0 (RFC 2784, 2890) and 1 (PPTP, RFC 2637), with ERSPAN I–III, Aruba's 802.11 and WCCP within.
[[nodiscard]] link::Network dissect_gre(Bytes payload);
/// IP protocol numbers 4, 41, 47, 143: IP in IP (RFC 2003, 4213), GRE, Ethernet in IP (RFC 8986).
[[nodiscard]] link::Network dissect_ip_protocol(std::uint8_t protocol, Bytes payload);
/// UDP ports: VXLAN 4789, 8472 (RFC 7348) and its generic extension 4790, Geneve 6081 (RFC 8926), GTP-U 2152 (3GPP
/// TS 29.281), GRE in UDP 4754 (RFC 8086), Teredo 3544 (RFC 4380), AYIYA 5072, MPLS in UDP 6635 (RFC 7510), L2TP 1701
/// (RFC 2661), CAPWAP data 5247 (RFC 5415).
[[nodiscard]] link::Network dissect_udp(std::uint16_t source_port, std::uint16_t destination_port, Bytes payload);

}    // namespace dl::agent::dissect::tunnel
