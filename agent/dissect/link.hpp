// Link layers: from a frame of a known link type to the network packet within.
// Link types are the LINKTYPE_ numbers of capture files (draft-ietf-opsawg-pcaplinktype).
#pragma once

#include "agent/dissect/bytes.hpp"

#include <cstdint>
#include <string_view>

namespace dl::agent::dissect::link {

enum Type : std::uint16_t {
    null = 0,
    ethernet = 1,
    ppp = 9,
    fddi = 10,
    raw_dlt12 = 12,    ///< DLT_RAW of most systems; some writers put it in files
    raw_dlt14 = 14,    ///< DLT_RAW of OpenBSD
    ppp_hdlc = 50,
    pppoe = 51,
    raw = 101,
    cisco_hdlc = 104,
    ieee80211 = 105,
    loop = 108,
    linux_sll = 113,
    ieee80211_radiotap = 127,
    arcnet_linux = 129,
    apple_pktap_user2 = 149,    ///< what Apple's tcpdump wrote before 258 was assigned
    ipv4 = 228,
    ipv6 = 229,
    nflog = 239,
    pktap = 258,
    linux_sll2 = 276,
};

[[nodiscard]] bool is_known(std::uint32_t link_type);
/// The registered name (USER0 …) or "unassigned or unknown here".
[[nodiscard]] std::string_view name_of(std::uint32_t link_type);

/// EtherTypes (IEEE 802 numbers, IANA registry).
enum EtherType : std::uint16_t {
    no_network = 0,
    ether_ipv4 = 0x0800,
    ether_ipv6 = 0x86dd,
    ether_transparent = 0x6558,    ///< an Ethernet frame within
};

struct Network {
    std::uint16_t ether_type = no_network;    ///< ether_ipv4, ether_ipv6, or no_network where there is neither
    Bytes packet;
    std::uint32_t segment = 0;    ///< of the virtual networks (VLAN, I-SID, VNI) that it is in; 0: none
    Bytes more;                   ///< further subframes of an A-MSDU
};

/// What tells a virtual network within another from all others, as well as 32 bits do.
[[nodiscard]] constexpr std::uint32_t within(std::uint32_t outer, std::uint32_t inner)
{
    return outer == 0 ? inner : inner == 0 ? outer : outer * 0x9e3779b1U + inner;
}

/// The network packet in a frame: VLAN tags (802.1Q, 802.1ad), service tags (802.1ah), PPPoE, MPLS and LLC/SNAP are
/// gone through.
[[nodiscard]] Network dissect(std::uint32_t link_type, Bytes frame);
[[nodiscard]] Network dissect_ethernet(Bytes frame);
/// What follows an EtherType.
[[nodiscard]] Network dissect_ether_type(std::uint16_t ether_type, Bytes payload);
[[nodiscard]] Network dissect_wlan(Bytes frame);
/// The next subframe of an A-MSDU: Network::more.
[[nodiscard]] Network dissect_subframe(Bytes subframes);
/// The same with the two octets of frame control the other way around.
[[nodiscard]] Network dissect_wlan_swapped(Bytes frame);
[[nodiscard]] Network dissect_ppp(Bytes frame);
/// IPv4 or IPv6 by the version in the first four bits.
[[nodiscard]] Network dissect_raw(Bytes packet);

}    // namespace dl::agent::dissect::link
