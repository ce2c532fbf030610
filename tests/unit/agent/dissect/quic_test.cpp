#include "agent/dissect/quic.hpp"

#include "agent/flow/names_in_quic.hpp"
#include "shared/base/id.hpp"
#include "tests/unit/agent/quic_bytes.hpp"

#include <gtest/gtest.h>

namespace dl::agent::dissect::quic {
namespace {

using namespace dl::agent::testing;

TEST(Quic, DerivesTheKeysOfTheStandards)
{
    const Data id = octets({0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08});
    InitialKeys keys;
    ASSERT_TRUE(derive_client_keys(*dialect_of(1), id, keys));    // RFC 9001 appendix A.1
    EXPECT_EQ(to_hex(keys.key), "1f369613dd76d5467730efcbe3b1a22d");
    EXPECT_EQ(to_hex(keys.iv), "fa044b2f42a3fd3b46fb255c");
    EXPECT_EQ(to_hex(keys.header_protection), "9f50449e04a0e810283a1e9933adedd2");
    ASSERT_TRUE(derive_client_keys(*dialect_of(0x6b3343cf), id, keys));    // RFC 9369 appendix A.1
    EXPECT_EQ(to_hex(keys.key), "8b1a0bc121284290a29e0971b5cd045d");
    EXPECT_EQ(to_hex(keys.iv), "91f73e2351d8fa91660e909f");
    EXPECT_EQ(to_hex(keys.header_protection), "45b95e15235d6f45a6b19cbcb0294ba9");
}

std::string name_in(const std::vector<Data>& datagrams)
{
    flow::Budget budget(1U << 20U);
    flow::KeyTrials trials;
    EXPECT_TRUE(budget.take(flow::NamesInQuic::cost()));
    flow::NamesInQuic names(budget, trials);
    Data plain(65536);
    for (const Data& datagram : datagrams)
        if (const auto hello = names.add(datagram, plain)) return std::string(hello->server_name);
    return {};
}

TEST(Quic, OpensInitialsOfEveryVersionAndTriesUnknownOnes)
{
    const Data frames = crypto_frame(0, client_hello("quic.example"));
    struct Version {
        std::uint32_t number;
        std::size_t dialect;
    };
    for (const Version version : {Version{1, 0},
                                  {0x6b3343cf, 1},
                                  {0xff00001d, 2},
                                  {0xff000020, 2},
                                  {0xff000017, 3},
                                  {0xff00001c, 3},
                                  {0xff000016, 4},
                                  {0xff000022, 0},
                                  {0xfaceb001, 4},
                                  {0xfaceb002, 3},
                                  {0xfaceb00f, 3},
                                  {0xff000015, 4},
                                  {0x0a1a2a3a, 0}})
        EXPECT_EQ(name_in({quic_initial(version.number, version.dialect, frames)}), "quic.example")
            << std::hex << version.number;
}

TEST(Quic, OpensInitialsOfGooglesVersions)
{
    const Data hello = client_hello("quic.example");
    const auto google_frame = [](std::size_t offset, const Data& data) {
        return octets({7, 8}) + u16(0x4000 | offset) + u16(0x4000 | data.size()) + data;
    };
    EXPECT_EQ(name_in({quic_initial(0x54303530, 6, google_frame(0, hello))}), "quic.example");
    EXPECT_EQ(name_in({quic_initial(0x54303531, 7, google_frame(0, hello))}), "quic.example");
    const Data host = text("google.example");
    const Data chlo = text("CHLO") + octets({2, 0, 0, 0}) + text("SNI") + octets({0, 14, 0, 0, 0}) + text("VER") +
                      octets({0, 18, 0, 0, 0}) + host + text("Q050");
    EXPECT_EQ(name_in({quic_initial(0x51303530, 5, google_frame(0, chlo))}), "google.example");
    const Data first(chlo.begin(), chlo.begin() + 10);
    const Data second(chlo.begin() + 10, chlo.end());
    EXPECT_EQ(name_in({quic_initial(0x51303530, 5, google_frame(10, second)),
                       quic_initial(0x51303530, 5, google_frame(0, first))}),
              "google.example");
}

TEST(Quic, PutsCryptoFramesInOrderOverDatagramsAndCoalescedPackets)
{
    const Data hello = client_hello("quic.example");
    const Data first(hello.begin(), hello.begin() + 50);
    const Data second(hello.begin() + 50, hello.begin() + 80);
    const Data third(hello.begin() + 80, hello.end());
    const Data ping_and_ack = octets({1, 2, 5, 0, 1, 2, 0, 0});
    EXPECT_EQ(name_in({quic_initial(1, 0, ping_and_ack + crypto_frame(80, third)),
                       quic_initial(1, 0, crypto_frame(50, second)), quic_initial(1, 0, crypto_frame(0, first))}),
              "quic.example");
    EXPECT_EQ(name_in({quic_initial(1, 0, crypto_frame(80, third) + crypto_frame(0, first)) +
                       quic_initial(1, 0, crypto_frame(50, second))}),
              "quic.example");
    EXPECT_EQ(name_in({quic_initial(1, 0, crypto_frame(80, third)), quic_initial(1, 0, crypto_frame(0, first))}), "");
}

TEST(Quic, FollowsANewIdAfterRetry)
{
    const Data hello = client_hello("retried.example");
    const Data first(hello.begin(), hello.begin() + 50);
    EXPECT_EQ(
        name_in({quic_initial(1, 0, crypto_frame(0, first)), quic_initial(1, 0, crypto_frame(0, hello), "anotherid")}),
        "retried.example");
}

TEST(Quic, RefusesDamagedPacketsAtEachCutAndFlip)
{
    const Data whole = quic_initial(1, 0, crypto_frame(0, client_hello("quic.example")));
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_EQ(name_in({Data(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))}), "") << length;
    for (std::size_t at = 5; at < whole.size(); at += 7) {
        Data damaged = whole;
        damaged[at] ^= 0x10U;
        EXPECT_EQ(name_in({damaged}), "") << at;
    }
}

TEST(Quic, ReadsGooglesOpenClientHello)
{
    const Data message = octets({0x0d}) + text("abcdefghQ043") + octets({1}) + zeros(12) + octets({0xa0, 1, 0, 0}) +
                         text("CHLO") + octets({2, 0, 0, 0}) + text("PAD") + octets({0, 2, 0, 0, 0}) + text("SNI") +
                         octets({0, 11, 0, 0, 0}) + text("--g.example");
    EXPECT_EQ(gquic_server_name(message), "g.example");
    for (std::size_t length = 0; length < message.size(); ++length)
        EXPECT_EQ(gquic_server_name(Bytes(message).first(length)), "") << length;
}

}    // namespace
}    // namespace dl::agent::dissect::quic
