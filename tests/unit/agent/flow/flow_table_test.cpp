#include "tests/unit/agent/flow/flow_tables.hpp"
#include "tests/unit/agent/quic_bytes.hpp"

#include <algorithm>

namespace dl::agent::flow {
namespace {

TEST_F(FlowTables, NameAndOctetsOfATlsConnection)
{
    const Data hello = records(client_hello("www.Example.org."));
    shake_hands(443);
    say(hello);
    answer(zeros(3000));
    hang_up();
    EXPECT_EQ(ended(), (std::vector<Seen>{{"www.example.org", "", Evidence::tls_sni, 1, hello.size(), 3000, at}}));
}

TEST_F(FlowTables, HelloInSegmentsOfAnySizeAndOrder)
{
    const Data hello = records(client_hello("www.example.org"), 50);
    for (std::size_t cut = 1; cut < hello.size(); ++cut) {
        const Data first(hello.begin(), hello.begin() + static_cast<std::ptrdiff_t>(cut));
        const Data second(hello.begin() + static_cast<std::ptrdiff_t>(cut), hello.end());
        shake_hands(443, static_cast<std::uint16_t>(1024 + cut));
        const auto later = static_cast<std::uint32_t>(101 + cut);
        see(tcp_frame(from_, to_, later, 501, 24, second));
        see(tcp_frame(from_, to_, 101, 501, 24, first));
        see(tcp_frame(from_, to_, 101, 501, 24, hello));    // retransmitted whole
        const auto seen = ended();
        ASSERT_EQ(seen, (std::vector<Seen>{{"www.example.org", "", Evidence::tls_sni, 1, hello.size(), 0, at}})) << cut;
    }
}

TEST_F(FlowTables, KeepAliveOctetsGoToTheHostOfTheMoment)
{
    const Data first = text("GET / HTTP/1.1\r\nHost: a.example:80\r\n\r\n");
    const Data second = text("POST /x HTTP/1.1\r\nHost: B.example\r\nContent-Length: 5\r\n\r\nhello");
    shake_hands(80);
    say(first);
    answer(zeros(100));
    say(first);
    say(second);
    answer(zeros(7));
    hang_up();
    EXPECT_EQ(ended(), (std::vector<Seen>{{"a.example", "", Evidence::http_host, 1, 2 * first.size(), 100, at},
                                          {"b.example", "", Evidence::http_host, 0, second.size(), 7, at}}));
}

TEST_F(FlowTables, PipelinedRequestsAreSplitWithinASegment)
{
    const Data first = text("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    const Data second = text("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n");
    shake_hands(8080);
    say(first + second);
    hang_up();
    EXPECT_EQ(ended(), (std::vector<Seen>{{"a.example", "", Evidence::http_host, 1, first.size(), 0, at},
                                          {"b.example", "", Evidence::http_host, 0, second.size(), 0, at}}));
}

TEST_F(FlowTables, ConnectIsMentionedAndTheNameWithinIsBooked)
{
    const Data connect = text("CONNECT mail.example:443 HTTP/1.1\r\n\r\n");
    const Data hello = records(client_hello("inner.example"));
    shake_hands(3128);
    say(connect);
    answer(text("HTTP/1.1 200 OK\r\n\r\n"));
    say(hello);
    hang_up();
    EXPECT_EQ(ended(),
              (std::vector<Seen>{{"mail.example", "", Evidence::http_connect, 0, 0, 0, at},
                                 {"inner.example", "", Evidence::tls_sni, 1, connect.size() + hello.size(), 19, at}}));
}

TEST_F(FlowTables, StartTlsIsFound)
{
    shake_hands(143);
    answer(text("* OK ready\r\n"));
    say(text("a1 STARTTLS\r\n"));
    answer(text("a1 OK\r\n"));
    say(records(client_hello("imap.example")));
    EXPECT_EQ(ended().front().name, "imap.example");
}

TEST_F(FlowTables, AnswersExplainConnectionsWithoutAName)
{
    look_up("app.example", "edge.cdn.example");
    shake_hands(9999);
    say(zeros(10));
    auto seen = ended();
    std::erase_if(seen, [](const Seen& each) { return each.evidence == Evidence::dns_query; });
    EXPECT_EQ(seen, (std::vector<Seen>{{"app.example", "edge.cdn.example", Evidence::dns_answer, 1, 10, 0, at}}));
}

TEST_F(FlowTables, SeveralAnswersAreAmbiguous)
{
    look_up("one.example");
    look_up("two.example");
    shake_hands(9999);
    const auto seen = ended();
    EXPECT_EQ(seen.back(), (Seen{"two.example", "", Evidence::ambiguous, 1, 0, 0, at}));
}

TEST_F(FlowTables, QuestionsAreListedWithTheResolver)
{
    look_up("app.example");
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].name, "app.example");
    EXPECT_EQ(seen[0].evidence, Evidence::dns_query);
    EXPECT_EQ(seen[0].server, "192.0.2.53");
    EXPECT_EQ(seen[0].connections, 1U);
    EXPECT_EQ(seen[0].up, dns_query("app.example").size());
    EXPECT_EQ(seen[0].down, dns_answer("app.example", "", server(0).address).size());
}

TEST_F(FlowTables, OnlyOutgoingPacketsTellOfBothDirections)
{
    const Data hello = records(client_hello("www.example.org"));
    from_ = client;
    to_ = server(443);
    see(tcp_frame(from_, to_, 100, 0, 2));
    see(tcp_frame(from_, to_, 101, 501, 16));
    see(tcp_frame(from_, to_, 101, 501, 24, hello));
    see(tcp_frame(from_, to_, static_cast<std::uint32_t>(101 + hello.size()), 501 + 100'000, 16));
    EXPECT_EQ(ended(), (std::vector<Seen>{{"www.example.org", "", Evidence::tls_sni, 1, hello.size(), 100'000, at}}));
}

TEST_F(FlowTables, SequenceNumbersWrap)
{
    from_ = client;
    to_ = server(9999);
    const std::uint32_t start = 0xffffff00U;
    see(tcp_frame(from_, to_, start - 1, 0, 2));
    see(tcp_frame(to_, from_, 500, start, 18));
    see(tcp_frame(from_, to_, start, 501, 24, zeros(200)));
    see(tcp_frame(from_, to_, start + 200, 501, 24, zeros(200)));
    see(tcp_frame(from_, to_, start, 501, 24, zeros(200)));
    EXPECT_EQ(ended().front().up, 400U);
}

TEST(FlowTableBounds, PiecesThatWaitCostMoreThanTheirOctets)
{
    Collecting sink;
    Limits limits;
    limits.stream_octets = 4096;
    FlowTable table(sink, limits);
    capture::Packet packet;
    packet.link_type = 1;
    for (std::uint32_t i = 0; i < 60; ++i) {
        const Data frame = tcp_frame(client, server(443), 1 + 2 * i, 1, i == 0 ? 2 : 24, i == 0 ? Data{} : zeros(1));
        packet.time_ns = i;
        packet.bytes = frame;
        table.on_packet(packet);
    }
    EXPECT_GT(table.counters().streams_refused, 0U);
    table.finish();
}

TEST_F(FlowTables, PortsUsedAgainAreAnotherConnection)
{
    shake_hands(443);
    say(records(client_hello("one.example")));
    hang_up();
    see(tcp_frame(from_, to_, 70'000, 0, 2));
    see(tcp_frame(to_, from_, 90'000, 70'001, 18));
    see(tcp_frame(from_, to_, 70'001, 90'001, 24, records(client_hello("two.example"))));
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].name, "one.example");
    EXPECT_EQ(seen[1].name, "two.example");
    EXPECT_EQ(seen[1].connections, 1U);
}

TEST_F(FlowTables, SpeechDecidesTheClientWhereNoHandshakeWasSeen)
{
    to_ = server(50'000);    // ports say nothing
    from_ = {client.address, 49'000};
    see(tcp_frame(to_, from_, 500, 101, 16, text("HTTP/1.1 200 OK\r\n\r\n")));
    see(tcp_frame(from_, to_, 101, 519, 24, text("GET / HTTP/1.1\r\nHost: late.example\r\n\r\n")));
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].name, "late.example");
    EXPECT_EQ(seen[0].server, at);
}

TEST_F(FlowTables, QuicNamesAndUdpOctets)
{
    const Data initial = quic_initial(1, 0, crypto_frame(0, client_hello("quic.example")));
    see(udp_frame(client, server(443), initial));
    see(udp_frame(server(443), client, zeros(500)));
    EXPECT_EQ(ended(), (std::vector<Seen>{{"quic.example", "", Evidence::quic_sni, 1, initial.size(), 500, at}}));
}

TEST_F(FlowTables, QuicIsNamedThoughSomethingElseUsedThePortsFirst)
{
    const Data initial = quic_initial(1, 0, crypto_frame(0, client_hello("quic.example")));
    const Data stun = octets({0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}) + zeros(12);
    for (const Data& before : {octets({0x41}) + zeros(40), stun}) {
        see(udp_frame(client, server(443), before));
        see(udp_frame(server(443), client, before));
        see(udp_frame(client, server(443), initial));
        const auto seen = ended();
        ASSERT_EQ(seen.size(), 1U);
        EXPECT_EQ(seen[0].name, "quic.example");
        EXPECT_EQ(seen[0].up, before.size() + initial.size());
    }
}

TEST_F(FlowTables, EarlyDataBetweenInitialsDoesNotEndTheSearch)
{
    const Data hello = client_hello("early.example");
    const Data first(hello.begin(), hello.begin() + 40);
    const Data second(hello.begin() + 40, hello.end());
    see(udp_frame(client, server(443), quic_initial(1, 0, crypto_frame(0, first))));
    const Data early =
        octets({0xd0}) + u32(1) + octets({8}) + text("8bytesid") + octets({0}) + u16(0x4000 | 40) + zeros(40);
    for (int i = 0; i < 100; ++i)
        see(udp_frame(client, server(443), early));
    see(udp_frame(client, server(443), quic_initial(1, 0, crypto_frame(40, second))));
    EXPECT_EQ(ended().front().name, "early.example");
}

TEST_F(FlowTables, QuicWithALongTokenOrOfAnUnknownVersionOrFromANeighboursPort)
{
    const Data frames = crypto_frame(0, client_hello("quic.example"));
    const Host neighbour{client.address, 5353};
    see(udp_frame(client, server(443), quic_initial(1, 0, frames, "8bytesid", 3000)));
    EXPECT_EQ(ended().front().name, "quic.example");
    see(udp_frame(client, server(443), quic_initial(0x1a2a3a4a, 1, frames)));
    EXPECT_EQ(ended().front().name, "quic.example");
    see(udp_frame(neighbour, server(443), quic_initial(1, 0, frames)));
    EXPECT_EQ(ended().front().name, "quic.example");
}

TEST_F(FlowTables, WhatIsLongerThanAHostsNameIsNotKept)
{
    shake_hands(443);
    say(records(client_hello(std::string(255, 'a'))));
    EXPECT_EQ(ended().front().name.size(), 255U);
    shake_hands(443);
    say(records(client_hello(std::string(16000, 'a'))));
    EXPECT_EQ(ended().front().name, "");
}

TEST_F(FlowTables, HelloInManySmallSegmentsFromTheLastToTheFirst)
{
    const Data hello = records(client_hello("www.example.org", extension(21, zeros(33'000))));
    shake_hands(443);
    for (std::size_t end = hello.size(); end > 0;) {
        const std::size_t begin = end > 100 ? end - 100 : 0;
        const Data part(hello.begin() + static_cast<std::ptrdiff_t>(begin),
                        hello.begin() + static_cast<std::ptrdiff_t>(end));
        see(tcp_frame(from_, to_, static_cast<std::uint32_t>(101 + begin), 501, 24, part));
        end = begin;
    }
    EXPECT_EQ(ended().front().name, "www.example.org");
}

TEST_F(FlowTables, HelloBehindOtherRecordsOrInOneSegmentWithStartTls)
{
    const Data hello = records(client_hello("www.example.org"));
    for (const Data& before :
         {octets({21, 3, 1, 0, 2, 1, 0}), octets({22, 3, 1, 0, 4, 0, 0, 0, 0}), text("STARTTLS\r\n")}) {
        shake_hands(443);
        say(before + hello);
        EXPECT_EQ(ended().front().name, "www.example.org");
        shake_hands(443);
        say(before);
        say(hello);
        EXPECT_EQ(ended().front().name, "www.example.org");
    }
}

TEST_F(FlowTables, AHeadInSegmentsOfOneOctet)
{
    shake_hands(80);
    for (const char octet :
         std::string("GET /a/long/enough/path/to/matter HTTP/1.1\r\nA: b\r\nHost: a.example\r\n\r\n"))
        say(text({&octet, 1}));
    EXPECT_EQ(ended().front().name, "a.example");
}

/// The shortest of three times that it takes to see a stream in segments of one octet.
std::chrono::nanoseconds time_of_single_octets(const Data& stream)
{
    auto shortest = std::chrono::nanoseconds::max();
    std::vector<Data> frames{tcp_frame(client, server(443), 100, 0, 2)};
    for (std::size_t i = 0; i < stream.size(); ++i)
        frames.push_back(tcp_frame(client, server(443), static_cast<std::uint32_t>(101 + i), 501, 24, {stream[i]}));
    for (int run = 0; run < 3; ++run) {
        Collecting sink;
        FlowTable table(sink);
        capture::Packet packet;
        packet.link_type = 1;
        const auto begun = std::chrono::steady_clock::now();
        for (const Data& frame : frames) {
            packet.bytes = frame;
            table.on_packet(packet);
        }
        shortest = std::min<std::chrono::nanoseconds>(shortest, std::chrono::steady_clock::now() - begun);
        table.finish();
        EXPECT_FALSE(sink.shares.back().name.empty());
    }
    return shortest;
}

TEST(FlowTableBounds, FirstFlightsInSegmentsOfOneOctetTakeTimeInProportion)
{
    // Four times as much: 4 times the time where it is in proportion, 16 times where it is the square.
    const auto head = [](std::size_t size) {
        Data out = text("GET / HTTP/1.1\r\nHost: a.example\r\n");
        while (out.size() < size)
            out = out + text("A: bc\r\n");
        return out + text("\r\n");
    };
    EXPECT_LT(time_of_single_octets(head(32'000)) / 10, time_of_single_octets(head(8'000)));
    const auto hello = [](std::size_t size) {
        return records(client_hello("a.example", extension(21, zeros(size))), 1);
    };
    EXPECT_LT(time_of_single_octets(hello(5'000)) / 10, time_of_single_octets(hello(1'250)));
}

TEST_F(FlowTables, AHelloInPiecesBehindAConnectInPieces)
{
    const Data hello = records(client_hello("inner.example"));
    const Data connect = text("CONNECT proxied.example:443 HTTP/1.1\r\nHost: proxied.example:443\r\n\r\n");
    const auto half = [](const Data& data, bool second) {
        const auto middle = data.begin() + static_cast<std::ptrdiff_t>(data.size() / 2 + 12);
        return second ? Data(middle, data.end()) : Data(data.begin(), middle);
    };
    shake_hands(8080);
    for (const Data& part : {half(connect, false), half(connect, true), half(hello, false), half(hello, true)})
        say(part);
    table_.flush(now());
    const auto seen = std::exchange(sink_.shares, {});
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.back().name, "inner.example");
    EXPECT_EQ(seen.back().evidence, Evidence::tls_sni);
}

TEST(FlowTableBounds, EveryOctetThatFirstFlightsTakeIsCountedAndGivenBack)
{
    // What is listened to costs more than what is kept of it; where all of it is given back, as many fit again.
    Collecting sink;
    Limits limits;
    limits.stream_octets = 64 * Listening::cost();
    FlowTable table(sink, limits);
    capture::Packet packet;
    packet.link_type = 1;
    std::uint64_t refused = 0;
    std::uint64_t in_first = 0;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 200; ++i) {
            const Data frame = tcp_frame({octets({10, 1, round, i}), 40000}, server(443), 1, 1, 24, octets({22, 3, 1}));
            packet.bytes = frame;
            table.on_packet(packet);
        }
        const std::uint64_t now_refused = table.counters().streams_refused;
        EXPECT_GT(now_refused - refused, 100U);
        EXPECT_TRUE(round == 0 || now_refused - refused == in_first);
        in_first = now_refused - refused;
        refused = now_refused;
        table.finish();
    }
}

TEST(FlowTableBounds, FirstFlightsThatNeverEndDoNotBlindItForLaterOnes)
{
    Collecting sink;
    const Limits limits = Limits::of(4096);
    FlowTable table(sink, limits);
    capture::Packet packet;
    packet.link_type = 1;
    const auto see = [&](const Data& frame) {
        packet.time_ns += 1000;
        packet.bytes = frame;
        table.on_packet(packet);
    };
    const Data unfinished = octets({22, 3, 1, 0x10, 0, 1, 0, 0x0f, 0xfc}) + zeros(1000);
    for (int i = 0; i < 3000; ++i)
        see(tcp_frame({octets({10, 1, i / 250, i % 250}), 40000}, server(443), 1, 1, 24, unfinished));
    EXPECT_GT(table.counters().streams_refused, 0U);
    see(tcp_frame(client, server(443), 1, 1, 24, records(client_hello("late.example"))));
    table.finish();
    EXPECT_EQ(table.counters().connections_evicted, 0U);
    const auto is_late = [](const Seen& share) { return share.name == "late.example"; };
    EXPECT_EQ(std::count_if(sink.shares.begin(), sink.shares.end(), is_late), 1);
}

TEST_F(FlowTables, QuestionsKeepTheirPlaceForLessTimeThanOtherDatagrams)
{
    look_up("one.example");
    see(udp_frame(client, server(4500), zeros(8)));
    wait(std::chrono::seconds(40));
    table_.flush(now());
    EXPECT_EQ(sink_.open.size(), 1U);    // the other datagram's
    wait(std::chrono::seconds(180));
    table_.flush(now());
    EXPECT_TRUE(sink_.open.empty());
}

TEST_F(FlowTables, TheNextRequestIsFoundBehindABodyOfWhichSegmentsAreMissing)
{
    shake_hands(80);
    say(text("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3000\r\n\r\n"));
    say(zeros(1000));
    up_ += 1000;    // not captured
    const Data last = zeros(1000) + text("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n");
    say(last);
    answer(zeros(10));
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[1].name, "b.example");
}

TEST_F(FlowTables, AStraySynEndsNoConnection)
{
    shake_hands(443);
    say(records(client_hello("www.example.org")));
    see(tcp_frame(from_, to_, 70'000, 0, 2));
    see(tcp_frame(to_, from_, down_, up_, 16));    // RFC 5961 section 4.2
    say(zeros(1000));
    EXPECT_EQ(ended().size(), 1U);
}

TEST_F(FlowTables, AnAnsweredSynOnAnOpenConnectionIsAnother)
{
    for (const bool answered : {true, false}) {
        shake_hands(443);
        say(records(client_hello("one.example")));
        see(tcp_frame(from_, to_, 70'000, 0, 2));
        if (answered) see(tcp_frame(to_, from_, 90'000, 70'001, 18));
        const Data hello = records(client_hello("two.example"));
        see(tcp_frame(from_, to_, 70'001, 90'001, 24, hello));
        const auto seen = ended();
        ASSERT_EQ(seen.size(), 2U);
        EXPECT_EQ(seen[1], (Seen{"two.example", "", Evidence::tls_sni, 1, hello.size(), 0, at}));
    }
}

TEST_F(FlowTables, OneWildTimeEndsNoOpenConnection)
{
    using namespace std::chrono_literals;
    shake_hands(443);
    say(records(client_hello("www.example.org")));
    wait(24h * 400);
    see(udp_frame(client, server(9999), zeros(10)));
    wait(-24h * 400);
    say(zeros(1000));
    EXPECT_EQ(ended().size(), 2U);
    shake_hands(443);
    say(records(client_hello("www.example.org")));
    wait(24h * 400);    // a second packet there: it is the time
    see(udp_frame(client, server(9999), zeros(10)));
    see(udp_frame(client, server(9999), zeros(10)));
    EXPECT_EQ(sink_.shares.size(), 1U);
}

TEST_F(FlowTables, FlushTellsWhatCameSinceAndNothingTwice)
{
    shake_hands(443);
    const Data hello = records(client_hello("www.example.org"));
    say(hello);
    table_.flush(now());
    EXPECT_EQ(std::exchange(sink_.shares, {}),
              (std::vector<Seen>{{"www.example.org", "", Evidence::tls_sni, 1, hello.size(), 0, at}}));
    table_.flush(now());
    EXPECT_TRUE(sink_.shares.empty());
    answer(zeros(9));
    EXPECT_EQ(ended(), (std::vector<Seen>{{"www.example.org", "", Evidence::tls_sni, 0, 0, 9, at}}));
}

TEST_F(FlowTables, FlushLetsANameComeFirst)
{
    shake_hands(443);
    table_.flush(now());
    EXPECT_TRUE(sink_.shares.empty());
    wait(std::chrono::seconds(5));
    table_.flush(now());
    ASSERT_EQ(sink_.shares.size(), 1U);
    EXPECT_EQ(sink_.shares[0].evidence, Evidence::address_only);
}

TEST_F(FlowTables, EncryptedClientHelloShowsOnlyThePublicName)
{
    const Data offered = extension(0xfe0d, octets({0, 0, 1, 0, 1, 7}) + zeros(8));
    shake_hands(443);
    say(records(client_hello("cloudflare-ech.com", offered)));
    shake_hands(443, 2);
    say(records(client_hello("grease.example", offered)));
    const auto seen = ended();
    EXPECT_EQ(seen[0].evidence, Evidence::ech_outer);
    EXPECT_EQ(seen[1].evidence, Evidence::tls_sni);
}

TEST_F(FlowTables, RoadsBehindWhichNamesAreHiddenAreNamed)
{
    shake_hands(853);
    say(zeros(20));
    EXPECT_EQ(ended().front().evidence, Evidence::hidden_road);
    EXPECT_EQ(table_.counters().octets_hidden_road, 20U);
}

TEST(FlowTable, StaysWithinItsBounds)
{
    Collecting sink;
    Limits limits;
    limits.connections = 64;
    limits.stream_octets = 4096;
    FlowTable table(sink, limits);
    capture::Packet packet;
    packet.link_type = 1;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const Host from{octets({10, 1, static_cast<int>(i >> 8U), static_cast<int>(i & 255U)}), 40000};
        const Data frame =
            tcp_frame(from, server(443), 1, 1, 24, octets({22, 3, 1, 0x10, 0, 1, 0, 0x0f, 0xfc}) + zeros(1000));
        packet.time_ns = i;
        packet.bytes = frame;
        table.on_packet(packet);
        EXPECT_LE(sink.open.size(), 64U);
    }
    EXPECT_EQ(table.counters().connections_evicted, 1000U - 64U);
    EXPECT_GT(table.counters().streams_refused, 0U);
    table.finish();
    EXPECT_EQ(sink.shares.size(), 1000U);
}

}    // namespace
}    // namespace dl::agent::flow
