// Names that come late or behind something, and roads behind which none can be seen.
#include "tests/unit/agent/flow/flow_tables.hpp"
#include "tests/unit/agent/quic_bytes.hpp"

namespace dl::agent::flow {
namespace {

struct Talk {
    const char* name;
    std::uint16_t port;
    std::vector<Data> lines;    ///< server first and in turns, up to where TLS begins
};
void PrintTo(const Talk& talk, std::ostream* out) { *out << talk.name; }

const std::vector<Talk> talks{
    {"smtp",
     25,
     {text("220 mx ESMTP\r\n"), text("EHLO me\r\n"), text("250-mx\r\n250 STARTTLS\r\n"), text("STARTTLS\r\n"),
      text("220 go ahead\r\n")}},
    {"smtp after AUTH GSSAPI",
     587,
     {text("220 mx\r\n"), text("NOOP\r\n"), text("250 OK\r\n"), text("starttls\r\n"), text("220\r\n")}},
    {"imap",
     143,
     {text("* OK\r\n"), text("a CAPABILITY\r\n"), text("* CAPABILITY STARTTLS\r\na OK\r\n"), text("b STARTTLS\r\n"),
      text("b OK\r\n")}},
    {"pop3", 110, {text("+OK\r\n"), text("STLS\r\n"), text("+OK\r\n")}},
    {"ftp", 21, {text("220 ftp\r\n"), text("AUTH TLS\r\n"), text("234 AUTH TLS OK\r\n")}},
    {"xmpp",
     5222,
     {{},
      text("<?xml version='1.0'?><stream:stream to='a.example'>"),
      text("<stream:features><starttls/></stream:features>"),
      text("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
      text("<proceed/>")}},
    {"postgresql", 5432, {{}, octets({0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f}), text("S")}},
    {"postgresql, encryption of GSSAPI asked first",
     5432,
     {{}, octets({0, 0, 0, 8, 4, 0xd2, 0x16, 0x30}), text("N"), octets({0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f}), text("S")}},
    {"ldap",
     389,
     {{},
      octets({0x30, 0x1d, 2, 1, 1, 0x77, 0x18, 0x80, 0x16}) + text("1.3.6.1.4.1.1466.20037"),
      octets({0x30, 0x0c, 2, 1, 1, 0x78, 7, 10, 1, 0, 4, 0, 4, 0})}},
    {"socks 5",
     1080,
     {{},
      octets({5, 1, 0}),
      octets({5, 0}),
      octets({5, 1, 0, 3, 9}) + text("a.example") + u16(443),
      octets({5, 0, 0, 1, 0, 0, 0, 0, 0, 0})}},
    {"socks 4", 1080, {{}, octets({4, 1, 1, 0xbb, 192, 0, 2, 99, 0}), octets({0, 90, 0, 0, 0, 0, 0, 0})}},
    {"connect",
     8080,
     {{},
      text("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"),
      text("HTTP/1.1 200 Connection established\r\n\r\n")}},
    {"connect after a refusal",
     3128,
     {{},
      text("CONNECT a.example:443 HTTP/1.1\r\n\r\n"),
      text("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
      text("CONNECT a.example:443 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n\r\n"),
      text("HTTP/1.1 200 OK\r\n\r\n")}},
};

class NameBehind : public FlowTables, public ::testing::WithParamInterface<Talk> {};

TEST_P(NameBehind, IsFound)
{
    for (const bool in_pieces : {false, true}) {
        shake_hands(GetParam().port, in_pieces ? 2000 : 3000);
        std::uint64_t up = 0;
        bool from_server = true;
        for (const Data& line : GetParam().lines) {
            if (from_server && !line.empty()) answer(line);
            if (!from_server) say(line);
            if (!from_server) up += line.size();
            from_server = !from_server;
        }
        const Data hello = records(client_hello("inner.example"), in_pieces ? 60 : 16384);
        const std::size_t step = in_pieces ? 33 : hello.size();
        for (std::size_t begin = 0; begin < hello.size(); begin += step)
            say(Data(hello.begin() + static_cast<std::ptrdiff_t>(begin),
                     hello.begin() + static_cast<std::ptrdiff_t>(std::min(begin + step, hello.size()))));
        hang_up();
        const auto seen = ended();
        ASSERT_FALSE(seen.empty());
        EXPECT_EQ(seen.back().name, "inner.example");
        EXPECT_EQ(seen.back().evidence, Evidence::tls_sni);
        EXPECT_EQ(seen.back().connections, 1U);
        EXPECT_EQ(seen.back().up, up + hello.size());
        EXPECT_EQ(table_.counters().octets_hidden_road, 0U);
    }
}

TEST_F(FlowTables, SqlServersClientsShakeHandsWithinTheirOwnPackets)
{
    const auto packet = [](const Data& payload) {
        return octets({0x12, 1}) + u16(payload.size() + 8) + zeros(4) + payload;
    };
    shake_hands(1433);
    say(packet(octets({0, 0, 6, 0, 6, 255, 1, 2, 3, 4, 5, 6})));
    answer(packet(octets({0, 0, 6, 0, 6, 255, 1, 2, 3, 4, 5, 6})));
    say(packet(records(client_hello("sql.example"))));
    EXPECT_EQ(ended().front().name, "sql.example");
}

INSTANTIATE_TEST_SUITE_P(Roads, NameBehind, ::testing::ValuesIn(talks));

TEST_F(FlowTables, ANameWithinTheFirst32KiBIsFoundInAHelloThatIsLarger)
{
    const Data filler = extension(0x8888, zeros(30'000));
    for (const std::size_t record : {16384UL, 1000UL}) {
        shake_hands(443, static_cast<std::uint16_t>(record));
        const Data hello = records(client_hello("large.example", filler + filler), record);
        for (std::size_t begin = 0; begin < hello.size(); begin += 1400)
            say(Data(hello.begin() + static_cast<std::ptrdiff_t>(begin),
                     hello.begin() + static_cast<std::ptrdiff_t>(std::min(begin + 1400, hello.size()))));
        const auto seen = ended();
        EXPECT_EQ(seen, (std::vector<Seen>{{"large.example", "", Evidence::tls_sni, 1, hello.size(), 0, at}}));
    }
}

TEST_F(FlowTables, ASegmentHalfTheNumbersAwayIsNoNews)
{
    shake_hands(443);
    see(tcp_frame(from_, to_, 101U + (1U << 31U), 501, 24, zeros(10)));
    say(records(client_hello("www.example.org")));
    EXPECT_EQ(ended().front().name, "www.example.org");
}

TEST_F(FlowTables, WireGuardOnAnyPortIsAHiddenRoad)
{
    look_up("vpn.example");
    see(udp_frame(client, server(4242), octets({1, 0, 0, 0}) + zeros(144)));
    see(udp_frame(server(4242), client, octets({2, 0, 0, 0}) + zeros(88)));
    const auto seen = ended();
    EXPECT_EQ(seen.back(), (Seen{"vpn.example", "", Evidence::hidden_road, 1, 148, 92, at}));
    EXPECT_EQ(table_.counters().octets_hidden_road, 240U);
}

TEST_F(FlowTables, OpenVpnOnAnyPortIsAHiddenRoad)
{
    const Data reset = octets({0x38, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0});
    see(udp_frame(client, server(4242), reset));
    shake_hands(443);
    say(u16(reset.size()) + reset);
    for (const Seen& seen : ended())
        EXPECT_EQ(seen.evidence, Evidence::hidden_road);
}

TEST_F(FlowTables, SocksWithoutANameBehindItIsAHiddenRoad)
{
    shake_hands(1080);
    say(octets({5, 1, 0}));
    answer(octets({5, 0}));
    say(octets({5, 1, 0, 1, 192, 0, 2, 1, 0, 22}));
    EXPECT_EQ(ended().front().evidence, Evidence::hidden_road);
}

TEST(HiddenRoad, ResolversAndRelaysAreKnownByName)
{
    for (const std::string_view host : {"dns.google", "family.adguard-dns.com", "unfiltered.adguard-dns.com",
                                        "mask.icloud.com", "mask-h2.icloud.com", "abc123.dns.nextdns.io"})
        EXPECT_TRUE(is_encrypted_resolver(host)) << host;
    for (const std::string_view host : {"icloud.com", "www.icloud.com", "adguard-dns.com", "google", ""})
        EXPECT_FALSE(is_encrypted_resolver(host)) << host;
}

TEST_F(FlowTables, EncryptedResolversKeepTheirNameAndCountAsHidden)
{
    shake_hands(443);
    const Data hello = records(client_hello("abc123.dns.nextdns.io"));
    say(hello);
    shake_hands(853, 7);
    const Data other = records(client_hello("resolver.corp.example"));
    say(other);
    const auto seen = ended();
    EXPECT_EQ(seen[0].evidence, Evidence::tls_sni);
    EXPECT_EQ(seen[1].evidence, Evidence::tls_sni);
    EXPECT_EQ(table_.counters().octets_hidden_road, hello.size() + other.size());
}

TEST_F(FlowTables, DnsOverQuicIsHiddenOnAnyPort)
{
    const Data doq = client_hello("resolver.example", extension(16, u16(4) + octets({3}) + text("doq")));
    see(udp_frame(client, server(443), quic_initial(1, 0, crypto_frame(0, doq))));
    const auto seen = ended();
    EXPECT_EQ(seen.front().name, "resolver.example");
    EXPECT_GT(table_.counters().octets_hidden_road, 0U);
}

TEST_F(FlowTables, QuicConnectionsOnTheSamePortsAreKeptApart)
{
    const Data one = client_hello("one.example");
    const Data two = client_hello("two.example");
    const auto head = [](const Data& hello) { return crypto_frame(0, Data(hello.begin(), hello.begin() + 40)); };
    const auto tail = [](const Data& hello) { return crypto_frame(40, Data(hello.begin() + 40, hello.end())); };
    see(udp_frame(client, server(443), quic_initial(1, 0, head(one), "first-id")));
    see(udp_frame(client, server(443), quic_initial(1, 0, tail(two), "other-id")));
    see(udp_frame(client, server(443), quic_initial(1, 0, tail(one), "first-id")));
    see(udp_frame(client, server(443), quic_initial(1, 0, head(two), "other-id")));
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(std::set<std::string>({seen[0].name, seen[1].name}),
              (std::set<std::string>{"one.example", "two.example"}));
    EXPECT_EQ(seen[0].connections + seen[1].connections, 1U);
}

TEST_F(FlowTables, AQuicConnectionAfterAnotherOnTheSamePortsIsAConnectionOfItsOwn)
{
    const Data first = quic_initial(1, 0, crypto_frame(0, client_hello("one.example")), "first-id");
    const Data second = quic_initial(1, 0, crypto_frame(0, client_hello("two.example")), "other-id");
    const Data short_header = octets({0x40}) + zeros(99);
    see(udp_frame(client, server(443), first));
    see(udp_frame(server(443), client, zeros(1200)));
    see(udp_frame(client, server(443), short_header));
    see(udp_frame(client, server(443), first));    // late, of the first connection
    see(udp_frame(client, server(443), second));
    see(udp_frame(client, server(443), short_header));
    EXPECT_EQ(ended(), (std::vector<Seen>{{"one.example", "", Evidence::quic_sni, 1, 2 * first.size() + 100, 1200, at},
                                          {"two.example", "", Evidence::quic_sni, 1, second.size() + 100, 0, at}}));
}

TEST_F(FlowTables, ARetryChangesTheKeysAndNotTheConnection)
{
    const Data hello = client_hello("one.example");
    const Data head = crypto_frame(0, Data(hello.begin(), hello.begin() + 40));
    const Data tail = crypto_frame(40, Data(hello.begin() + 40, hello.end()));
    const Data retry = octets({0xf0}) + u32(1) + octets({0, 8}) + text("server-1") + zeros(30);
    see(udp_frame(client, server(443), quic_initial(1, 0, head, "first-id")));
    see(udp_frame(server(443), client, retry));
    see(udp_frame(client, server(443), quic_initial(1, 0, tail, "server-1")));
    see(udp_frame(client, server(443), quic_initial(1, 0, head, "server-1")));
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].name, "one.example");
    EXPECT_EQ(seen[0].connections, 1U);
}

}    // namespace
}    // namespace dl::agent::flow
