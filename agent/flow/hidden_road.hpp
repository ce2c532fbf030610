// Roads behind which names can't be seen: encrypted DNS, VPNs and proxies, by port, by the shape of their first
// message, and by the names of public resolvers.
#pragma once

#include "agent/dissect/bytes.hpp"
#include "shared/base/address.hpp"

#include <cstdint>
#include <string_view>

namespace dl::agent::flow {

enum class HiddenRoad : std::uint8_t {
    no,
    road,     ///< encrypted DNS or a VPN
    proxy,    ///< SOCKS: hidden until a name is seen behind its greeting
};

/// By the server's port: DoT and DoQ (RFC 7858, 9250 and its drafts), WireGuard, OpenVPN, IKE and ESP in UDP (RFC 7296,
/// 3948), PPTP (RFC 2637).
[[nodiscard]] bool is_hidden_road(Transport transport, std::uint16_t server_port);
/// By the first payload of a connection: WireGuard and OpenVPN hand-shakes on any port, SOCKS greetings (RFC 1928).
[[nodiscard]] HiddenRoad road_of_first_payload(Transport transport, dissect::Bytes payload);
/// Hosts of public resolvers that answer over HTTPS (RFC 8484), and names below them. Lower case.
[[nodiscard]] bool is_encrypted_resolver(std::string_view host);

}    // namespace dl::agent::flow
