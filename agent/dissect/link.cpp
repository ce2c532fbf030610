#include "agent/dissect/link.hpp"

#include <algorithm>

namespace dl::agent::dissect::link {
namespace {

constexpr int most_nested_headers = 16;    ///< VLAN tags, MPLS labels and the like before a frame is given up

// `nested`: how many headers were gone through; each that carries an EtherType counts, so that none recurses for ever.
Network look_behind_ether_type(std::uint16_t ether_type, Bytes payload, int nested);
Network look_into_ethernet(Bytes frame, int nested);
Network look_into_ppp(Bytes frame, int nested);

/// LLC (IEEE 802.2): DSAP, SSAP, control; then SNAP (RFC 1042): OUI, EtherType.
Network dissect_llc(Bytes payload, int nested = 0)
{
    if (payload.size() >= 8 && payload[0] == 0xaa && payload[1] == 0xaa && payload[2] == 0x03)
        return look_behind_ether_type(u16_at(payload, 6), payload.subspan(8), nested);
    if (payload.size() >= 3 && payload[0] == 0x06 && payload[1] == 0x06 && payload[2] == 0x03)
        return dissect_raw(payload.subspan(3));
    return {};
}

/// MPLS label stack entry (RFC 3032 section 2.1): label 20, traffic class 3, bottom of stack 1, TTL 8 bits.
Network dissect_mpls(Bytes payload, int nested)
{
    for (int labels = 0; labels < most_nested_headers && payload.size() > 4; ++labels) {
        const bool bottom = (payload[2] & 1U) != 0;
        payload = payload.subspan(4);
        if (!bottom) continue;
        const unsigned nibble = payload[0] >> 4U;
        if (nibble == 4 || nibble == 6) return dissect_raw(payload);
        if (nibble == 0 && payload.size() > 4)
            return look_into_ethernet(payload.subspan(4), nested);    // RFC 4448 control word
        return look_into_ethernet(payload, nested);
    }
    return {};
}

/// PPPoE session (RFC 2516 section 4): version and type, code, session id, length.
Network dissect_pppoe(Bytes payload, int nested = 0)
{
    if (payload.size() < 8 || payload[0] != 0x11 || payload[1] != 0) return {};
    return look_into_ppp(payload.subspan(6), nested);
}

/// BSD loopback: an address family of 4 bytes in the writer's order; the packet's own version is surer.
Network dissect_null(Bytes frame) { return frame.size() > 4 ? dissect_raw(frame.subspan(4)) : Network{}; }

/// FDDI: frame control, destination, source, LLC.
Network dissect_fddi(Bytes frame) { return frame.size() > 13 ? dissect_llc(frame.subspan(13)) : Network{}; }

/// Linux cooked capture v1: packet type, ARPHRD, address length, address 8, protocol.
Network dissect_sll(Bytes frame)
{
    return frame.size() > 16 ? dissect_ether_type(u16_at(frame, 14), frame.subspan(16)) : Network{};
}

/// Linux cooked capture v2: protocol, reserved 2, interface 4, ARPHRD 2, packet type, address length, address 8.
Network dissect_sll2(Bytes frame)
{
    return frame.size() > 20 ? dissect_ether_type(u16_at(frame, 0), frame.subspan(20)) : Network{};
}

/// ARCNET as Linux hands it up: source, destination, offset 2, protocol; for RFC 1201 also split flag and sequence 2,
/// and an exception packet (flag 0xff) four bytes more.
Network dissect_arcnet(Bytes frame)
{
    if (frame.size() < 6) return {};
    if (frame[4] == 0xf0) return dissect_raw(frame.subspan(5));    // RFC 1051
    if (frame[4] != 0xd4) return {};                               // RFC 1201 IP
    const std::size_t header = frame[5] == 0xff ? 12 : 8;
    return frame.size() > header ? dissect_raw(frame.subspan(header)) : Network{};
}

/// NFLOG: family, version, resource id, then attributes of (length, type, value), in the writer's byte order, padded
/// to 4.
Network dissect_nflog(Bytes frame)
{
    constexpr std::uint16_t payload_attribute = 9;
    if (frame.size() < 4) return {};
    Bytes attributes = frame.subspan(4);
    while (attributes.size() >= 4) {
        auto little = [&](std::size_t at) {
            return static_cast<std::uint16_t>(attributes[at] | attributes[at + 1] << 8U);
        };
        std::uint16_t length = little(0);
        std::uint16_t type = little(2);
        if (length > attributes.size() || (type & 0x3fffU) > 255) {
            length = u16_at(attributes, 0);
            type = u16_at(attributes, 2);
        }
        if (length < 4 || length > attributes.size()) return {};
        if ((type & 0x3fffU) == payload_attribute) return dissect_raw(attributes.subspan(4, length - 4U));
        const std::size_t padded = (length + 3U) & ~std::size_t{3};
        if (padded > attributes.size()) return {};
        attributes = attributes.subspan(padded);
    }
    return {};
}

/// Apple PKTAP: header length 4, record type 4, link type 4 of the packet, all little-endian.
Network dissect_pktap(Bytes frame)
{
    if (frame.size() < 12) return {};
    auto little = [&](std::size_t at) {
        return static_cast<std::uint32_t>(frame[at]) | static_cast<std::uint32_t>(frame[at + 1]) << 8U |
               static_cast<std::uint32_t>(frame[at + 2]) << 16U | static_cast<std::uint32_t>(frame[at + 3]) << 24U;
    };
    const std::uint32_t header = little(0);
    const std::uint32_t inner = little(8);
    if (header < 12 || header >= frame.size() || inner == pktap || inner == apple_pktap_user2) return {};
    return dissect(inner, frame.subspan(header));
}

}    // namespace

Network dissect_raw(Bytes packet)
{
    if (packet.empty()) return {};
    switch (packet[0] >> 4U) {
        case 4: return {ether_ipv4, packet, 0, {}};
        case 6: return {ether_ipv6, packet, 0, {}};
        default: return {};
    }
}

Network dissect_ppp(Bytes frame) { return look_into_ppp(frame, 0); }

namespace {

/// PPP in HDLC-like framing (RFC 1662 section 3): address and control may be left out, the protocol may be one byte.
Network look_into_ppp(Bytes frame, int nested)
{
    if (frame.size() >= 2 && (frame[0] == 0xff || frame[0] == 0x0f || frame[0] == 0x8f) &&
        (frame[1] == 0x03 || frame[1] == 0x00)) {
        if (frame[0] != 0xff && frame.size() > 4)
            return look_behind_ether_type(u16_at(frame, 2), frame.subspan(4), nested);
        frame = frame.subspan(2);
    }
    if (frame.size() < 3) return {};
    std::uint16_t protocol = frame[0];
    if ((protocol & 1U) != 0) {
        frame = frame.subspan(1);
    } else {
        protocol = u16_at(frame, 0);
        frame = frame.subspan(2);
    }
    switch (protocol) {
        case 0x0021: return {ether_ipv4, frame, 0, {}};
        case 0x0057: return {ether_ipv6, frame, 0, {}};
        case 0x0281: return dissect_mpls(frame, nested);
        default: return {};
    }
}

/// IEEE 802.11 data frame: frame control 2, duration 2, three or four addresses, sequence control, QoS control, HT
/// control; `Padding::to_32_bits` where the writer put the body on a multiple of 4 octets.
enum class Padding { none, to_32_bits };
Network dissect_wlan_data(Bytes frame, std::uint8_t control, std::uint8_t flags, Padding padding)
{
    const unsigned type = control >> 2U & 3U;
    const unsigned subtype = control >> 4U;
    const bool no_data = (subtype & 4U) != 0;
    const bool is_protected = (flags & 0x40U) != 0;
    if (type != 2 || no_data || is_protected) return {};
    std::size_t header = 24;
    if ((flags & 3U) == 3) header += 6;
    const bool quality_of_service = (subtype & 8U) != 0;
    bool aggregated = false;
    if (quality_of_service) {
        if (frame.size() < header + 2) return {};
        aggregated = (frame[header] & 0x80U) != 0;
        header += 2;
        if ((flags & 0x80U) != 0) header += 4;
    }
    if (padding == Padding::to_32_bits) header = (header + 3) / 4 * 4;
    if (header >= frame.size()) return {};
    return aggregated ? dissect_subframe(frame.subspan(header)) : dissect_llc(frame.subspan(header));
}

Network dissect_wlan_padded(Bytes frame, Padding padding)
{
    return frame.size() < 24 ? Network{} : dissect_wlan_data(frame, frame[0], frame[1], padding);
}

/// Radiotap: version, pad, length 2, presence 4 (bit 31: another presence word follows), then the fields that are
/// present: TSFT (bit 0) of 8 octets on a multiple of 8, flags (bit 1) of one; of these 0x20 is padding between header
/// and body of the frame. Little-endian.
Network dissect_radiotap(Bytes frame)
{
    if (frame.size() < 8) return {};
    const std::size_t header = static_cast<std::size_t>(frame[2] | frame[3] << 8U);
    if (header < 8 || header >= frame.size()) return {};
    const std::uint8_t present = frame[4];
    std::size_t at = 8;
    for (std::size_t word = 4; (frame[word + 3] & 0x80U) != 0 && at + 4 <= header; word += 4)
        at += 4;
    if ((present & 1U) != 0) at = (at + 7) / 8 * 8 + 8;
    const bool padded = (present & 2U) != 0 && at < header && (frame[at] & 0x20U) != 0;
    return dissect_wlan_padded(frame.subspan(header), padded ? Padding::to_32_bits : Padding::none);
}

}    // namespace

/// Destination 6, source 6, length 2, LLC; padded to a multiple of 4 octets, save the last (IEEE 802.11 section
/// 9.3.2.2).
Network dissect_subframe(Bytes subframes)
{
    constexpr std::size_t header = 14;
    if (subframes.size() <= header) return {};
    const std::size_t end = header + u16_at(subframes, 12);
    Network inner = dissect_llc(subframes.subspan(header, std::min(subframes.size(), end) - header));
    const std::size_t next = (end + 3) / 4 * 4;
    if (next < subframes.size()) inner.more = subframes.subspan(next);
    return inner;
}

Network dissect_wlan(Bytes frame) { return dissect_wlan_padded(frame, Padding::none); }

Network dissect_wlan_swapped(Bytes frame)
{
    return frame.size() < 24 ? Network{} : dissect_wlan_data(frame, frame[1], frame[0], Padding::none);
}

namespace {

Network look_behind_ether_type(std::uint16_t ether_type, Bytes payload, int nested)
{
    std::uint32_t segment = 0;
    const auto in_segment = [&](Network inner) {
        inner.segment = within(segment, inner.segment);
        return inner;
    };
    for (; nested < most_nested_headers; ++nested) {
        switch (ether_type) {
            case ether_ipv4:
            case ether_ipv6: return {ether_type, payload, segment, {}};
            case 0x8100:    // IEEE 802.1Q, 802.1ad and the numbers used before it: tag 2, EtherType 2
            case 0x88a8:
            case 0x9100:
            case 0x9200:
            case 0x9300:
                if (payload.size() < 4) return {};
                segment = within(segment, u16_at(payload, 0) & 0x0fffU);
                ether_type = u16_at(payload, 2);
                payload = payload.subspan(4);
                continue;
            case 0x88e7:    // IEEE 802.1ah: flags 1, I-SID 3, then an Ethernet frame
                if (payload.size() < 4) return {};
                segment = within(segment, 0x01000000U | (u32_at(payload, 0) & 0xffffffU));
                return in_segment(look_into_ethernet(payload.subspan(4), nested + 1));
            case 0x8864: return in_segment(dissect_pppoe(payload, nested + 1));
            case 0x8847:
            case 0x8848: return in_segment(dissect_mpls(payload, nested + 1));
            case 0x880b: return in_segment(look_into_ppp(payload, nested + 1));
            default: return ether_type < 1536 ? in_segment(dissect_llc(payload, nested + 1)) : Network{};
        }
    }
    return {};
}

/// Ethernet: destination 6, source 6, EtherType or length 2.
Network look_into_ethernet(Bytes frame, int nested)
{
    return frame.size() > 14 ? look_behind_ether_type(u16_at(frame, 12), frame.subspan(14), nested) : Network{};
}

}    // namespace

Network dissect_ether_type(std::uint16_t ether_type, Bytes payload)
{
    return look_behind_ether_type(ether_type, payload, 0);
}

Network dissect_ethernet(Bytes frame) { return look_into_ethernet(frame, 0); }

Network dissect(std::uint32_t link_type, Bytes frame)
{
    switch (link_type) {
        case ethernet: return dissect_ethernet(frame);
        case null:
        case loop: return dissect_null(frame);
        case ppp:
        case ppp_hdlc: return dissect_ppp(frame);
        case pppoe: return dissect_pppoe(frame);
        case fddi: return dissect_fddi(frame);
        case raw:
        case raw_dlt12:
        case raw_dlt14:
        case ipv4:
        case ipv6: return dissect_raw(frame);
        case cisco_hdlc: return frame.size() > 4 ? dissect_ether_type(u16_at(frame, 2), frame.subspan(4)) : Network{};
        case ieee80211: return dissect_wlan(frame);
        case ieee80211_radiotap: return dissect_radiotap(frame);
        case linux_sll: return dissect_sll(frame);
        case linux_sll2: return dissect_sll2(frame);
        case arcnet_linux: return dissect_arcnet(frame);
        case nflog: return dissect_nflog(frame);
        case pktap:
        case apple_pktap_user2: return dissect_pktap(frame);
        default: return {};
    }
}

bool is_known(std::uint32_t link_type)
{
    switch (link_type) {
        case null:
        case ethernet:
        case ppp:
        case fddi:
        case raw_dlt12:
        case raw_dlt14:
        case ppp_hdlc:
        case pppoe:
        case raw:
        case cisco_hdlc:
        case ieee80211:
        case loop:
        case linux_sll:
        case ieee80211_radiotap:
        case arcnet_linux:
        case apple_pktap_user2:
        case ipv4:
        case ipv6:
        case nflog:
        case pktap:
        case linux_sll2: return true;
        default: return false;
    }
}

std::string_view name_of(std::uint32_t link_type)
{
    static constexpr std::string_view users[] = {"USER0",  "USER1",  "USER2",  "USER3", "USER4",  "USER5",
                                                 "USER6",  "USER7",  "USER8",  "USER9", "USER10", "USER11",
                                                 "USER12", "USER13", "USER14", "USER15"};
    if (link_type >= 147 && link_type <= 162) return users[link_type - 147];
    switch (link_type) {
        case 3: return "AX25";
        case 6: return "IEEE802_5";
        case 7: return "ARCNET_BSD";
        case 100: return "ATM_RFC1483";
        case 107: return "FRELAY";
        case 117: return "PFLOG";
        case 119: return "IEEE802_11_PRISM";
        case 143: return "DOCSIS";
        case 163: return "IEEE802_11_AVS";
        case 187: return "BLUETOOTH_HCI_H4";
        case 189: return "USB_LINUX";
        case 192: return "PPI";
        case 195: return "IEEE802_15_4_WITHFCS";
        case 201: return "BLUETOOTH_HCI_H4_WITH_PHDR";
        case 220: return "USB_LINUX_MMAPPED";
        case 227: return "CAN_SOCKETCAN";
        case 249: return "USBPCAP";
        case 253: return "NETLINK";
        default: return "unassigned or unknown here";
    }
}

}    // namespace dl::agent::dissect::link
