#include "shared/wire/columns.hpp"

#include "shared/wire/cbor.hpp"
#include "shared/wire/encoding.hpp"
#include "shared/wire/json.hpp"
#include "shared/wire/limits.hpp"
#include "shared/wire/zstd_frame.hpp"
#include "tests/unit/shared/wire/random_report.hpp"

#include <gtest/gtest.h>

#include <zstd.h>

namespace dl::wire {
namespace {

using tests::ordinary_report;
using tests::random_report;

void expect_one_clear_line(const Failure& failure)
{
    EXPECT_EQ(failure.kind, Failure::Kind::invalid_input);
    EXPECT_TRUE(failure.message.starts_with("report: ")) << failure.message;
    EXPECT_EQ(failure.message.find('\n'), std::string::npos) << failure.message;
    EXPECT_LT(failure.message.size(), 400u) << failure.message;
}

std::string error_of(const std::string& body)
{
    const Result<Report> report = decode_columns(body);
    if (report) return "(no error)";
    expect_one_clear_line(report.error());
    return report.error().message;
}

/// The CBOR inside, to be broken and framed again.
std::string content_of(const Report& report)
{
    return decompress_frame(encode_columns(report).value(), limits::decompressed).value();
}

TEST(Columns, RandomReportsSurviveBothEncodings)
{
    std::mt19937_64 random(20261121);
    for (int round = 0; round < 300; ++round) {
        const Report report = random_report(random, 60);
        const Result<std::string> bytes = encode_columns(report);
        ASSERT_TRUE(bytes) << bytes.error().message;
        const Result<Report> columns = decode_report(columns_media_type, *bytes);
        ASSERT_TRUE(columns) << columns.error().message;
        const Result<Report> json = decode_report(json_media_type, encode_json(report));
        ASSERT_TRUE(json) << json.error().message;
        ASSERT_EQ(*columns, report) << "round " << round;
        ASSERT_EQ(*json, report) << "round " << round;
    }
}

TEST(Columns, CutAnywhereIsAFailure)
{
    std::mt19937_64 random(1);
    const Report report = random_report(random, 20);
    const std::string bytes = encode_columns(report).value();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_NE(error_of(bytes.substr(0, size)), "(no error)") << size;
    const std::string content = content_of(report);
    for (std::size_t size = 0; size < content.size(); ++size)
        EXPECT_NE(error_of(compress_frame(content.substr(0, size)).value()), "(no error)") << size;
    EXPECT_NE(error_of(bytes + "x"), "(no error)");
    EXPECT_NE(error_of(bytes + bytes), "(no error)");
    EXPECT_EQ(error_of(compress_frame(content + '\0').value()).substr(0, 14), "report: octet ");
}

TEST(Columns, FlippedBitsNeverHarm)
{
    std::mt19937_64 random(2);
    const std::string content = content_of(random_report(random, 20));
    std::size_t taken = 0;
    for (std::size_t bit = 0; bit < content.size() * 8; ++bit) {
        std::string flipped = content;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
        const Result<Report> report = decode_columns(compress_frame(flipped).value());
        if (report)
            ++taken;
        else
            expect_one_clear_line(report.error());
    }
    EXPECT_GT(taken, 0u);    // another id or another count is a report too

    const std::string frame = compress_frame(content).value();
    for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
        std::string flipped = frame;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
        (void)error_of(flipped);    // the checksum finds most; none may crash
    }
}

TEST(Columns, BombsAreRefusedBeforeTheyUnpack)
{
    const std::string large(limits::decompressed + 1, '\0');
    EXPECT_EQ(error_of(compress_frame(large).value()),
              "report: unpacks to 8388609 octets, more than 8388608; split the report");
    const std::string huge(48 << 20, '\0');
    EXPECT_NE(error_of(compress_frame(huge).value()), "(no error)");
    EXPECT_NE(error_of(compress_frame(large.substr(1)).value()), "(no error)");

    // A frame that does not say how large it is, as streaming writers make it.
    std::string streamed(ZSTD_compressBound(100), '\0');
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    streamed.resize(ZSTD_compress2(context, streamed.data(), streamed.size(), large.data(), 100));
    ZSTD_freeCCtx(context);
    EXPECT_EQ(error_of(streamed), "report: the zstd frame does not declare its content size; declare it");
    EXPECT_NE(error_of(""), "(no error)");
    EXPECT_NE(error_of("{}"), "(no error)");
}

/// A report up to the strings, then whatever `rest` writes.
template <class F>
std::string crafted(std::size_t keys, F rest)
{
    CborWriter out;
    out.tag(55799);
    out.array(3);
    out.text("daylight-report");
    out.unsigned_integer(1);
    out.map(keys);
    rest(out);
    return compress_frame(out.written()).value();
}

TEST(Columns, HugeLengthsAreRefusedBeforeAllocation)
{
    const std::string message = error_of(crafted(1, [](CborWriter& out) {
        out.unsigned_integer(13);
        out.array(1'000'000'000'000);
    }));
    EXPECT_NE(message.find("items, more than"), std::string::npos) << message;
    EXPECT_NE(error_of(crafted(1,
                               [](CborWriter& out) {
                                   out.unsigned_integer(13);
                                   out.array(150'000);    // allowed, but the data holds none of them
                               }))
                  .find("more items than the data can hold"),
              std::string::npos);
    EXPECT_NE(error_of(crafted(1ULL << 62, [](CborWriter&) {})), "(no error)");
}

TEST(Columns, OneTextRepeatedIsBoundedToo)
{
    // 100,000 destinations that all point to one text of 255 octets would be 25 MB of copies.
    const std::string message = error_of(crafted(2, [](CborWriter& out) {
        out.unsigned_integer(13);
        out.array(1);
        out.text(std::string(255, 'a'));
        out.unsigned_integer(15);
        out.array(4);
        out.array(100'000);
        out.integer(1);
        for (int i = 1; i < 100'000; ++i)
            out.integer(0);
    }));
    EXPECT_NE(message.find("add up to more than"), std::string::npos) << message;
}

TEST(Columns, LaterAdditionsToVersionOneAreSkipped)
{
    std::mt19937_64 random(3);
    Report report = random_report(random, 5);
    std::string content = content_of(report);
    // The map stands behind tag (3), array (1), text (1 + 15) and version (1).
    const std::size_t map = 3 + 1 + 16 + 1;
    ASSERT_EQ(static_cast<std::uint8_t>(content[map]) >> 5, 5);
    ASSERT_LT(static_cast<std::uint8_t>(content[map]) & 31, 23);
    ++content[map];
    CborWriter extra;
    extra.unsigned_integer(40);
    extra.map(1);
    extra.text("new");
    extra.array(2);
    extra.integer(-7);
    extra.tag(1);
    extra.bytes({});
    EXPECT_EQ(decode_columns(compress_frame(content + extra.written()).value()).value(), report);

    ++content[map - 1];    // the version
    EXPECT_NE(error_of(compress_frame(content).value()).find("is version 2, but this program speaks version 1"),
              std::string::npos);
}

TEST(Columns, ReportsOfEarlierAgentsAreRead)
{
    Report report;
    report.sent_at = Timestamp{Day{std::chrono::days(20'000)}};
    report.counters = {1, 2, 3, 4, 5, 6, 7, 0};
    std::string content = content_of(report);
    const std::string eight{"\x88\x01\x02\x03\x04\x05\x06\x07\x00", 9};
    const std::size_t at = content.find(eight);
    ASSERT_NE(at, std::string::npos);
    content.replace(at, 9, std::string("\x87\x01\x02\x03\x04\x05\x06\x07", 8));
    EXPECT_EQ(decode_columns(compress_frame(content).value()).value(), report);
    content.replace(at, 8, std::string("\x86\x01\x02\x03\x04\x05\x06", 7));
    EXPECT_NE(error_of(compress_frame(content).value()).find("seven counters"), std::string::npos);
}

TEST(Columns, OffersThatMakeNoSenseAreRefused)
{
    Report report;
    report.sent_at = Timestamp{Day{std::chrono::days(20'000)}};
    report.applications = {"firefox"};
    report.offers = {{0, TlsVersion::tls_1_0, Protocols::other, Day{std::chrono::days(20'000)}}};
    EXPECT_EQ(decode_columns(encode_columns(report).value()).value(), report);
    for (const Offer wrong : {Offer{1, TlsVersion::tls_1_0, Protocols::none, Day{}},
                              Offer{0, static_cast<TlsVersion>(0x0305), Protocols::none, Day{}},
                              Offer{0, TlsVersion::tls_1_0, static_cast<Protocols>(32), Day{}},
                              Offer{0, TlsVersion::tls_1_0, Protocols::none, Day{std::chrono::days(-1)}}}) {
        report.offers = {wrong};
        EXPECT_FALSE(encode_columns(report));
    }
}

TEST(Columns, EncoderRefusesWhatADecoderWould)
{
    std::mt19937_64 random(4);
    const Report good = ordinary_report(random, 3);
    ASSERT_TRUE(encode_columns(good));
    const auto refused = [&good](auto change) {
        Report report = good;
        change(report);
        const Result<std::string> bytes = encode_columns(report);
        return bytes ? "(no error)" : bytes.error().message;
    };
    EXPECT_EQ(refused([](Report& r) { r.cells[1].device = 1; }),
              "report to encode: cells[1].device: points outside the table of devices");
    EXPECT_EQ(refused([](Report& r) { r.cells[2].person = 7; }),
              "report to encode: cells[2].person: points outside the table of persons");
    EXPECT_NE(refused([](Report& r) { r.cells[0].bytes_up = limits::count + 1; }), "(no error)");
    EXPECT_NE(refused([](Report& r) { r.cells[0].evidence = static_cast<Evidence>(12); }), "(no error)");
    EXPECT_NE(refused([](Report& r) { r.destinations[0].host.clear(); }), "(no error)");
    EXPECT_NE(refused([](Report& r) { r.destinations[0].host = "a\nb"; }), "(no error)");
    EXPECT_NE(refused([](Report& r) { r.destinations[0].canonical = "\xff"; }), "(no error)");
    EXPECT_NE(refused([](Report& r) { r.agent_version = std::string(65, '1'); }), "(no error)");
    EXPECT_NE(refused([](Report& r) { r.cells[0].first_seen = Timestamp{std::chrono::microseconds(-1)}; }),
              "(no error)");
    EXPECT_NE(refused([](Report& r) { r.devices.resize(limits::devices + 1); }), "(no error)");
    EXPECT_NE(refused([](Report& r) { r.cells.resize(limits::cells + 1); }), "(no error)");
}

TEST(Columns, AReportIsSmall)
{
    std::mt19937_64 random(5);
    const double bytes = static_cast<double>(encode_columns(ordinary_report(random, 200)).value().size()) / 200;
    EXPECT_LT(bytes, 28);    // 30 on the wire: HTTP and TLS add about 400 octets to a report
}

TEST(Encoding, FollowsTheContentType)
{
    std::mt19937_64 random(6);
    const Report report = ordinary_report(random, 3);
    EXPECT_TRUE(decode_report("Application/JSON; charset=utf-8", encode_json(report)));
    EXPECT_TRUE(decode_report("application/vnd.daylight.report+cbor+zstd ; v=1", encode_columns(report).value()));
    for (const char* type : {"", "text/plain", "application/cbor"})
        EXPECT_TRUE(decode_report(type, encode_json(report)).error().message.starts_with("report: its Content-Type"))
            << type;
}

TEST(Cbor, WritesTheExamplesOfItsSpecification)
{
    // RFC 8949 appendix A.
    const auto written = [](auto write) {
        CborWriter out;
        write(out);
        const std::string& text = out.written();
        return to_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    };
    const auto integer = [&](std::int64_t value) { return written([value](CborWriter& out) { out.integer(value); }); };
    EXPECT_EQ(integer(0), "00");
    EXPECT_EQ(integer(23), "17");
    EXPECT_EQ(integer(24), "1818");
    EXPECT_EQ(integer(1000), "1903e8");
    EXPECT_EQ(integer(1'000'000), "1a000f4240");
    EXPECT_EQ(integer(1'000'000'000'000), "1b000000e8d4a51000");
    EXPECT_EQ(integer(-1), "20");
    EXPECT_EQ(integer(-1000), "3903e7");
    EXPECT_EQ(written([](CborWriter& out) { out.text("IETF"); }), "6449455446");
    EXPECT_EQ(written([](CborWriter& out) { out.array(25); }), "9819");
    EXPECT_EQ(written([](CborWriter& out) { out.tag(55799); }), "d9d9f7");
}

TEST(Cbor, IntegersOfAnyFormAreRead)
{
    for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::min(), std::int64_t{65536}}) {
        CborWriter out;
        out.integer(value);
        CborReader in(out.written());
        EXPECT_EQ(in.integer(), value);
        EXPECT_TRUE(in.ok() && in.at_end());
    }
    using namespace std::string_view_literals;
    CborReader longer("\x1b\0\0\0\0\0\0\0\x05"sv);
    EXPECT_EQ(longer.integer(), 5);
    CborReader too_large("\x1b\x80\0\0\0\0\0\0\0"sv);
    EXPECT_EQ(too_large.integer(), 0);
    EXPECT_FALSE(too_large.ok());
    CborReader indefinite("\x9f\x01\xff"sv);
    EXPECT_EQ(indefinite.array(10), 0u);
    EXPECT_FALSE(indefinite.ok());
}

TEST(Cbor, SkippingIsBounded)
{
    CborReader deep(std::string_view("\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x01"));
    deep.skip();
    EXPECT_FALSE(deep.ok());
    using namespace std::string_view_literals;
    CborReader fine("\xa2\x01\x82\x02\x03\x04\xc1\x05\x06"sv);
    fine.skip();
    EXPECT_EQ(fine.unsigned_integer(), 6u);
    EXPECT_TRUE(fine.ok() && fine.at_end());
    CborReader endless("\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv);
    endless.skip();
    EXPECT_FALSE(endless.ok());
}

}    // namespace
}    // namespace dl::wire
