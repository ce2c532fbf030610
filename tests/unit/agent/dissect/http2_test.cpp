#include "agent/dissect/http2.hpp"

#include "agent/dissect/hpack.hpp"
#include "tests/unit/agent/flow/flow_tables.hpp"

namespace dl::agent::dissect {
namespace {

using namespace dl::agent::testing;

const Data preface = text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

Data frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, const Data& payload)
{
    return octets({static_cast<std::uint8_t>(payload.size() >> 16U)}) + u16(payload.size() & 0xffffU) +
           octets({type, flags}) + u32(stream) + payload;
}
const Data settings = frame(4, 0, 0, {});
/// RFC 7541 appendix C.3.1 and C.4.1: the same request, its host in the clear and Huffman-coded.
const Data plain_block = octets({0x82, 0x86, 0x84, 0x41, 0x0f}) + text("www.example.com");
const Data huffman_block =
    octets({0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff});

std::string host_in(const Data& bytes, bool at_end = false) { return http2::look_at(bytes, at_end).host; }

TEST(Hpack, HuffmanCodesOfTheSpecification)
{
    const auto decoded = [](const Data& bytes) {
        std::string out;
        return hpack::decode_huffman(bytes, 300, out) ? out : "(wrong)";
    };
    // RFC 7541 appendix C.4 and C.6
    EXPECT_EQ(decoded(octets({0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf})), "no-cache");
    EXPECT_EQ(decoded(octets({0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf})), "custom-value");
    EXPECT_EQ(decoded(octets({0xd0, 0x7a, 0xbe, 0x94, 0x10, 0x54, 0xd4, 0x44, 0xa8, 0x20, 0x05,
                              0x95, 0x04, 0x0b, 0x81, 0x66, 0xe0, 0x82, 0xa6, 0x2d, 0x1b, 0xff})),
              "Mon, 21 Oct 2013 20:13:21 GMT");
    EXPECT_EQ(decoded({}), "");
    EXPECT_EQ(decoded(octets({0xff})), "(wrong)") << "eight bits of padding";
    EXPECT_EQ(decoded(octets({0x00})), "(wrong)") << "padding of zeros";
    EXPECT_EQ(decoded(octets({0xff, 0xff, 0xff, 0xff})), "(wrong)") << "the end-of-string symbol";
}

TEST(Http2, TheFirstRequestTellsItsHost)
{
    EXPECT_EQ(host_in(preface + settings + frame(1, 5, 1, plain_block)), "www.example.com");
    EXPECT_EQ(host_in(preface + settings + frame(1, 5, 1, huffman_block)), "www.example.com");
    const Data before = frame(8, 0, 0, u32(65536)) + frame(2, 0, 3, zeros(5)) + frame(0x42, 0, 0, text("grease"));
    EXPECT_EQ(host_in(preface + settings + before + frame(1, 5, 1, plain_block)), "www.example.com");
    EXPECT_EQ(host_in(preface + frame(1, 0x2d, 1, octets({3}) + zeros(5) + plain_block + zeros(3))), "www.example.com")
        << "padded and prioritised";
    const Data first(plain_block.begin(), plain_block.begin() + 9), rest(plain_block.begin() + 9, plain_block.end());
    EXPECT_EQ(host_in(preface + frame(1, 1, 1, first) + frame(9, 4, 1, rest)), "www.example.com") << "continued";
    EXPECT_EQ(host_in(preface + frame(1, 5, 1, octets({0x41, 8}) + text("a.b:8080"))), "a.b");
    EXPECT_EQ(host_in(preface + frame(1, 5, 1, octets({0x0f, 23, 3}) + text("a.b"))), "a.b")
        << "host, where no authority";
    EXPECT_EQ(host_in(preface + frame(1, 5, 1, octets({0x10, 10}) + text(":authority") + octets({3}) + text("c.d"))),
              "c.d")
        << "named in letters";
    EXPECT_EQ(host_in(preface + frame(1, 5, 1, octets({0x3f, 0xe1, 0x1f, 0x82}) + octets({0x41, 3}) + text("e.f"))),
              "e.f")
        << "after a size update";
    const auto tunnel = http2::look_at(
        preface + frame(1, 5, 1, octets({0x42, 7}) + text("CONNECT") + octets({0x41, 7}) + text("g.h:443")), false);
    EXPECT_TRUE(tunnel.connect);
    EXPECT_EQ(tunnel.host, "g.h");
}

TEST(Http2, WhatIsCutAsksForMoreAndTellsWhatIsWhole)
{
    const Data all = preface + settings + frame(1, 5, 1, plain_block);
    for (std::size_t size = 1; size < all.size(); ++size) {
        const Data cut(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
        const auto finding = http2::look_at(cut, false);
        ASSERT_EQ(finding.look, http2::Look::more) << size;
        ASSERT_GT(finding.needed, size);
        ASSERT_LE(finding.needed, all.size());
        ASSERT_EQ(host_in(cut, true), "") << size;
    }
    const Data later = octets({0x40, 1}) + text("x") + octets({120}) + text("cut");
    Data cut = preface + frame(1, 5, 1, plain_block + later + zeros(117));
    cut.resize(cut.size() - 117);
    EXPECT_EQ(host_in(cut, true), "www.example.com");
}

TEST(Http2, NonsenseIsNone)
{
    for (const Data& bytes : {text("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"), text("GET / HTTP/1.1\r\n\r\n"),
                              preface + frame(0, 0, 1, text("data")), preface + frame(9, 4, 1, plain_block),
                              preface + octets({0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0})})
        EXPECT_EQ(http2::look_at(bytes, false).look, http2::Look::no);
    EXPECT_EQ(host_in(preface + frame(1, 5, 1, octets({0x41, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff}))), "");
    Data endless = preface;
    for (int i = 0; i < 100; ++i)
        endless = endless + settings;
    EXPECT_EQ(http2::look_at(endless, false).look, http2::Look::no) << "bounded";
}

}    // namespace
}    // namespace dl::agent::dissect

namespace dl::agent::flow {
namespace {

TEST_F(FlowTables, Http2WithoutTlsIsNamedHoweverItBegins)
{
    using dissect::frame;
    const Data opening = dissect::preface + dissect::settings;
    const Data request = frame(1, 5, 1, dissect::huffman_block);
    shake_hands(8080);
    say(opening);
    answer(dissect::settings);
    say(request);
    answer(text("answer"));
    const auto with_prior_knowledge = ended();
    ASSERT_EQ(with_prior_knowledge.size(), 1U);
    EXPECT_EQ(with_prior_knowledge[0], (Seen{"www.example.com", "", Evidence::http_host, 1,
                                             opening.size() + request.size(), dissect::settings.size() + 6, at}));

    shake_hands(80, 41000);
    const Data upgrade = text("GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                              "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
    say(upgrade);
    answer(text("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n") + dissect::settings);
    say(opening + request);
    const auto upgraded = ended();
    ASSERT_EQ(upgraded.size(), 1U) << "one name, one connection";
    EXPECT_EQ(upgraded[0].name, "www.example.com");
    EXPECT_EQ(upgraded[0].up, upgrade.size() + opening.size() + request.size());
}

}    // namespace
}    // namespace dl::agent::flow
