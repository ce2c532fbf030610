#include "agent/capture/kernel_filter.hpp"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace dl::agent::capture {
namespace {

constexpr auto load_word = static_cast<std::uint16_t>(BPF_LD | BPF_W | BPF_ABS);
constexpr auto load_half = static_cast<std::uint16_t>(BPF_LD | BPF_H | BPF_ABS);
constexpr auto load_byte = static_cast<std::uint16_t>(BPF_LD | BPF_B | BPF_ABS);
constexpr auto load_half_behind = static_cast<std::uint16_t>(BPF_LD | BPF_H | BPF_IND);    // behind the IP header (X)
constexpr auto load_byte_behind = static_cast<std::uint16_t>(BPF_LD | BPF_B | BPF_IND);
constexpr auto load_word_behind = static_cast<std::uint16_t>(BPF_LD | BPF_W | BPF_IND);
constexpr auto about = [](int what) { return static_cast<std::uint32_t>(SKF_AD_OFF + what); };

constexpr std::uint32_t port_dns = 53;
constexpr std::uint32_t port_https = 443;
constexpr std::uint32_t tcp_fin_syn_rst = 0x07;
constexpr std::uint32_t tcp_syn_ack = 0x12;
constexpr std::uint32_t tcp_syn = 0x02;
/// Of flags and offset of an IPv4 header: no first octets of a datagram stand there; not the whole of it stands there.
constexpr std::uint32_t later_fragment = 0x1fff;
constexpr std::uint32_t any_fragment = 0x3fff;
constexpr std::uint32_t first_two_bits = 0xc0;
constexpr std::uint32_t quic_long_header = 0xc0;
constexpr std::uint32_t quic_short_header = 0x40;
constexpr std::uint32_t tls_handshake = 0x1603;
/// The first four octets of requests, and of HTTP/2's preface.
constexpr std::array<std::string_view, 13> requests{"GET ", "POST", "PUT ", "HEAD", "OPTI", "CONN", "DELE",
                                                    "PATC", "PRI ", "PROP", "REPO", "MKCO", "TRAC"};

constexpr std::uint32_t word_of(std::string_view octets)
{
    std::uint32_t word = 0;
    for (const char octet : octets)
        word = word << 8U | static_cast<std::uint8_t>(octet);
    return word;
}

/// A program with named places. Jumps go forward only, as the kernel demands.
class Program {
public:
    /// "" stands for the next instruction.
    using Place = std::string_view;

    void load(std::uint16_t code, std::uint32_t from) { add(code, from, {}, {}); }
    void keep_bits(std::uint32_t bits) { add(BPF_ALU | BPF_AND | BPF_K, bits, {}, {}); }
    void index_behind_ipv4() { add(BPF_LDX | BPF_B | BPF_MSH, 0, {}, {}); }
    void index(std::uint32_t value) { add(BPF_LDX | BPF_W | BPF_IMM, value, {}, {}); }
    /// X moves from the TCP header to what is behind it; A becomes the octets there.
    void index_behind_tcp()
    {
        load(load_byte_behind, 12);
        keep_bits(0xf0);
        add(BPF_ALU | BPF_RSH | BPF_K, 2, {}, {});
        add(BPF_ALU | BPF_ADD | BPF_X, 0, {}, {});
        add(BPF_MISC | BPF_TAX, 0, {}, {});
        add(BPF_LD | BPF_W | BPF_LEN, 0, {}, {});
        add(BPF_ALU | BPF_SUB | BPF_X, 0, {}, {});
    }
    void if_at_least(std::uint32_t value, Place yes, Place no) { add(BPF_JMP | BPF_JGE | BPF_K, value, yes, no); }
    void if_equal(std::uint32_t value, Place yes, Place no) { add(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no); }
    void if_any(std::uint32_t bits, Place yes, Place no) { add(BPF_JMP | BPF_JSET | BPF_K, bits, yes, no); }
    void answer(std::uint32_t octets) { add(BPF_RET | BPF_K, octets, {}, {}); }
    void place(Place name) { places_.push_back({name, steps_.size()}); }

    [[nodiscard]] std::vector<sock_filter> finish() const
    {
        std::vector<sock_filter> program;
        for (std::size_t at = 0; at < steps_.size(); ++at)
            program.push_back(
                {steps_[at].code, distance(at, steps_[at].yes), distance(at, steps_[at].no), steps_[at].value});
        return program;
    }

private:
    struct Step {
        std::uint16_t code;
        std::uint32_t value;
        Place yes;
        Place no;
    };
    struct Named {
        Place name;
        std::size_t at;
    };
    void add(int code, std::uint32_t value, Place yes, Place no)
    {
        steps_.push_back({static_cast<std::uint16_t>(code), value, yes, no});
    }
    [[nodiscard]] std::uint8_t distance(std::size_t from, Place to) const
    {
        if (to.empty()) return 0;
        for (const Named& named : places_)
            if (named.name == to) return static_cast<std::uint8_t>(named.at - from - 1);
        return 0xff;    // outside of the program: the kernel refuses it
    }
    std::vector<Step> steps_;
    std::vector<Named> places_;
};

/// X becomes the length of the IP header; A the protocol behind it. `fragments` and everything but IPv4 and IPv6 part.
void find_transport(Program& program, std::uint32_t fragments)
{
    program.load(load_word, about(SKF_AD_PROTOCOL));
    program.if_equal(ETH_P_IP, "ipv4", "");
    program.if_equal(ETH_P_IPV6, "ipv6", "drop");
    program.place("ipv6");
    program.index(40);
    program.load(load_byte, 6);
    program.if_equal(IPPROTO_TCP, "tcp", "");
    program.if_equal(IPPROTO_UDP, "udp", "other");
    program.place("ipv4");
    program.load(load_half, 6);
    program.if_any(fragments, "other", "");
    program.index_behind_ipv4();
    program.load(load_byte, 9);
    program.if_equal(IPPROTO_TCP, "tcp", "");
    program.if_equal(IPPROTO_UDP, "udp", "other");
}

}    // namespace

std::vector<sock_filter> endpoint_filter(const SnapLengths& lengths)
{
    Program program;
    // A packet on loopback comes by twice, going out and coming in: the first is kept, and both directions with it.
    program.load(load_half, about(SKF_AD_HATYPE));
    program.if_equal(ARPHRD_LOOPBACK, "", "any_link");
    program.load(load_word, about(SKF_AD_PKTTYPE));
    program.if_equal(PACKET_OUTGOING, "any_link", "drop_early");
    program.place("drop_early");
    program.answer(0);
    program.place("any_link");
    find_transport(program, any_fragment);

    program.place("tcp");
    program.load(load_word, about(SKF_AD_PKTTYPE));
    program.if_equal(PACKET_OUTGOING, "tcp_going_out", "");
    program.load(load_byte_behind, 13);
    program.if_any(tcp_fin_syn_rst, "headers", "");
    program.load(load_half_behind, 0);
    program.if_equal(port_dns, "speech", "drop");

    program.place("udp");
    program.load(load_half_behind, 0);
    program.if_equal(port_dns, "speech", "");
    program.load(load_half_behind, 2);
    program.if_equal(port_dns, "speech", "");
    program.if_equal(port_https, "to_https", "");
    program.load(load_byte_behind, 8);
    program.keep_bits(first_two_bits);
    program.if_equal(quic_long_header, "speech", "headers");
    program.place("to_https");    // versions before QUIC version 1 have neither bit
    program.load(load_byte_behind, 8);
    program.keep_bits(first_two_bits);
    program.if_equal(quic_short_header, "headers", "speech");

    program.place("tcp_going_out");
    program.index_behind_tcp();
    program.if_at_least(4, "", "speech");
    program.load(load_half_behind, 0);
    program.if_equal(tls_handshake, "first_flight", "");
    program.load(load_word_behind, 0);
    for (const std::string_view request : requests)
        program.if_equal(word_of(request), "first_flight", "");
    program.answer(lengths.speech);

    program.place("other");
    program.load(load_word, about(SKF_AD_PKTTYPE));
    program.if_equal(PACKET_OUTGOING, "speech", "");
    program.load(load_half, 6);
    program.if_any(any_fragment, "speech", "tunnel");    // of IPv6 the next header stands here: all is kept

    program.place("speech");
    program.answer(lengths.speech);
    program.place("first_flight");
    program.answer(lengths.first_flight);
    program.place("tunnel");
    program.answer(lengths.tunnel);
    program.place("headers");
    program.answer(lengths.headers);
    program.place("drop");
    program.answer(0);
    return program.finish();
}

std::vector<sock_filter> first_packets_filter()
{
    constexpr std::uint32_t headers = 128;
    Program program;
    program.load(load_word, about(SKF_AD_PKTTYPE));
    program.if_equal(PACKET_OUTGOING, "going_out", "");
    program.answer(0);
    program.place("going_out");
    find_transport(program, later_fragment);
    program.place("tcp");
    program.load(load_byte_behind, 13);
    program.keep_bits(tcp_syn_ack);
    program.if_equal(tcp_syn, "headers", "drop");
    program.place("udp");
    program.load(load_half_behind, 2);
    program.if_equal(port_dns, "headers", "");
    program.load(load_byte_behind, 8);
    program.keep_bits(first_two_bits);
    program.if_equal(quic_long_header, "headers", "other");
    program.place("other");
    program.place("drop");
    program.answer(0);
    program.place("headers");
    program.answer(headers);
    return program.finish();
}

}    // namespace dl::agent::capture
