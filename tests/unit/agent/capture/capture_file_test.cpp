#include "agent/capture/capture_file.hpp"

#include "tests/unit/agent/packet_bytes.hpp"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace dl::agent::capture {
namespace {

using namespace dl::agent::testing;

const Data frame = udp_frame(client, server(53), dns_query("www.example.org"));

Data number(std::uint64_t value, bool big, std::size_t width = 4)
{
    Data out;
    for (std::size_t i = 0; i < width; ++i)
        out.push_back(static_cast<std::uint8_t>(value >> 8U * (big ? width - 1 - i : i)));
    return out;
}

Data pcap_file(bool big = false, bool nanoseconds = false, std::uint32_t link_type = 1, int packets = 2)
{
    auto n = [&](std::uint64_t value, std::size_t width = 4) { return number(value, big, width); };
    Data out = n(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4) + n(2, 2) + n(4, 2) + n(0) + n(0) + n(65535) + n(link_type);
    for (int i = 0; i < packets; ++i)
        out = out + n(1'700'000'000 + static_cast<unsigned>(i)) + n(250'000) + n(frame.size()) + n(frame.size() + 10) +
              frame;
    return out;
}

Data block(std::uint32_t type, Data body, bool big)
{
    body.resize((body.size() + 3) / 4 * 4);
    return number(type, big) + number(body.size() + 12, big) + body + number(body.size() + 12, big);
}

/// Two interfaces (nanoseconds with an offset of 10 s; milliseconds), one enhanced packet on each, one simple, one old.
Data pcapng_file(bool big)
{
    auto n = [&](std::uint64_t value, std::size_t width = 4) { return number(value, big, width); };
    const std::uint64_t nanoseconds = 1'700'000'000'000'000'123ULL;
    const std::uint64_t milliseconds = 1'700'000'000'456ULL;
    const Data sizes = n(frame.size()) + n(frame.size());
    return block(0x0a0d0d0a, n(0x1a2b3c4d) + n(1, 2) + n(0, 2) + n(~0ULL, 8), big) +
           block(1,
                 n(1, 2) + n(0, 2) + n(0) + n(9, 2) + n(1, 2) + octets({9, 0, 0, 0}) + n(14, 2) + n(8, 2) + n(10, 8) +
                     n(0),
                 big) +
           block(1, n(1, 2) + n(0, 2) + n(0) + n(9, 2) + n(1, 2) + octets({3, 0, 0, 0}), big) +
           block(0x0bad, text("unknown"), big) +
           block(6, n(0) + n(nanoseconds >> 32U) + n(nanoseconds & 0xffffffffU) + sizes + frame, big) +
           block(6, n(1) + n(milliseconds >> 32U) + n(milliseconds & 0xffffffffU) + sizes + frame, big) +
           block(3, n(frame.size()) + frame, big) +
           block(2, n(1, 2) + n(0, 2) + n(milliseconds >> 32U) + n(milliseconds & 0xffffffffU) + sizes + frame, big);
}

struct Reading {
    std::vector<std::int64_t> times;
    std::string failure;
};

Reading read(const Data& bytes)
{
    Reading reading;
    auto source = open_capture(bytes_in_memory(bytes), "FILE");
    if (!source) {
        reading.failure = source.error().message;
        return reading;
    }
    Packet packet;
    for (;;) {
        auto event = (*source)->next(packet);
        if (!event) reading.failure = event.error().message;
        if (!event || *event == Event::end) return reading;
        EXPECT_EQ(Data(packet.bytes.begin(), packet.bytes.end()), frame);
        EXPECT_EQ(packet.link_type, 1U);
        reading.times.push_back(packet.time_ns);
    }
}

TEST(CaptureFile, VersionsThatNobodyKnowsAreRefused)
{
    Data file = pcap_file();
    file[4] = 9;
    EXPECT_NE(read(file).failure.find("version 9.4, this program reads 2.0 to 2.4"), std::string::npos);
    file = pcap_file();
    file[6] = 5;
    EXPECT_NE(read(file).failure.find("version 2.5"), std::string::npos);
    Data next = pcapng_file(false);
    next[12] = 2;
    EXPECT_NE(read(next).failure.find("pcapng of version 2"), std::string::npos);
}

TEST(CaptureFile, OldVersionsHaveTheLengthsTheOtherWayRound)
{
    const Reading today = read(pcap_file());
    for (const std::uint8_t minor : {2, 3}) {
        Data file = pcap_file();
        file[6] = minor;
        for (std::size_t at = 24; at < file.size(); at += 16 + frame.size())
            std::swap_ranges(file.begin() + static_cast<std::ptrdiff_t>(at) + 8,
                             file.begin() + static_cast<std::ptrdiff_t>(at) + 12,
                             file.begin() + static_cast<std::ptrdiff_t>(at) + 12);
        EXPECT_EQ(read(file).times, today.times) << int{minor};
        EXPECT_EQ(read(file).failure, "");
    }
    ASSERT_EQ(today.times.size(), 2U);
}

TEST(CaptureFile, ReadsPcapInEitherOrderAndResolution)
{
    for (const bool big : {false, true}) {
        EXPECT_EQ(read(pcap_file(big)).times,
                  (std::vector<std::int64_t>{1'700'000'000'250'000'000, 1'700'000'001'250'000'000}));
        EXPECT_EQ(read(pcap_file(big, true)).times,
                  (std::vector<std::int64_t>{1'700'000'000'000'250'000, 1'700'000'001'000'250'000}));
    }
    EXPECT_EQ(read(pcap_file(false, false, 0xd8000001)).times.size(),
              2U);    // with the length of a frame check sequence
}

TEST(CaptureFile, ReadsPcapngWithSeveralInterfaces)
{
    for (const bool big : {false, true}) {
        const Reading reading = read(pcapng_file(big));
        EXPECT_EQ(reading.failure, "");
        EXPECT_EQ(reading.times, (std::vector<std::int64_t>{1'700'000'010'000'000'123, 1'700'000'000'456'000'000,
                                                            1'700'000'000'456'000'000, 1'700'000'000'456'000'000}));
        EXPECT_EQ(read(pcapng_file(big) + pcapng_file(!big)).times.size(), 8U);    // a second section
    }
}

TEST(CaptureFile, GivesWhatCameBeforeACutAndSaysWhere)
{
    for (const Data& whole : {pcap_file(), pcapng_file(false)}) {
        const std::size_t packets = read(whole).times.size();
        for (std::size_t length = 4; length < whole.size(); ++length) {
            const Reading reading = read(Data(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
            EXPECT_LT(reading.times.size(), packets);
            if (!reading.failure.empty()) {
                EXPECT_TRUE(reading.failure.starts_with("FILE: truncated at byte ")) << reading.failure;
            }
        }
        EXPECT_NE(read(Data(whole.begin(), whole.end() - 1)).failure, "");
    }
}

TEST(CaptureFile, NamesGarbageAndUnknownLinkTypes)
{
    EXPECT_TRUE(read(text("not a capture at all")).failure.starts_with("FILE: neither pcap nor pcapng"));
    EXPECT_TRUE(read({}).failure.starts_with("FILE: empty, neither pcap nor pcapng"));
    EXPECT_TRUE(read(pcap_file(false, false, 147)).failure.starts_with("FILE: link type 147 (USER0) is not known"));
    Data lying = pcap_file();
    lying[24 + 11] = 0x7f;    // the captured length of the first record
    EXPECT_NE(read(lying).failure.find("the file is damaged"), std::string::npos);
    EXPECT_EQ(open_capture_file("/nowhere/file.pcap").error().kind, Failure::Kind::not_found);
}

TEST(CaptureFile, LeavesOutPacketsOfUnknownLinkTypesAmongOthers)
{
    Data file = pcapng_file(false);
    const Data interface = block(1, octets({1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 3, 0, 0, 0}), false);
    const auto second = std::search(file.begin(), file.end(), interface.begin(), interface.end());
    ASSERT_NE(second, file.end());
    second[8] = 187;    // Bluetooth
    const Reading reading = read(file);
    EXPECT_EQ(reading.failure, "");
    EXPECT_EQ(reading.times.size(), 2U);
}

Data gzip(const Data& whole, int level = 1)
{
    Data zipped(compressBound(whole.size()) + 64);
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    Data input = whole;
    stream.next_in = input.data();
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = zipped.data();
    stream.avail_out = static_cast<uInt>(zipped.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    zipped.resize(stream.total_out);
    deflateEnd(&stream);
    return zipped;
}

Data zstd(const Data& whole, int window_log = 0)
{
    const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
    if (window_log != 0) {
        ZSTD_CCtx_setParameter(context.get(), ZSTD_c_enableLongDistanceMatching, 1);
        ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, window_log);
    }
    // In steps and without its size told: a single segment would make the window as small as the content.
    Data packed(ZSTD_compressBound(whole.size()));
    ZSTD_outBuffer out{packed.data(), packed.size(), 0};
    ZSTD_inBuffer in{whole.data(), whole.size(), 0};
    while (in.pos < in.size)
        EXPECT_EQ(ZSTD_isError(ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_continue)), 0U);
    while (ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_end) != 0) {
    }
    packed.resize(out.pos);
    return packed;
}

const Data skippable = octets({0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4});    // as pzstd begins each frame

TEST(CaptureFile, UnpacksGzipAndZstd)
{
    const Data whole = pcap_file(false, false, 1, 5000);    // more than one buffer
    Data packed(ZSTD_compressBound(whole.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), whole.data(), whole.size(), 1));
    EXPECT_EQ(read(packed).times.size(), 5000U);

    Data zipped = gzip(whole);
    EXPECT_EQ(read(zipped).times.size(), 5000U);
    zipped.resize(zipped.size() / 2);
    const Reading cut = read(zipped);
    EXPECT_GT(cut.times.size(), 100U);
    EXPECT_TRUE(cut.failure.starts_with("FILE: truncated at byte ")) << cut.failure;
}

TEST(CaptureFile, UnpacksZstdAsParallelAndLongRangePackersWriteIt)
{
    const Data whole = pcap_file(false, false, 1, 5000);
    const auto half = whole.begin() + static_cast<std::ptrdiff_t>(whole.size() / 2);
    const Data parts = skippable + zstd(Data(whole.begin(), half)) + skippable + zstd(Data(half, whole.end()));
    EXPECT_EQ(read(parts).times.size(), 5000U);
    EXPECT_EQ(read(parts).failure, "");
    EXPECT_EQ(read(zstd(whole, 24)).times.size(), 5000U);
    EXPECT_EQ(read(zstd(whole, 27)).times.size(), 5000U);
    const Reading beyond = read(zstd(whole, 28));
    EXPECT_EQ(beyond.times.size(), 0U);
    EXPECT_NE(beyond.failure.find("window of more than 128 MiB"), std::string::npos) << beyond.failure;
}

TEST(CaptureFile, UnpacksGzipMembersOneAfterTheOther)
{
    const Data whole = pcap_file(false, false, 1, 5000);
    const auto half = whole.begin() + static_cast<std::ptrdiff_t>(whole.size() / 2);
    const Data parts = gzip(Data(whole.begin(), half)) + gzip(Data(half, whole.end()));
    EXPECT_EQ(read(parts).times.size(), 5000U);
    EXPECT_EQ(read(parts).failure, "");
    EXPECT_EQ(read(parts + Data(512)).failure, "");    // padding, as of a tape
}

TEST(CaptureFile, TellsADamagedArchiveFromACutOne)
{
    const Data whole = pcap_file(false, false, 1, 5000);
    for (const bool zipped : {true, false}) {
        const Data first = zipped ? gzip(whole) : zstd(whole);
        Data second = first;
        second[zipped ? 10 : 6] |= 6U;    // a block of a kind that is not
        const Reading reading = read(first + second);
        EXPECT_EQ(reading.times.size(), 5000U);
        EXPECT_NE(reading.failure.find(zipped ? "gzip data is damaged" : "zstd data is damaged"), std::string::npos)
            << reading.failure;
    }
}

TEST(CaptureFile, GoesOnWhereItStopped)
{
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("capture_file_test." + std::to_string(::getpid()));
    const Data whole = pcap_file(false, false, 1, 10);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(whole.data()), static_cast<std::streamsize>(whole.size()));
    Packet packet;
    std::uint64_t position = 0;
    {
        auto source = open_capture_file(path);
        ASSERT_TRUE(source);
        for (int i = 0; i < 4; ++i)
            ASSERT_EQ(*(*source)->next(packet), Event::packet);
        position = (*source)->position();
    }
    auto resumed = resume_capture_file(path, position);
    ASSERT_TRUE(resumed);
    ASSERT_EQ(*(*resumed)->next(packet), Event::packet);
    EXPECT_EQ(packet.time_ns, 1'700'000'004'250'000'000);
    auto beyond = resume_capture_file(path, whole.size());
    ASSERT_TRUE(beyond);
    EXPECT_EQ(*(*beyond)->next(packet), Event::end);
    std::filesystem::remove(path);
}

}    // namespace
}    // namespace dl::agent::capture
