#include "agent/dissect/packet.hpp"

#include "agent/dissect/link.hpp"
#include "tests/unit/agent/packet_bytes.hpp"

#include <gtest/gtest.h>

namespace dl::agent::dissect {
namespace {

using namespace dl::agent::testing;

const Data message = text("payload");
const Data datagram = udp(client, server(9000), message);
const Data plain = ipv4(17, datagram, client, server(9000));
const Data ipv6_header = octets({0x60, 0, 0, 0}) + u16(datagram.size() + 8) + octets({60, 64}) + zeros(15) +
                         octets({1}) + zeros(15) + octets({2});

Data in_udp(std::uint16_t port, const Data& payload)
{
    const Host to{octets({198, 51, 100, 1}), port};
    return ipv4(17, udp({octets({198, 51, 100, 2}), 9}, to, payload), {octets({198, 51, 100, 2}), 9}, to);
}
Data in_ip(int protocol, const Data& payload)
{
    return ipv4(protocol, payload, {octets({198, 51, 100, 2}), 0}, {octets({198, 51, 100, 1}), 0});
}

struct Case {
    const char* name;
    std::uint32_t link_type;
    Data frame;
};
void PrintTo(const Case& shown, std::ostream* out) { *out << shown.name; }

const std::vector<Case> cases{
    {"ethernet", 1, ethernet(plain)},
    {"vlan", 1, ethernet(u16(5) + u16(0x0800) + plain, 0x8100)},
    {"qinq", 1, ethernet(u16(5) + u16(0x8100) + u16(6) + u16(0x0800) + plain, 0x88a8)},
    {"pppoe", 1, ethernet(octets({0x11, 0, 0, 1, 0, 60, 0, 0x21}) + plain, 0x8864)},
    {"mpls", 1, ethernet(octets({0, 1, 0, 64, 0, 2, 1, 64}) + plain, 0x8847)},
    {"llc", 1, ethernet(octets({0xaa, 0xaa, 3, 0, 0, 0, 8, 0}) + plain, 60)},
    {"null", 0, octets({2, 0, 0, 0}) + plain},
    {"loop", 108, octets({0, 0, 0, 2}) + plain},
    {"ppp", 9, octets({0xff, 3, 0, 0x21}) + plain},
    {"raw", 101, plain},
    {"ipv4", 228, plain},
    {"ipv6", 229, ipv6_header + octets({17, 0, 1, 4, 0, 0, 0, 0}) + datagram},
    {"sll", 113, zeros(14) + u16(0x0800) + plain},
    {"sll2", 276, u16(0x0800) + zeros(18) + plain},
    {"nflog", 239, octets({2, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 0, static_cast<int>(plain.size() + 4), 0, 9, 0}) + plain},
    {"fddi", 10, zeros(13) + octets({0xaa, 0xaa, 3, 0, 0, 0, 8, 0}) + plain},
    {"arcnet", 129, octets({1, 2, 0, 0, 0xd4, 0, 0, 0}) + plain},
    {"wlan", 105, octets({0x88, 1}) + zeros(24) + octets({0xaa, 0xaa, 3, 0, 0, 0, 8, 0}) + plain},
    {"radiotap", 127,
     octets({0, 0, 8, 0, 0, 0, 0, 0, 8, 1}) + zeros(22) + octets({0xaa, 0xaa, 3, 0, 0, 0, 8, 0}) + plain},
    {"pktap", 258, octets({12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}) + ethernet(plain)},
    {"ip in ip", 101, in_ip(4, plain)},
    {"gre", 101, in_ip(47, u16(0) + u16(0x0800) + plain)},
    {"gre with key and sequence", 101, in_ip(47, u16(0x3000) + u16(0x0800) + zeros(8) + plain)},
    {"gre ethernet", 101, in_ip(47, u16(0) + u16(0x6558) + ethernet(plain))},
    {"erspan II", 101, in_ip(47, u16(0x1000) + u16(0x88be) + zeros(12) + ethernet(plain))},
    {"erspan III", 101, in_ip(47, u16(0x1000) + u16(0x22eb) + zeros(16) + ethernet(plain))},
    {"vxlan", 101, in_udp(4789, octets({8, 0, 0, 0, 0, 0, 1, 0}) + ethernet(plain))},
    {"geneve", 101, in_udp(6081, octets({1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 0, 0, 0}) + ethernet(plain))},
    {"gtp-u", 101, in_udp(2152, octets({0x30, 0xff, 0, 0, 0, 0, 0, 1}) + plain)},
    {"gtp-u with extension", 101,
     in_udp(2152, octets({0x34, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0}) + plain)},
    {"teredo", 101,
     in_udp(3544, octets({0, 0, 1, 2, 3, 4, 5, 6}) + ipv6_header + octets({17, 0, 1, 4, 0, 0, 0, 0}) + datagram)},
    {"ethernet in mpls", 1, ethernet(octets({0, 1, 1, 64, 0, 0, 0, 0}) + ethernet(plain), 0x8847)},
    {"6in4", 101, in_ip(41, ipv6_header + octets({17, 0, 1, 4, 0, 0, 0, 0}) + datagram)},
    {"l2tp", 101, in_udp(1701, octets({0x40, 2, 0, 0, 0, 1, 0, 2, 0xff, 3, 0, 0x21}) + plain)},
    {"l2tp with sequence", 101, in_udp(1701, octets({0x48, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0x21}) + plain)},
    {"capwap, ethernet", 101, in_udp(5247, octets({0, 0x10, 2, 0, 0, 0, 0, 0}) + ethernet(plain))},
    {"capwap, wireless", 101,
     in_udp(5247, octets({0, 0x20, 0x43, 0x10, 0, 0, 0, 0}) + zeros(8) + octets({0x88, 1}) + zeros(24) +
                      octets({0xaa, 0xaa, 3, 0, 0, 0, 8, 0}) + plain)},
    {"capwap, frame control swapped", 101,
     in_udp(5247, octets({0, 0x10, 0x43, 0, 0, 0, 0, 0}) + octets({1, 8}) + zeros(22) +
                      octets({0xaa, 0xaa, 3, 0, 0, 0, 8, 0}) + plain)},
    {"802.1ah", 1, ethernet(u16(5) + u16(0x88e7) + octets({0, 0, 1, 2}) + ethernet(plain), 0x88a8)},
    {"vxlan-gpe, IPv4", 101, in_udp(4790, octets({12, 0, 0, 1, 0, 0, 1, 0}) + plain)},
    {"vxlan-gpe, ethernet", 101, in_udp(4790, octets({12, 0, 0, 3, 0, 0, 1, 0}) + ethernet(plain))},
    {"radiotap, body on a multiple of 4", 127,
     octets({0, 0, 17, 0, 3, 0, 0, 0}) + zeros(8) + octets({0x20}) + octets({0x88, 1}) + zeros(26) +
         octets({0xaa, 0xaa, 3, 0, 0, 0, 8, 0}) + plain},
    {"two tunnels", 101, in_udp(4789, octets({8, 0, 0, 0, 0, 0, 1, 0}) + ethernet(in_ip(4, plain)))},
};

class EveryEncapsulation : public ::testing::TestWithParam<Case> {};

TEST_P(EveryEncapsulation, YieldsTheInnermostDatagram)
{
    PacketDissector dissector;
    const auto segment = dissector.dissect(GetParam().link_type, GetParam().frame, {});
    ASSERT_TRUE(segment);
    EXPECT_TRUE(link::is_known(GetParam().link_type));
    EXPECT_EQ(segment->transport, Transport::udp);
    EXPECT_EQ(segment->destination.port, 9000);
    EXPECT_EQ(Data(segment->payload.begin(), segment->payload.end()), message);
    EXPECT_EQ(segment->length, message.size());
}

TEST_P(EveryEncapsulation, CutAtEachOctetNeverClaimsWhatIsNotThere)
{
    for (std::size_t length = 0; length < GetParam().frame.size(); ++length) {
        // A copy of its own, so that a read beyond the end is noticed by the address sanitizer.
        const Data cut(GetParam().frame.begin(), GetParam().frame.begin() + static_cast<std::ptrdiff_t>(length));
        PacketDissector dissector;
        const auto segment = dissector.dissect(GetParam().link_type, cut, {});
        if (!segment || segment->destination.port != 9000) continue;
        EXPECT_LT(segment->payload.size(), message.size()) << length;
        EXPECT_LE(segment->payload.size(), segment->length) << length;
    }
}

TEST(Packet, EverySubframeOfAnAggregateIsFound)
{
    const auto subframe = [](std::uint16_t port) {
        const Data llc =
            octets({0xaa, 0xaa, 3, 0, 0, 0, 8, 0}) + ipv4(17, udp(client, server(port), message), client, server(port));
        return zeros(12) + u16(llc.size()) + llc;
    };
    const auto padded = [](Data data) {
        data.resize((data.size() + 3) / 4 * 4);
        return data;
    };
    const Data arp = zeros(12) + u16(8) + octets({0xaa, 0xaa, 3, 0, 0, 0, 8, 6});
    const Data frame =
        octets({0x88, 1}) + zeros(22) + octets({0x80, 0}) + padded(subframe(9001)) + padded(arp) + subframe(9002);
    for (std::size_t length = 0; length <= frame.size(); ++length) {
        const Data cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
        PacketDissector dissector;
        std::vector<std::uint16_t> ports;
        for (auto segment = dissector.dissect(105, cut, {});; segment = dissector.next({})) {
            if (segment && segment->payload.size() == message.size()) ports.push_back(segment->destination.port);
            if (!dissector.has_more()) break;
        }
        if (length == frame.size())
            EXPECT_EQ(ports, (std::vector<std::uint16_t>{9001, 9002}));
        else
            EXPECT_LE(ports.size(), 1U);
    }
}

TEST(Packet, HeadersWithinHeadersEndSoon)
{
    const auto many = [](const Data& header) {
        Data frame = zeros(12);
        for (int i = 0; i < 20'000; ++i)
            frame.insert(frame.end(), header.begin(), header.end());
        return frame;
    };
    const Data llc = octets({0, 100, 0xaa, 0xaa, 3, 0, 0, 0});
    const Data service = octets({0x88, 0xe7, 0, 0, 0, 1}) + zeros(12);
    const Data label = octets({0x88, 0x47, 0, 0, 1, 64, 0, 0, 0, 0}) + zeros(12);
    for (const Data& header : {llc, service, label}) {
        PacketDissector dissector;
        EXPECT_FALSE(dissector.dissect(1, many(header), {}));
    }
}

TEST(Packet, TellsVirtualNetworksApart)
{
    const auto network_of = [](std::uint32_t link_type, const Data& frame) {
        PacketDissector dissector;
        const auto segment = dissector.dissect(link_type, frame, {});
        EXPECT_TRUE(segment);
        return segment ? segment->network : 0;
    };
    const auto tagged = [](std::size_t id) { return ethernet(u16(id) + u16(0x0800) + plain, 0x8100); };
    const auto vxlan = [](int id) { return in_udp(4789, octets({8, 0, 0, 0, 0, 0, id, 0}) + ethernet(plain)); };
    EXPECT_EQ(network_of(1, ethernet(plain)), 0U);
    EXPECT_EQ(network_of(1, tagged(0xe000)), 0U);    // a priority alone (IEEE 802.1Q section 9.6)
    EXPECT_EQ(network_of(1, tagged(7)), network_of(1, tagged(0xe007)));
    EXPECT_NE(network_of(1, tagged(7)), network_of(1, tagged(8)));
    EXPECT_NE(network_of(101, vxlan(7)), network_of(101, vxlan(8)));
    EXPECT_NE(network_of(101, vxlan(7)), network_of(1, tagged(7)));
}

INSTANTIATE_TEST_SUITE_P(Packet, EveryEncapsulation, ::testing::ValuesIn(cases));

TEST(Fragments, ArePutTogetherInAnyOrder)
{
    const Data first(datagram.begin(), datagram.begin() + 8);
    const Data second(datagram.begin() + 8, datagram.end());
    const Data head = ipv4(17, first, client, server(9000), 0x2000);
    const Data tail = ipv4(17, second, client, server(9000), 1);
    for (const bool reversed : {false, true}) {
        PacketDissector dissector;
        EXPECT_FALSE(dissector.dissect(101, reversed ? tail : head, {}));
        const auto segment = dissector.dissect(101, reversed ? head : tail, {});
        ASSERT_TRUE(segment);
        EXPECT_EQ(segment->length, message.size());
    }
}

TEST(Fragments, CutByTheCaptureCountAsLongAsTheyWere)
{
    Data long_datagram = udp(client, server(9000), zeros(3992));
    const Data head = ipv4(17, Data(long_datagram.begin(), long_datagram.begin() + 2000), client, server(9000), 0x2000);
    const Data tail = ipv4(17, Data(long_datagram.begin() + 2000, long_datagram.end()), client, server(9000), 250);
    for (const bool reversed : {false, true}) {
        PacketDissector dissector;
        const dissect::Bytes cut = dissect::Bytes(head).first(256);
        EXPECT_FALSE(dissector.dissect(101, reversed ? dissect::Bytes(tail) : cut, {}));
        const auto segment = dissector.dissect(101, reversed ? cut : dissect::Bytes(tail), {});
        ASSERT_TRUE(segment);
        EXPECT_EQ(segment->length, 3992U);
        EXPECT_EQ(segment->payload.size(), 256U - 20 - 8);
        EXPECT_EQ(dissector.fragments_given_up(), 0U);
    }
}

TEST(Fragments, ThatOverlapAreGivenUp)
{
    const Data first(datagram.begin(), datagram.begin() + 8);
    const Data most(datagram.begin(), datagram.end());
    PacketDissector dissector;
    EXPECT_FALSE(dissector.dissect(101, ipv4(17, first, client, server(9000), 0x2000), {}));
    EXPECT_FALSE(dissector.dissect(101, ipv4(17, most, client, server(9000), 0x2000), {}));
    EXPECT_EQ(dissector.fragments_given_up(), 1U);
}

TEST(Fragments, OfTooManyPacketsMakeRoomForNewOnes)
{
    PacketDissector dissector;
    for (int id = 0; id < 100; ++id) {
        Data fragment = ipv4(17, zeros(8), client, server(9000), 0x2000);
        fragment[5] = static_cast<std::uint8_t>(id);
        EXPECT_FALSE(dissector.dissect(101, fragment, {}));
    }
    EXPECT_EQ(dissector.fragments_given_up(), 100 - Fragments::places);
}

TEST(Link, NamesWhatItDoesNotKnow)
{
    EXPECT_FALSE(link::is_known(147));
    EXPECT_EQ(link::name_of(147), "USER0");
    EXPECT_EQ(link::name_of(162), "USER15");
}

}    // namespace
}    // namespace dl::agent::dissect
