#include "agent/dissect/tunnel.hpp"

#include "agent/dissect/ip.hpp"

namespace dl::agent::dissect::tunnel {
namespace {

using link::Network;

/// ERSPAN II: a header of 8 (present when GRE carries a sequence number); III: 12, and 8 more where the O bit says so.
Network dissect_erspan(Bytes payload, std::uint16_t protocol, bool has_sequence)
{
    std::size_t header = 0;
    if (protocol == 0x88be) {
        header = has_sequence ? 8 : 0;
    } else {
        if (payload.size() < 12) return {};
        header = (payload[11] & 1U) != 0 ? 20 : 12;
    }
    return header < payload.size() ? link::dissect_ethernet(payload.subspan(header)) : Network{};
}

/// Flags C . K S, version 3 bits; protocol type; checksum and reserved 4 (C or R); key 4 (K); sequence 4 (S); in
/// version 1 also acknowledgement 4 (A).
Network dissect_gre_header(Bytes payload)
{
    Cursor cursor(payload);
    const std::uint16_t flags = cursor.u16();
    const std::uint16_t protocol = cursor.u16();
    const unsigned version = flags & 7U;
    const bool has_sequence = (flags & 0x1000U) != 0;
    if (version > 1) return {};
    if ((flags & 0x4000U) != 0) return {};    // source routes were never used (RFC 2784 section 2.3)
    if ((flags & 0x8000U) != 0) cursor.skip(4);
    if ((flags & 0x2000U) != 0) cursor.skip(4);
    if (has_sequence) cursor.skip(4);
    if (version == 1 && (flags & 0x0080U) != 0) cursor.skip(4);
    if (!cursor.ok() || cursor.left() == 0) return {};
    const Bytes inner = cursor.rest();
    if (protocol == link::ether_transparent) return link::dissect_ethernet(inner);
    if (protocol == 0x88be || protocol == 0x22eb) return dissect_erspan(inner, protocol, has_sequence);
    if (protocol >= 0x8200 && protocol <= 0x82ff) return link::dissect_wlan(inner);    // Aruba: 802.11 frames
    if (protocol == 0x883e) {    // WCCP version 2 may put 4 bytes before
        const Network direct = link::dissect_raw(inner);
        if (direct.ether_type != link::no_network || inner.size() <= 4) return direct;
        return link::dissect_raw(inner.subspan(4));
    }
    return link::dissect_ether_type(protocol, inner);
}

/// A virtual network identifier of 24 bits, and one octet more, at a place that the caller has checked.
Network in_virtual_network(Bytes payload, std::size_t at, Network inner)
{
    inner.segment = link::within(0x02000000U | u32_at(payload, at) >> 8U, inner.segment);
    return inner;
}

/// Flags (I at 0x08), reserved 3, VNI 3, reserved 1.
Network dissect_vxlan(Bytes payload)
{
    if (payload.size() <= 8 || (payload[0] & 0x08U) == 0) return {};
    return in_virtual_network(payload, 4, link::dissect_ethernet(payload.subspan(8)));
}

/// Flags: version 0x30, I 0x08, P 0x04 (a next protocol is named), O 0x01 (not a user's packet); reserved 2; next
/// protocol (1 IPv4, 2 IPv6, 3 Ethernet); VNI 3; reserved 1 (draft-ietf-nvo3-vxlan-gpe section 3).
Network dissect_vxlan_gpe(Bytes payload)
{
    if (payload.size() <= 8 || (payload[0] & 0x39U) != 0x08U) return {};
    const Bytes inner = payload.subspan(8);
    const bool named = (payload[0] & 0x04U) != 0;
    switch (named ? payload[3] : 3) {
        case 1: return in_virtual_network(payload, 4, link::dissect_ether_type(link::ether_ipv4, inner));
        case 2: return in_virtual_network(payload, 4, link::dissect_ether_type(link::ether_ipv6, inner));
        case 3: return in_virtual_network(payload, 4, link::dissect_ethernet(inner));
        default: return {};
    }
}

/// Version 2, option length 6 bits in units of 4; flags; protocol type 2; VNI 3; reserved 1; options.
Network dissect_geneve(Bytes payload)
{
    if (payload.size() <= 8 || payload[0] >> 6U != 0) return {};
    const std::size_t header = 8 + (payload[0] & 0x3fU) * std::size_t{4};
    if (header >= payload.size()) return {};
    const std::uint16_t protocol = u16_at(payload, 2);
    const Bytes inner = payload.subspan(header);
    return in_virtual_network(payload, 4,
                              protocol == link::ether_transparent ? link::dissect_ethernet(inner)
                                                                  : link::dissect_ether_type(protocol, inner));
}

/// Version 3 = 1, PT = 1, E, S, PN; type (255: a user's packet); length 2; TEID 4; where E, S or PN: sequence 2, N-PDU
/// 1, next extension 1, each extension of length 1 in units of 4 that ends in the next one's type.
Network dissect_gtp(Bytes payload)
{
    Cursor cursor(payload);
    const std::uint8_t flags = cursor.u8();
    const std::uint8_t type = cursor.u8();
    cursor.skip(6);
    if (flags >> 5U != 1 || (flags & 0x10U) == 0 || type != 255) return {};
    if ((flags & 7U) != 0) {
        cursor.skip(3);
        std::uint8_t next = cursor.u8();
        for (int extensions = 0; next != 0; ++extensions) {
            const std::size_t length = cursor.u8() * std::size_t{4};
            if (length < 4 || extensions == 8) return {};
            cursor.skip(length - 2);
            next = cursor.u8();
        }
    }
    return link::dissect_raw(cursor.rest());
}

/// Optional authentication (00 01, id length, auth length, …, nonce 8, confirmation 1) and origin (00 00, port,
/// address).
Network dissect_teredo(Bytes payload)
{
    Cursor cursor(payload);
    if (cursor.left() >= 4 && u16_at(cursor.rest(), 0) == 1) {
        cursor.skip(2);
        const std::size_t id = cursor.u8();
        const std::size_t authentication = cursor.u8();
        cursor.skip(id + authentication + 9);
    }
    if (cursor.left() >= 8 && u16_at(cursor.rest(), 0) == 0) cursor.skip(8);
    if (cursor.left() < 40 || cursor.rest()[0] >> 4U != 6) return {};
    return link::dissect_raw(cursor.rest());
}

/// Identity length 4 (power of two) and type 4 bits; signature length 4 (in units of 4) and method 4; authentication 4
/// and operation 4 (1: forward); next header; epoch 4; identity; signature.
Network dissect_ayiya(Bytes payload)
{
    if (payload.size() < 8 || (payload[2] & 15U) != 1) return {};
    const std::size_t header = 8 + (std::size_t{1} << (payload[0] >> 4U)) + (payload[1] >> 4U) * std::size_t{4};
    if (header >= payload.size() || (payload[3] != ip::ipv6_in_ip && payload[3] != ip::ipv4_in_ip)) return {};
    return link::dissect_raw(payload.subspan(header));
}

/// T L . S . O P, version 2; length 2 (L); tunnel 2; session 2; Ns, Nr 4 (S); offset size 2 and padding (O); then PPP.
Network dissect_l2tp(Bytes payload)
{
    Cursor cursor(payload);
    const std::uint16_t flags = cursor.u16();
    if ((flags & 0x8000U) != 0 || (flags & 15U) != 2) return {};
    if ((flags & 0x4000U) != 0) cursor.skip(2);
    cursor.skip(4);
    if ((flags & 0x0800U) != 0) cursor.skip(4);
    if ((flags & 0x0200U) != 0) cursor.skip(cursor.u16());
    return link::dissect_ppp(cursor.rest());
}

/// CAPWAP data (RFC 5415 section 4.3): preamble of version and type 8 bits (type 0: clear); header length in units of 4
/// octets 5 bits, radio 5, wireless binding 5, T (a native 802.11 frame, else 802.3), F (a fragment), L, W, M, K
/// (keep-alive), reserved 3; fragment id and offset 4; options. Frame control of the 802.11 frame may be swapped in
/// octets, as controllers of one vendor do.
Network dissect_capwap(Bytes payload)
{
    if (payload.size() < 8 || payload[0] != 0) return {};
    const std::size_t header = (payload[1] >> 3U) * std::size_t{4};
    const bool native = (payload[2] & 1U) != 0;
    const bool fragment = (payload[3] & 0x80U) != 0;
    const bool keep_alive = (payload[3] & 0x08U) != 0;
    if (header < 8 || header >= payload.size() || fragment || keep_alive) return {};
    const Bytes frame = payload.subspan(header);
    if (!native) return link::dissect_ethernet(frame);
    const Network inner = link::dissect_wlan(frame);
    if (inner.ether_type != link::no_network || frame.size() < 24) return inner;
    return link::dissect_wlan_swapped(frame);
}

}    // namespace

Network dissect_gre(Bytes payload) { return dissect_gre_header(payload); }

Network dissect_ip_protocol(std::uint8_t protocol, Bytes payload)
{
    switch (protocol) {
        case ip::ipv4_in_ip:
        case ip::ipv6_in_ip: return link::dissect_raw(payload);
        case ip::gre: return dissect_gre(payload);
        case ip::ethernet_in_ip: return link::dissect_ethernet(payload);
        default: return {};
    }
}

Network dissect_udp(std::uint16_t source_port, std::uint16_t destination_port, Bytes payload)
{
    switch (destination_port) {
        case 4789:
        case 8472: return dissect_vxlan(payload);
        case 4790: return dissect_vxlan_gpe(payload);
        case 6081: return dissect_geneve(payload);
        case 4754: return dissect_gre(payload);
        case 6635: return link::dissect_ether_type(0x8847, payload);
        default: break;
    }
    auto either = [&](std::uint16_t port) { return source_port == port || destination_port == port; };
    if (either(5247)) return dissect_capwap(payload);
    if (either(2152)) return dissect_gtp(payload);
    if (either(3544)) return dissect_teredo(payload);
    if (either(5072)) return dissect_ayiya(payload);
    if (either(1701)) return dissect_l2tp(payload);
    return {};
}

}    // namespace dl::agent::dissect::tunnel
