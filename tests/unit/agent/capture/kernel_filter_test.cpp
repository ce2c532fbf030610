// Runs the programs that the kernel gets on a small machine of our own: classic BPF
// (Documentation/networking/filter.rst).
#include "agent/capture/kernel_filter.hpp"

#include <gtest/gtest.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <span>
#include <string>

namespace dl::agent::capture {
namespace {

struct Frame {
    std::vector<std::uint8_t> bytes;    ///< from the network header on
    std::uint32_t protocol = ETH_P_IP;
    std::uint32_t direction = PACKET_OUTGOING;
    std::uint32_t hardware = ARPHRD_ETHER;
};

std::uint32_t run(const std::vector<sock_filter>& program, const Frame& frame)
{
    std::uint32_t a = 0;
    std::uint32_t x = 0;
    for (std::size_t at = 0; at < program.size(); ++at) {
        const sock_filter& step = program[at];
        const auto load = [&](std::uint32_t from, unsigned octets) -> bool {
            const auto about = static_cast<std::int32_t>(from) - SKF_AD_OFF;
            if (static_cast<std::int32_t>(from) < 0) {
                a = about == SKF_AD_PROTOCOL  ? frame.protocol
                    : about == SKF_AD_PKTTYPE ? frame.direction
                    : about == SKF_AD_HATYPE  ? frame.hardware
                                              : 0xdeadbeef;
                return true;
            }
            if (frame.bytes.size() < octets || from > frame.bytes.size() - octets) return false;
            a = 0;
            for (unsigned i = 0; i < octets; ++i)
                a = a << 8U | frame.bytes[from + i];
            return true;
        };
        bool inside = true;
        switch (step.code) {
            case BPF_LD | BPF_W | BPF_ABS: inside = load(step.k, 4); break;
            case BPF_LD | BPF_H | BPF_ABS: inside = load(step.k, 2); break;
            case BPF_LD | BPF_B | BPF_ABS: inside = load(step.k, 1); break;
            case BPF_LD | BPF_H | BPF_IND: inside = load(x + step.k, 2); break;
            case BPF_LD | BPF_B | BPF_IND: inside = load(x + step.k, 1); break;
            case BPF_LD | BPF_W | BPF_IND: inside = load(x + step.k, 4); break;
            case BPF_LD | BPF_W | BPF_LEN: a = static_cast<std::uint32_t>(frame.bytes.size()); break;
            case BPF_MISC | BPF_TAX: x = a; break;
            case BPF_ALU | BPF_RSH | BPF_K: a >>= step.k; break;
            case BPF_ALU | BPF_ADD | BPF_X: a += x; break;
            case BPF_ALU | BPF_SUB | BPF_X: a -= x; break;
            case BPF_JMP | BPF_JGE | BPF_K: at += a >= step.k ? step.jt : step.jf; break;
            case BPF_LDX | BPF_W | BPF_IMM: x = step.k; break;
            case BPF_LDX | BPF_B | BPF_MSH: x = (frame.bytes.at(step.k) & 15U) * 4; break;
            case BPF_ALU | BPF_AND | BPF_K: a &= step.k; break;
            case BPF_JMP | BPF_JEQ | BPF_K: at += a == step.k ? step.jt : step.jf; break;
            case BPF_JMP | BPF_JSET | BPF_K: at += (a & step.k) != 0 ? step.jt : step.jf; break;
            case BPF_RET | BPF_K: return step.k;
            default: ADD_FAILURE() << "unknown instruction " << step.code; return 0;
        }
        if (!inside) return 0;    // as the kernel does
    }
    ADD_FAILURE() << "the program has no end";
    return 0;
}

Frame ip4(std::uint8_t protocol, std::vector<std::uint8_t> behind, unsigned options = 0, std::uint16_t fragment = 0)
{
    Frame frame;
    frame.bytes.assign(20 + options * 4, 0);
    frame.bytes[0] = static_cast<std::uint8_t>(0x45 + options);
    frame.bytes[6] = static_cast<std::uint8_t>(fragment >> 8U);
    frame.bytes[7] = static_cast<std::uint8_t>(fragment);
    frame.bytes[9] = protocol;
    frame.bytes.insert(frame.bytes.end(), behind.begin(), behind.end());
    return frame;
}

Frame ip6(std::uint8_t protocol, const std::vector<std::uint8_t>& behind)
{
    Frame frame;
    frame.bytes.assign(40, 0);
    frame.bytes[0] = 0x60;
    frame.bytes[5] = 0x20;    // a payload length whose bits must not be taken for a fragment's
    frame.bytes[6] = protocol;
    frame.bytes.insert(frame.bytes.end(), behind.begin(), behind.end());
    frame.protocol = ETH_P_IPV6;
    return frame;
}

std::vector<std::uint8_t> tcp(std::uint16_t source, std::uint16_t target, std::uint8_t flags)
{
    std::vector<std::uint8_t> bytes(20, 0);
    bytes[0] = static_cast<std::uint8_t>(source >> 8U);
    bytes[1] = static_cast<std::uint8_t>(source);
    bytes[2] = static_cast<std::uint8_t>(target >> 8U);
    bytes[3] = static_cast<std::uint8_t>(target);
    bytes[12] = 0x50;
    bytes[13] = flags;
    return bytes;
}

std::vector<std::uint8_t> udp(std::uint16_t source, std::uint16_t target, std::uint8_t first)
{
    auto bytes = tcp(source, target, 0);
    bytes[8] = first;
    return bytes;
}

constexpr std::uint8_t ack = 0x10;
constexpr std::uint8_t syn = 0x02;
const SnapLengths lengths;

Frame incoming(Frame frame)
{
    frame.direction = PACKET_HOST;
    return frame;
}

TEST(EndpointFilter, KeepsOutgoingTcpAndOnlyTheEndsOfIncoming)
{
    const auto filter = endpoint_filter();
    for (const unsigned options : {0U, 3U}) {
        const auto kept = [&](Frame frame) { return run(filter, frame); };
        EXPECT_EQ(kept(ip4(6, tcp(40000, 443, ack), options)), lengths.speech);
        EXPECT_EQ(kept(incoming(ip4(6, tcp(443, 40000, ack), options))), 0u);
        EXPECT_EQ(kept(incoming(ip4(6, tcp(443, 40000, ack | syn), options))), lengths.headers);
        EXPECT_EQ(kept(incoming(ip4(6, tcp(443, 40000, ack | 1), options))), lengths.headers);
        EXPECT_EQ(kept(incoming(ip4(6, tcp(443, 40000, 4), options))), lengths.headers);
        EXPECT_EQ(kept(incoming(ip4(6, tcp(53, 40000, ack), options))), lengths.speech);
    }
    EXPECT_EQ(run(filter, ip6(6, tcp(40000, 443, ack))), lengths.speech);
    EXPECT_EQ(run(filter, incoming(ip6(6, tcp(443, 40000, ack)))), 0u);
    EXPECT_EQ(run(filter, incoming(ip6(6, tcp(443, 40000, syn | ack)))), lengths.headers);
}

TEST(EndpointFilter, KeepsTheWholeFirstFlightOfAWrite)
{
    const auto filter = endpoint_filter();
    const auto kept = [&](std::vector<std::uint8_t> payload, unsigned options) {
        auto segment = tcp(40000, 8443, ack);
        segment[12] = static_cast<std::uint8_t>(0x50 + (options << 4U));
        segment.resize(20 + std::size_t{options} * 4);
        segment.insert(segment.end(), payload.begin(), payload.end());
        EXPECT_EQ(run(filter, ip6(6, segment)), run(filter, ip4(6, segment, options)));
        return run(filter, ip4(6, segment, options));
    };
    for (const unsigned options : {0U, 3U, 10U}) {
        EXPECT_EQ(kept({0x16, 3, 1, 0x40, 0}, options), lengths.first_flight);
        EXPECT_EQ(kept({'G', 'E', 'T', ' ', '/'}, options), lengths.first_flight);
        EXPECT_EQ(kept({'P', 'R', 'I', ' ', '*'}, options), lengths.first_flight);
        EXPECT_EQ(kept({0x17, 3, 3, 0x40, 0}, options), lengths.speech);    // an upload
        EXPECT_EQ(kept({'G', 'E', 'T'}, options), lengths.speech);
        EXPECT_EQ(kept({}, options), lengths.speech);
    }
    EXPECT_GE(lengths.first_flight, 60U + 60 + 34 * 1024);
}

TEST(EndpointFilter, KeepsOfUdpHeadersDnsAndQuicLongHeaders)
{
    const auto filter = endpoint_filter();
    for (const bool six : {false, true}) {
        const auto frame = [&](std::vector<std::uint8_t> bytes) { return six ? ip6(17, bytes) : ip4(17, bytes); };
        EXPECT_EQ(run(filter, incoming(frame(udp(53, 40000, 0)))), lengths.speech);
        EXPECT_EQ(run(filter, frame(udp(40000, 53, 0))), lengths.speech);
        EXPECT_EQ(run(filter, frame(udp(40000, 443, 0xc3))), lengths.speech);
        EXPECT_EQ(run(filter, frame(udp(40000, 8443, 0xc3))), lengths.speech);
        EXPECT_EQ(run(filter, frame(udp(40000, 443, 0x0d))), lengths.speech);    // gQUIC
        EXPECT_EQ(run(filter, frame(udp(40000, 443, 0x41))), lengths.headers);
        EXPECT_EQ(run(filter, incoming(frame(udp(443, 40000, 0x41)))), lengths.headers);
        EXPECT_EQ(run(filter, incoming(frame(udp(443, 40000, 0xf0)))), lengths.speech);      // Retry
        EXPECT_EQ(run(filter, incoming(frame(udp(5004, 40000, 0x80)))), lengths.headers);    // RTP
    }
}

TEST(EndpointFilter, KeepsEnoughToKnowAWireGuardInitiationByItsLength)
{
    EXPECT_GE(run(endpoint_filter(), ip6(17, udp(40000, 51820, 1))), 40U + 8 + 148);
    EXPECT_GE(run(endpoint_filter(), ip4(17, udp(40000, 51820, 1), 10)), 60U + 8 + 148);
}

TEST(EndpointFilter, KeepsFragmentsAndOtherProtocolsButNoOtherNetworks)
{
    const auto filter = endpoint_filter();
    EXPECT_EQ(run(filter, incoming(ip4(17, udp(1, 2, 0), 0, 0x0010))), lengths.speech);
    EXPECT_EQ(run(filter, incoming(ip4(17, udp(1, 2, 0), 0, 0x2000))), lengths.speech);    // the first
    EXPECT_EQ(run(filter, ip4(17, udp(1, 2, 0), 0, 0x2000)), lengths.speech);
    EXPECT_EQ(run(filter, ip4(17, udp(1, 2, 0), 0, 0x4000)), lengths.headers);    // not to be fragmented
    EXPECT_EQ(run(filter, ip4(47, {0, 0, 8, 0})), lengths.speech);
    EXPECT_EQ(run(filter, incoming(ip4(47, {0, 0, 8, 0}))), lengths.tunnel);
    Frame arp = ip4(0, {});
    arp.protocol = ETH_P_ARP;
    EXPECT_EQ(run(filter, arp), 0u);
}

TEST(EndpointFilter, HearsLoopbackOnce)
{
    const auto filter = endpoint_filter();
    Frame frame = ip4(6, tcp(40000, 8080, ack));
    frame.hardware = ARPHRD_LOOPBACK;
    EXPECT_EQ(run(filter, frame), lengths.speech);
    EXPECT_EQ(run(filter, incoming(frame)), 0u);
}

TEST(FirstPacketsFilter, LetsOnlyBeginningsPass)
{
    const auto filter = first_packets_filter();
    EXPECT_GT(run(filter, ip4(6, tcp(40000, 443, syn))), 0u);
    EXPECT_GT(run(filter, ip6(6, tcp(40000, 443, syn))), 0u);
    EXPECT_GT(run(filter, ip4(17, udp(40000, 53, 0))), 0u);
    EXPECT_GT(run(filter, ip6(17, udp(40000, 443, 0xc0))), 0u);
    EXPECT_EQ(run(filter, incoming(ip4(6, tcp(40000, 443, syn)))), 0u);
    EXPECT_EQ(run(filter, ip4(6, tcp(443, 40000, syn | ack))), 0u);
    EXPECT_EQ(run(filter, ip4(6, tcp(40000, 443, ack))), 0u);
    EXPECT_EQ(run(filter, ip4(17, udp(40000, 443, 0x40))), 0u);
    EXPECT_EQ(run(filter, ip4(1, {8, 0, 0, 0})), 0u);
}

}    // namespace
}    // namespace dl::agent::capture
