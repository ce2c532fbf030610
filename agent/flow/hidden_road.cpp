#include "agent/flow/hidden_road.hpp"

#include <algorithm>
#include <array>

namespace dl::agent::flow {
namespace {

using dissect::Bytes;

/// Hosts that do nothing else than resolve, as their operators publish them, and the ingress of a relay in which other
/// connections are hidden (iCloud Private Relay). Sorted.
constexpr std::array<std::string_view, 34> resolvers{"adblock.dns.mullvad.net",
                                                     "anycast.dns.nextdns.io",
                                                     "base.dns.mullvad.net",
                                                     "chrome.cloudflare-dns.com",
                                                     "cloudflare-dns.com",
                                                     "dns.adguard-dns.com",
                                                     "dns.adguard.com",
                                                     "dns.alidns.com",
                                                     "dns.controld.com",
                                                     "dns.digitale-gesellschaft.ch",
                                                     "dns.google",
                                                     "dns.mullvad.net",
                                                     "dns.nextdns.io",
                                                     "dns.quad9.net",
                                                     "dns.sb",
                                                     "dns.switch.ch",
                                                     "dns.umbrella.com",
                                                     "dns0.eu",
                                                     "dns10.quad9.net",
                                                     "dns11.quad9.net",
                                                     "dns9.quad9.net",
                                                     "doh.cleanbrowsing.org",
                                                     "doh.cox.net",
                                                     "doh.dns.sb",
                                                     "doh.familyshield.opendns.com",
                                                     "doh.opendns.com",
                                                     "doh.pub",
                                                     "doh.xfinity.com",
                                                     "family.adguard-dns.com",
                                                     "freedns.controld.com",
                                                     "mask-h2.icloud.com",
                                                     "mask.icloud.com",
                                                     "one.one.one.one",
                                                     "unfiltered.adguard-dns.com"};

/// Type 1, reserved 3 zeros: an initiation of 148 octets; type 2: a response of 92 (WireGuard, section 5.4).
bool is_wireguard(Bytes payload)
{
    if (payload.size() < 4 || payload[1] != 0 || payload[2] != 0 || payload[3] != 0) return false;
    return (payload[0] == 1 && payload.size() == 148) || (payload[0] == 2 && payload.size() == 92);
}

/// Opcode 5 (7: P_CONTROL_HARD_RESET_CLIENT_V2) and key id 3 bits, session id 8; HMAC of 20, 32 or 64 octets and replay
/// id 8 where tls-auth is on; no acknowledgements 1, message id 4 of zero (OpenVPN's network protocol page).
bool is_openvpn_reset(Bytes payload)
{
    constexpr std::size_t bare = 14;
    constexpr std::array<std::size_t, 4> lengths{bare, bare + 28, bare + 40, bare + 72};
    if (payload.empty() || payload[0] != 0x38) return false;
    if (std::find(lengths.begin(), lengths.end(), payload.size()) == lengths.end()) return false;
    const Bytes session = payload.subspan(1, 8);
    const Bytes end = payload.last(5);
    const auto is_zero = [](std::uint8_t octet) { return octet == 0; };
    return std::all_of(end.begin(), end.end(), is_zero) && !std::all_of(session.begin(), session.end(), is_zero);
}

/// Version 5, number of methods, methods; or version 4, command 1 or 2, port 2, address 4, user, zero.
bool is_socks_greeting(Bytes payload)
{
    if (payload.size() >= 3 && payload[0] == 5) return payload[1] != 0 && payload.size() == payload[1] + std::size_t{2};
    return payload.size() >= 9 && payload[0] == 4 && (payload[1] == 1 || payload[1] == 2) && payload.back() == 0;
}

}    // namespace

bool is_hidden_road(Transport transport, std::uint16_t server_port)
{
    if (server_port == 853 || server_port == 1194) return true;
    if (transport == Transport::tcp) return server_port == 1723;
    return server_port == 784 || server_port == 8853 || server_port == 51820 || server_port == 500 ||
           server_port == 4500;
}

HiddenRoad road_of_first_payload(Transport transport, Bytes payload)
{
    if (transport == Transport::udp)
        return is_wireguard(payload) || is_openvpn_reset(payload) ? HiddenRoad::road : HiddenRoad::no;
    if (is_socks_greeting(payload)) return HiddenRoad::proxy;
    const bool framed = payload.size() > 2 && dissect::u16_at(payload, 0) == payload.size() - 2;
    return framed && is_openvpn_reset(payload.subspan(2)) ? HiddenRoad::road : HiddenRoad::no;
}

bool is_encrypted_resolver(std::string_view host)
{
    for (;;) {
        if (std::binary_search(resolvers.begin(), resolvers.end(), host)) return true;
        const std::size_t dot = host.find('.');
        if (dot == std::string_view::npos) return false;
        host.remove_prefix(dot + 1);
    }
}

}    // namespace dl::agent::flow
