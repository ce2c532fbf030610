#include "agent/flow/tls_offer.hpp"

#include "tests/unit/agent/flow/flow_tables.hpp"

namespace dl::agent::flow {
namespace {

using wire::Protocols;
using wire::TlsVersion;

/// Of TLS 1.2 as far as the extensions do not say otherwise.
Data hello_with(const Data& extensions)
{
    const Data body = u16(0x0303) + zeros(32) + octets({0}) + u16(2) + u16(0x1301) + octets({1, 0}) +
                      u16(extensions.size()) + extensions;
    return octets({1, 0}) + u16(body.size()) + body;
}
const Data versions_13{4, 0x7a, 0x7a, 3, 4};    // GREASE, TLS 1.3
const Data h2_and_http1{0, 12, 2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

class Offered final : public SightingSink {
public:
    void opened(const Connection&) override {}
    void used(const Connection&, const Usage& usage) override { offers.push_back(usage.offer); }
    void closed(const Connection&) override {}
    std::vector<std::optional<TlsOffer>> offers;
};

std::optional<TlsOffer> offer_in(const Data& handshake)
{
    return offer_of(dissect::tls::look_at_handshake(handshake, true).hello);
}

TEST(TlsOffer, VersionIsOfTheExtensionWhereThereIsOne)
{
    EXPECT_EQ(offer_in(hello_with({}))->version, TlsVersion::tls_1_2);
    EXPECT_EQ(offer_in(hello_with(extension(43, versions_13)))->version, TlsVersion::tls_1_3);
    EXPECT_EQ(offer_in(hello_with(extension(43, {2, 3, 2})))->version, TlsVersion::tls_1_1)
        << "the field before does not count then";
    EXPECT_EQ(offer_in(hello_with(extension(43, {2, 0x7f, 0x1c})))->version, TlsVersion::tls_1_3) << "a draft";
    EXPECT_EQ(offer_in(hello_with(extension(43, {2, 0x1a, 0x1a})))->version, TlsVersion::tls_1_2) << "GREASE alone";
}

TEST(TlsOffer, ProtocolsAreASum)
{
    const auto offer = offer_in(hello_with(extension(16, h2_and_http1)));
    EXPECT_EQ(offer->protocols, Protocols::http_1 | Protocols::http_2);
    EXPECT_EQ(offer_in(hello_with({}))->protocols, Protocols::none);
    EXPECT_EQ(protocols_in(Data{2, 'h', '3', 3, 'd', 'o', 'q', 4, 'i', 'm', 'a', 'p', 2, 0x3a, 0x3a}),
              Protocols::http_3 | Protocols::encrypted_dns | Protocols::other);
    EXPECT_EQ(protocols_in(Data{2, 'h', '2', 200, 'x'}), Protocols::http_2) << "a length beyond the end";
    EXPECT_EQ(protocols_in(Data{0, 0, 0}), Protocols::none);
}

TEST(TlsOffer, OfACutHelloNothingIsClaimed)
{
    Data hello = hello_with(extension(43, versions_13));
    ASSERT_TRUE(offer_in(hello));
    hello.resize(hello.size() - 3);
    EXPECT_EQ(offer_in(hello), std::nullopt) << "it might have been 1.3";
}

TEST_F(FlowTables, WhatWasOfferedIsToldOnce)
{
    Offered sink;
    FlowTable table(sink);
    const auto feed = [&](const Data& frame, std::int64_t at) {
        capture::Packet packet;
        packet.time_ns = (time_ + at) * 1000;
        packet.link_type = 1;
        packet.original_length = static_cast<std::uint32_t>(frame.size());
        packet.bytes = frame;
        table.on_packet(packet);
    };
    const Data hello = records(hello_with(extension(43, versions_13)));
    const auto end = 101 + static_cast<std::uint32_t>(hello.size());
    feed(tcp_frame(client, server(443), 100, 0, 2), 0);
    feed(tcp_frame(server(443), client, 500, 101, 18), 1);
    feed(tcp_frame(client, server(443), 101, 501, 24, hello), 2);
    table.flush(Timestamp{std::chrono::microseconds(time_ + 20'000'000)});
    feed(tcp_frame(client, server(443), end, 501, 24, Data(100, 0)), 21'000'000);
    table.finish();
    ASSERT_EQ(sink.offers.size(), 2U);
    EXPECT_EQ(sink.offers[0], (TlsOffer{TlsVersion::tls_1_3, Protocols::none}));
    EXPECT_EQ(sink.offers[1], std::nullopt);
}

}    // namespace
}    // namespace dl::agent::flow
