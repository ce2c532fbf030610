#include "agent/dissect/dns.hpp"
#include "agent/dissect/http1.hpp"
#include "agent/dissect/tls.hpp"
#include "tests/unit/agent/packet_bytes.hpp"

#include <gtest/gtest.h>

namespace dl::agent::dissect {
namespace {

using namespace dl::agent::testing;

Data prefix(const Data& whole, std::size_t length)
{
    return {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)};
}

TEST(Tls, FindsTheNameInRecordsOfAnySize)
{
    const Data hello = client_hello("www.Example.org");
    for (std::size_t size = 1; size <= hello.size(); ++size) {
        const Data stream = records(hello, size);
        Data scratch(tls::largest_hello);
        const auto finding = tls::look_at_stream(stream, scratch, false);
        ASSERT_EQ(finding.look, tls::Look::client_hello) << size;
        EXPECT_EQ(finding.hello.server_name, "www.Example.org");
        EXPECT_EQ(finding.hello.version, 0x0304);
        EXPECT_EQ(finding.hello.protocols.size(), 3U);
        EXPECT_TRUE(finding.hello.whole);
        EXPECT_FALSE(finding.hello.ech_outer);
    }
}

TEST(Tls, AsksForMoreAtEachCutAndSaysHowMuch)
{
    Data scratch(tls::largest_hello);
    const Data stream = records(client_hello("a.example"), 40);
    for (std::size_t length = 0; length < stream.size(); ++length) {
        const Data cut = prefix(stream, length);
        const auto finding = tls::look_at_stream(cut, scratch, false);
        ASSERT_EQ(finding.look, tls::Look::more) << length;
        EXPECT_GT(finding.needed, length);
        EXPECT_LE(finding.needed, stream.size());
    }
}

TEST(Tls, TellsWhatACutHelloSays)
{
    Data scratch(tls::largest_hello);
    const Data stream = records(client_hello("a.example"));
    const Data cut = prefix(stream, stream.size() - 1);    // views point into it
    const auto finding = tls::look_at_stream(cut, scratch, true);
    ASSERT_EQ(finding.look, tls::Look::client_hello);
    EXPECT_EQ(finding.hello.server_name, "a.example");
    EXPECT_FALSE(finding.hello.whole);
}

TEST(Tls, NoticesEncryptedClientHello)
{
    Data scratch(tls::largest_hello);
    const Data outer =
        records(client_hello("public.example", extension(0xfe0d, octets({0, 0, 1, 0, 1, 7}) + zeros(8))));
    EXPECT_TRUE(tls::look_at_stream(outer, scratch, false).hello.ech_outer);
    const Data inner = records(client_hello("public.example", extension(0xfe0d, octets({1}))));
    EXPECT_FALSE(tls::look_at_stream(inner, scratch, false).hello.ech_outer);
}

TEST(Tls, RefusesStrangersAndKnowsTheServer)
{
    Data scratch(tls::largest_hello);
    for (const Data& stranger :
         {text("GET / HTTP/1.1"), octets({22, 2, 1, 0, 9}), octets({22, 3, 1, 0xff, 0xff}), octets({22, 3, 1, 0, 0})})
        EXPECT_EQ(tls::look_at_stream(stranger, scratch, false).look, tls::Look::no);
    EXPECT_EQ(tls::look_at_stream(octets({22, 3, 3, 0, 4, 2, 0, 0, 70}), scratch, false).look, tls::Look::other_side);
}

struct RequestCase {
    std::string_view head;
    std::string_view host;
    std::string_view authority;
};

TEST(Http1, ReadsWhomARequestIsFor)
{
    const std::vector<RequestCase> cases{
        {"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n", "www.example.org", ""},
        {"GET / HTTP/1.0\nhOsT:www.example.org:8080\n\n", "www.example.org", ""},
        {"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "2001:db8::1", ""},
        {"POST http://user@proxy.example:3128/p?q HTTP/1.1\r\nHost: other\r\n\r\n", "other", "proxy.example"},
        {"CONNECT mail.example:25 HTTP/1.1\r\n\r\n", "", "mail.example"},
        {"CONNECT mail.example:25 / HTTP/1.0\r\n\r\n", "", "mail.example"},
        {"CONNECT / HTTP/1.0\r\n\r\n", "", ""},
        {"GET HTTP/1.1\r\nHost: no.target\r\n\r\n", "no.target", ""},
        {"OPTIONS * HTTP/1.1\r\n\r\n", "", ""},
    };
    for (const RequestCase& each : cases) {
        const auto finding = http1::look_at(text(each.head), false);
        ASSERT_EQ(finding.look, http1::Look::request) << each.head;
        EXPECT_EQ(finding.length, each.head.size());
        // Views point into the bytes given, which must outlive them.
        const Data kept = text(each.head);
        const auto again = http1::look_at(kept, false);
        EXPECT_EQ(again.request.host, each.host) << each.head;
        EXPECT_EQ(again.request.authority, each.authority) << each.head;
        for (std::size_t length = 1; length < kept.size(); ++length)
            EXPECT_EQ(http1::look_at(prefix(kept, length), false).look, http1::Look::more) << each.head << length;
    }
}

TEST(Http1, RefusesWhatIsNoRequest)
{
    for (const std::string_view stranger :
         {"SSH-2.0-x\r\n", "INVITE sip:a SIP/2.0\r\n\r\n", "DESCRIBE x RTSP/1.0\r\n\r\n", "\x16\x03\x01"})
        EXPECT_EQ(http1::look_at(text(stranger), false).look, http1::Look::no) << stranger;
    EXPECT_EQ(http1::look_at(text("HTTP/1.1 200 OK\r\n"), false).look, http1::Look::response);
}

TEST(Http1, FindsTheEndOfAChunkedBodyWhereverItIsCut)
{
    const Data body = text("5;x=y\r\nhello\r\na\r\n0123456789\r\n0\r\nT: 1\r\n\r\n");
    const Data stream = body + text("GET");
    for (std::size_t cut = 0; cut <= body.size(); ++cut) {
        http1::ChunkedBody reader;
        const std::size_t first = reader.consume(prefix(stream, cut));
        EXPECT_EQ(first, cut);
        const std::size_t second = reader.consume(Bytes(stream).subspan(cut));
        EXPECT_TRUE(reader.done());
        EXPECT_EQ(first + second, body.size());
    }
}

TEST(Dns, ReadsQuestionAliasAndAddress)
{
    const Data message = dns_answer("WWW.example.org", "edge.example.net", octets({192, 0, 2, 10}));
    auto reader = dns::Reader::open(message);
    ASSERT_TRUE(reader);
    dns::Question question;
    ASSERT_TRUE(reader->next_question(question));
    EXPECT_EQ(question.name.text(), "www.example.org");
    EXPECT_FALSE(reader->next_question(question));
    dns::Record record;
    ASSERT_TRUE(reader->next_answer(record));
    EXPECT_EQ(record.kind, dns::Record::Kind::alias);
    EXPECT_EQ(record.target.text(), "edge.example.net");
    ASSERT_TRUE(reader->next_answer(record));
    EXPECT_EQ(record.owner.text(), "edge.example.net");
    EXPECT_EQ(record.address.to_string(), "192.0.2.10");
    EXPECT_FALSE(reader->next_answer(record));
    EXPECT_FALSE(reader->failed());
    EXPECT_TRUE(dns::is_plausible(message));
}

TEST(Dns, FailsAtEachCut)
{
    const Data whole = dns_answer("www.example.org", "edge.example.net", octets({192, 0, 2, 10}));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const Data cut = prefix(whole, length);
        EXPECT_FALSE(dns::is_plausible(cut)) << length;
        auto reader = dns::Reader::open(cut);
        EXPECT_EQ(reader.has_value(), length >= 12);
        if (!reader) continue;
        dns::Question question;
        dns::Record record;
        while (reader->next_question(question)) {
        }
        while (reader->next_answer(record)) {
        }
        EXPECT_TRUE(reader->failed()) << length;
    }
}

TEST(Dns, RefusesPointersThatDoNotGoBackAndNamesThatAreTooLong)
{
    const Data head = u16(1) + u16(0x0100) + u16(1) + zeros(6);
    dns::Question question;
    for (const Data& name : {octets({0xc0, 12}), octets({0xc0, 40}), octets({0x40, 1})}) {
        const Data message = head + name + zeros(40);
        auto reader = dns::Reader::open(message);
        EXPECT_FALSE(reader->next_question(question));
        EXPECT_TRUE(reader->failed());
    }
    Data long_name;
    for (int label = 0; label < 5; ++label)
        long_name = long_name + octets({63}) + Data(63, 'a');
    const Data message = head + long_name + zeros(5);
    auto reader = dns::Reader::open(message);
    EXPECT_FALSE(reader->next_question(question));
}

}    // namespace
}    // namespace dl::agent::dissect
