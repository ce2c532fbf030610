// Octets of connections of which the capture kept only a part.
#include "tests/unit/agent/flow/flow_tables.hpp"
#include "tests/unit/agent/quic_bytes.hpp"

#include <fmt/format.h>

namespace dl::agent::flow {
namespace {

TEST_F(FlowTables, OutgoingPacketsAloneTellBothDirectionsToTheOctet)
{
    for (const bool client_ends_first : {true, false}) {
        from_ = {client.address, static_cast<std::uint16_t>(client_ends_first ? 1 : 2)};
        to_ = server(9999);
        see(tcp_frame(from_, to_, 100, 0, 2));
        see(tcp_frame(from_, to_, 101, 501, 16));
        see(tcp_frame(from_, to_, 101, 501, 24, zeros(50)));
        see(tcp_frame(from_, to_, 151, 501 + 700, 16));
        if (client_ends_first) {
            see(tcp_frame(from_, to_, 151, 501 + 700, 17));
            see(tcp_frame(from_, to_, 152, 501 + 701, 16));
        } else {
            see(tcp_frame(from_, to_, 151, 501 + 701, 16));
            see(tcp_frame(from_, to_, 151, 501 + 701, 17));
        }
        EXPECT_EQ(ended(), (std::vector<Seen>{{"", "", Evidence::address_only, 1, 50, 700, at}})) << client_ends_first;
    }
}

TEST_F(FlowTables, StartsAndEndsAloneTellTheOctetsOfALargeDownload)
{
    shake_hands(9999);
    const std::uint32_t down = 501 + 3'000'000'000U;
    see(tcp_frame(to_, from_, down, 101 + 5000, 17));
    see(tcp_frame(from_, to_, 101 + 5000, down + 1, 17));
    see(tcp_frame(to_, from_, down + 1, 101 + 5001, 16));
    EXPECT_EQ(ended(), (std::vector<Seen>{{"", "", Evidence::address_only, 1, 5000, 3'000'000'000U, at}}));
}

TEST_F(FlowTables, StartsAndEndsAloneTellTheOctetsUpToTheEndOfTheNumbers)
{
    for (const std::uint32_t octets : {3'221'225'472U, 3'500'000'000U, 4'290'000'000U}) {
        shake_hands(9999);
        const std::uint32_t down = 501 + octets;
        see(tcp_frame(to_, from_, down, 101 + 5000, 17));
        see(tcp_frame(from_, to_, 101 + 5000, down + 1, 17));
        see(tcp_frame(to_, from_, down + 1, 101 + 5001, 16));
        EXPECT_EQ(ended(), (std::vector<Seen>{{"", "", Evidence::address_only, 1, 5000, octets, at}}));
    }
}

TEST_F(FlowTables, AKeepAliveBeforeAnyPayloadCountsNothing)
{
    shake_hands(9999);
    see(tcp_frame(from_, to_, 100, 501, 16));    // RFC 9293 section 3.8.4
    see(tcp_frame(from_, to_, 100, 501, 16, zeros(1)));
    see(tcp_frame(to_, from_, 501, 101, 16));
    EXPECT_EQ(ended(), (std::vector<Seen>{{"", "", Evidence::address_only, 1, 0, 0, at}}));
}

TEST_F(FlowTables, TheEndOfAServerThatOnlyAnAcknowledgementTellsOfIsNoPayloadBeforeAReset)
{
    from_ = client;
    to_ = server(9999);
    see(tcp_frame(from_, to_, 100, 0, 2));
    see(tcp_frame(from_, to_, 101, 501, 16));
    see(tcp_frame(from_, to_, 101, 501, 24, zeros(50)));
    see(tcp_frame(from_, to_, 151, 501 + 1000, 16));
    see(tcp_frame(from_, to_, 151, 501 + 1001, 16));    // the server's FIN
    see(tcp_frame(from_, to_, 151, 501 + 1001, 20));
    EXPECT_EQ(ended(), (std::vector<Seen>{{"", "", Evidence::address_only, 1, 50, 1000, at}}));
}

/// The frame in a VLAN.
Data tagged(const Data& frame, std::size_t id)
{
    return Data(frame.begin(), frame.begin() + 12) + u16(0x8100) + u16(id) + Data(frame.begin() + 12, frame.end());
}

TEST_F(FlowTables, EqualAddressesInTwoVlansAreTwoConnections)
{
    from_ = client;
    to_ = server(443);
    const auto hello = [](int vlan) { return records(client_hello("vlan" + std::to_string(vlan) + ".example")); };
    const auto isn = [](int vlan) { return 1'000'000'000U * static_cast<std::uint32_t>(vlan); };
    for (const int vlan : {1, 2, 3})
        see(tagged(tcp_frame(from_, to_, isn(vlan), 0, 2), static_cast<std::size_t>(vlan)));
    for (const int vlan : {1, 2, 3})
        see(tagged(tcp_frame(to_, from_, isn(vlan) + 7, isn(vlan) + 1, 18), static_cast<std::size_t>(vlan)));
    for (const int vlan : {1, 2, 3})
        see(tagged(tcp_frame(from_, to_, isn(vlan) + 1, isn(vlan) + 8, 24, hello(vlan)),
                   static_cast<std::size_t>(vlan)));
    for (const int vlan : {1, 2})
        see(tagged(udp_frame(client, server(9000), zeros(static_cast<std::size_t>(10 * vlan))),
                   static_cast<std::size_t>(vlan)));
    for (const int vlan : {1, 2})
        see(tagged(udp_frame(server(9000), client, zeros(static_cast<std::size_t>(vlan))),
                   static_cast<std::size_t>(vlan)));
    const std::size_t size = hello(1).size();
    EXPECT_EQ(ended(), (std::vector<Seen>{{"vlan1.example", "", Evidence::tls_sni, 1, size, 0, at},
                                          {"vlan2.example", "", Evidence::tls_sni, 1, size, 0, at},
                                          {"vlan3.example", "", Evidence::tls_sni, 1, size, 0, at},
                                          {"", "", Evidence::address_only, 1, 10, 1, at},
                                          {"", "", Evidence::address_only, 1, 20, 2, at}}));
}

TEST_F(FlowTables, OnePacketTaggedAndUntaggedIsOne)
{
    const auto both = [&](const Data& frame) {
        see(frame);
        see(tagged(frame, 7));
    };
    const Data hello = records(client_hello("bridged.example"));
    both(tcp_frame(client, server(443), 100, 0, 2));
    both(tcp_frame(server(443), client, 500, 101, 18));
    both(tcp_frame(client, server(443), 101, 501, 24, hello));
    both(udp_frame(client, server(9000), text("question")));
    both(udp_frame(server(9000), client, text("the answer")));
    both(udp_frame(client, server(9000), text("and more")));
    EXPECT_EQ(ended(), (std::vector<Seen>{{"bridged.example", "", Evidence::tls_sni, 1, hello.size(), 0, at},
                                          {"", "", Evidence::address_only, 1, 16, 10, at}}));
}

TEST_F(FlowTables, TaggedInOneDirectionOnlyIsOneConnection)
{
    const Data hello = records(client_hello("one-way.example"));
    see(tcp_frame(client, server(443), 100, 0, 2));
    see(tagged(tcp_frame(server(443), client, 500, 101, 18), 7));
    see(tcp_frame(client, server(443), 101, 501, 24, hello));
    see(tagged(tcp_frame(server(443), client, 501, static_cast<std::uint32_t>(101 + hello.size()), 24, zeros(70)), 7));
    see(udp_frame(client, server(9000), zeros(3)));
    see(tagged(udp_frame(server(9000), client, zeros(4)), 7));
    see(tagged(udp_frame(server(9000), client, zeros(4)), 7));
    EXPECT_EQ(ended(), (std::vector<Seen>{{"one-way.example", "", Evidence::tls_sni, 1, hello.size(), 70, at},
                                          {"", "", Evidence::address_only, 1, 3, 8, at}}));
}

TEST_F(FlowTables, ThousandsOfVirtualNetworksWithOneTupleTakeNoMoreThanAFew)
{
    for (std::size_t id = 1; id < 4000; ++id)
        see(tagged(tcp_frame(client, server(443), static_cast<std::uint32_t>(id * 1'000'003), 0, 2), id));
    EXPECT_EQ(table_.counters().networks_left_out, 3999U - 8);
    EXPECT_EQ(ended().size(), 8U);
}

TEST_F(FlowTables, WhatIsAlikeInMoreNetworksThanAreToldApartIsLeftOutAndCounted)
{
    constexpr std::uint32_t networks = 12;
    const auto number = [](std::uint32_t id) { return id * 300'000'007U; };
    for (std::uint32_t id = 1; id <= networks; ++id) {
        see(tagged(tcp_frame(client, server(443), number(id), 0, 2), id));
        see(tagged(tcp_frame(server(443), client, number(id) + 7, number(id) + 1, 18), id));
    }
    for (std::uint32_t id = 1; id <= networks; ++id)
        see(tagged(tcp_frame(client, server(443), number(id) + 1, number(id) + 8, 24,
                             records(client_hello(fmt::format("v{}.example", id)))),
                   id));
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 8U);
    std::uint32_t id = 0;
    for (const Seen& share : seen) {
        const std::string name = fmt::format("v{}.example", ++id);
        EXPECT_EQ(share.name, name);
        EXPECT_EQ(share.up, records(client_hello(name)).size());
        EXPECT_EQ(share.down, 0U);
    }
    EXPECT_EQ(table_.counters().networks_left_out, 3U * (networks - 8));
}

TEST_F(FlowTables, TheFirstDatagramOfAllCountsOnceThoughItIsSeenTwice)
{
    const Data frame = udp_frame(client, server(9000), zeros(100));
    see(frame);
    see(tagged(frame, 7));
    see(udp_frame(server(9000), client, zeros(3)));
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen.front().up, 100U);
    EXPECT_EQ(seen.front().down, 3U);
}

TEST_F(FlowTables, KeepAliveEveryTwoHoursAndABitKeepsNameAndCount)
{
    shake_hands(443);
    say(records(client_hello("db.example")));
    answer(zeros(50));
    const std::uint32_t up = up_;
    for (int i = 0; i < 12; ++i) {
        wait(std::chrono::seconds(7275));
        table_.flush(now());
        see(tcp_frame(from_, to_, up_ - 1, down_, 16));
        see(tcp_frame(to_, from_, down_, up_, 16));
    }
    say(zeros(9));
    table_.finish();
    std::uint64_t sent = 0;
    std::uint64_t connections = 0;
    for (const Seen& share : sink_.shares) {
        EXPECT_EQ(share.name, "db.example");
        sent += share.up;
        connections += share.connections;
    }
    EXPECT_EQ(sent, up - 101 + 9);
    EXPECT_EQ(connections, 1U);
}

TEST_F(FlowTables, ALoneResetIsNoConnection)
{
    see(tcp_frame(client, server(443), 100, 0, 4));
    see(tcp_frame(server(443), client, 500, 101, 20));
    EXPECT_TRUE(ended().empty());
    EXPECT_EQ(table_.counters().connections, 0U);
}

TEST_F(FlowTables, CopiesOnOtherInterfacesCountOnce)
{
    const Host inside{octets({172, 17, 0, 2}), 40000};
    const Data initial = quic_initial(1, 0, crypto_frame(0, client_hello("quic.example")));
    const Data hello = records(client_hello("tls.example"));
    const auto both = [&](const Host& from, std::uint32_t interface) {    // as translated: the client's address differs
        see(udp_frame(from, server(443), initial), interface);
        see(tcp_frame(from, server(443), 100, 0, 2), interface);
    };
    see(tcp_frame(client, server(80), 100, 0, 2), 7);
    see(tcp_frame(client, server(80), 100, 0, 2), 1);
    both(inside, 1);
    both(client, 2);
    for (const std::uint32_t interface : {1U, 2U, 3U}) {    // through a bridge: all is the same
        see(udp_frame(server(443), inside, zeros(500)), interface);
        see(udp_frame(inside, server(443), zeros(70)), interface);
        see(tcp_frame(server(443), inside, 500, 101, 18), interface);
        see(tcp_frame(inside, server(443), 101, 501, 24, hello), interface);
    }
    see(tcp_frame(client, server(443), 101, 501, 24, hello), 2);
    see(udp_frame(server(443), client, zeros(500)), 2);
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 3U);
    EXPECT_EQ(seen[1], (Seen{"quic.example", "", Evidence::quic_sni, 1, initial.size() + 70, 500, at}));
    EXPECT_EQ(seen[2], (Seen{"tls.example", "", Evidence::tls_sni, 1, hello.size(), 0, at}));
}

TEST_F(FlowTables, WhatOnlyOneSideEndedIsForgottenSoon)
{
    from_ = client;
    to_ = server(9999);
    see(tcp_frame(from_, to_, 100, 0, 2));
    see(tcp_frame(from_, to_, 101, 501, 16));
    see(tcp_frame(from_, to_, 101, 501, 17));
    wait(std::chrono::seconds(11));
    table_.flush(now());
    EXPECT_TRUE(sink_.open.empty());
}

TEST_F(FlowTables, ConnectionsOfSeveralDaysKeepTheirNameAndAddUp)
{
    shake_hands(443);
    const Data hello = records(client_hello("days.example"));
    say(hello);
    std::uint64_t down = 0;
    for (int hour = 0; hour < 50; ++hour) {
        wait(std::chrono::hours(1));
        answer(zeros(1000));
        table_.flush(now());
    }
    for (const Seen& seen : ended()) {
        EXPECT_EQ(seen.name, "days.example");
        down += seen.down;
    }
    EXPECT_EQ(down, 50'000U);
}

TEST_F(FlowTables, AnswersThatAreAliveComeBeforeThoseThatAreNot)
{
    look_up("old.example");    // answers live 60 seconds
    wait(std::chrono::minutes(10));
    look_up("new.example");
    shake_hands(9999, 1);
    table_.finish();
    EXPECT_EQ(sink_.shares.back().name, "new.example");
    EXPECT_EQ(sink_.shares.back().evidence, Evidence::dns_answer);
}

TEST_F(FlowTables, AnExpiredAnswerIsBetterThanNone)
{
    look_up("old.example");
    wait(std::chrono::minutes(10));
    shake_hands(9999);
    EXPECT_EQ(ended().back().name, "old.example");
}

TEST_F(FlowTables, NoSuchNameIsSaidOfTheQuestion)
{
    const Host resolver{octets({192, 0, 2, 53}), 53};
    Data answer_of_none = dns_query("intranet.corp.example");
    answer_of_none[2] = 0x81;
    answer_of_none[3] = 0x83;
    see(udp_frame(client, resolver, dns_query("intranet.corp.example")));
    see(udp_frame(resolver, client, answer_of_none));
    look_up("good.example");
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(sink_.no_such_names, 1U);
}

/// HTTPS record of `name` with an address hint and an Encrypted ClientHello configuration.
Data https_answer(std::string_view name, const Data& address, std::string_view public_name)
{
    const Data contents = octets({7}) + u16(0x20) + u16(32) + zeros(32) + u16(4) + zeros(4) + octets({0}) +
                          octets({static_cast<int>(public_name.size())}) + text(public_name) + u16(0);
    const Data configuration = u16(0xfe0d) + u16(contents.size()) + contents;
    const Data ech = u16(configuration.size()) + configuration;
    const Data data = u16(1) + octets({0}) + u16(1) + u16(3) + octets({2}) + text("h3") + u16(4) + u16(4) + address +
                      u16(5) + u16(ech.size()) + ech;
    return u16(0x1234) + u16(0x8180) + u16(1) + u16(1) + zeros(4) + domain(name) + u16(65) + u16(1) + u16(0xc00c) +
           u16(65) + u16(1) + u32(300) + u16(data.size()) + data;
}

TEST_F(FlowTables, HintsOfHttpsRecordsExplainConnections)
{
    const Host resolver{octets({192, 0, 2, 53}), 53};
    see(udp_frame(resolver, {client.address, 5000},
                  https_answer("hinted.example", server(0).address, "outer.example")));
    shake_hands(9999);
    EXPECT_EQ(ended().back(), (Seen{"hinted.example", "", Evidence::dns_answer, 1, 0, 0, at}));
}

TEST_F(FlowTables, PublicNamesOfHttpsRecordsAreNotTheTrueOnes)
{
    const Host resolver{octets({192, 0, 2, 53}), 53};
    see(udp_frame(resolver, {octets({10, 9, 9, 9}), 5000},
                  https_answer("hidden.example", octets({203, 0, 113, 7}), "Outer.example")));
    const Data offered = extension(0xfe0d, octets({0, 0, 1, 0, 1, 7}) + zeros(8));
    shake_hands(443);
    say(records(client_hello("outer.example", offered)));
    EXPECT_EQ(ended().back().evidence, Evidence::ech_outer);
}

TEST_F(FlowTables, AnAnswerOverTheOtherFamilyOfIpExplainsToo)
{
    const Host resolver{octets({192, 0, 2, 53}), 53};
    const Data v6_server = octets({0x20, 1, 0xd, 0xb8}) + zeros(11) + octets({9});
    const Data v6_client = octets({0x20, 1, 0xd, 0xb8}) + zeros(11) + octets({1});
    Data answer_v6 = u16(0x1234) + u16(0x8180) + u16(1) + u16(1) + zeros(4) + domain("six.example") + u16(28) + u16(1) +
                     u16(0xc00c) + u16(28) + u16(1) + u32(300) + u16(16) + v6_server;
    see(udp_frame(resolver, {client.address, 5000}, answer_v6));
    const Data segment = u16(40000) + u16(9999) + u32(1) + u32(0) + octets({0x50, 2}) + zeros(6);
    see(ethernet(octets({0x60, 0, 0, 0}) + u16(segment.size()) + octets({6, 64}) + v6_client + v6_server + segment,
                 0x86dd));
    EXPECT_EQ(ended().back().name, "six.example");
}

}    // namespace
}    // namespace dl::agent::flow
