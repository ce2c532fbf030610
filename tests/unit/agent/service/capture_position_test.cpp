// Which capture file this is, of those that were read before.
#include "agent/service/capture_position.hpp"

#include "tests/unit/agent/service/recorded_traffic.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace dl::agent::service {
namespace {

std::vector<Recorded> first(const std::vector<Recorded>& packets, std::size_t count)
{
    return {packets.begin(), packets.begin() + static_cast<std::ptrdiff_t>(count)};
}

ledger::FilePosition read_to(const std::vector<Recorded>& packets, std::uint8_t id, std::vector<std::uint64_t> ends)
{
    PacketMarks marks;
    capture::MemorySource source(packets);
    capture::Packet packet;
    while (*source.next(packet) == capture::Event::packet)
        marks.add(packet);
    return {Digest{id}, packets.size(), std::move(ends), marks.all()};
}

Result<Recognised> recognised(const std::vector<ledger::FilePosition>& known, const std::vector<Recorded>& packets)
{
    capture::MemorySource source(packets);
    return recognise(known, source);
}

TEST(CapturePosition, TellsTheSameFileAGrownOneAndAnother)
{
    const auto packets = traffic(3, 40);
    ASSERT_GT(packets.size(), 200U);
    for (const std::size_t length : {1, 2, 3, 64, 99, 150}) {
        SCOPED_TRACE(length);
        const std::vector<ledger::FilePosition> known{read_to(first(packets, length), 1, {length}),
                                                      read_to(traffic(4, 40), 2, {})};
        const auto same = recognised(known, first(packets, length));
        ASSERT_TRUE(same) << same.error().message;
        EXPECT_EQ(same->position, known[0]);
        EXPECT_TRUE(same->nothing_new);
        for (const std::size_t more : {length + 1, packets.size()}) {
            const auto grown = recognised(known, first(packets, more));
            ASSERT_TRUE(grown) << grown.error().message;
            EXPECT_EQ(grown->position, known[0]);
            EXPECT_FALSE(grown->nothing_new);
        }
        auto other = packets;
        other[length - 1].bytes[25] ^= 1U;    // its sequence number
        const auto another = recognised(known, other);
        ASSERT_TRUE(another) << another.error().message;
        EXPECT_EQ(another->position.packets, 0U);
        EXPECT_NE(another->position.file, known[0].file);
    }
}

TEST(CapturePosition, AFileReadHalfIsNotFinished)
{
    const auto packets = traffic(3, 40);
    const auto half = recognised({read_to(first(packets, 64), 1, {30})}, first(packets, 64));
    ASSERT_TRUE(half);
    EXPECT_EQ(half->position.packets, 64U);
    EXPECT_FALSE(half->nothing_new) << "the agent died before it knew that this was its end";
}

TEST(CapturePosition, OfTwoThatItBeginsWithTheLongerCounts)
{
    const auto packets = traffic(3, 40);
    const auto grown = recognised({read_to(first(packets, 120), 2, {}), read_to(first(packets, 50), 1, {50})}, packets);
    ASSERT_TRUE(grown);
    EXPECT_EQ(grown->position.packets, 120U);
}

TEST(CapturePosition, AKnownFileThatWasCutIsRefused)
{
    const auto packets = traffic(3, 40);
    const auto cut = recognised({read_to(packets, 1, {packets.size()})}, first(packets, 70));
    ASSERT_FALSE(cut);
    EXPECT_NE(cut.error().message.find("ends after packet 70"), std::string::npos) << cut.error().message;
    EXPECT_TRUE(recognised({read_to(packets, 1, {})}, {})) << "an empty one is no part of anything";
}

TEST(CapturePosition, AFileThatAnOlderAgentReadIsKnownByItsHead)
{
    const auto folder = std::filesystem::temp_directory_path() / ("capture-position-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::vector<std::uint8_t> octets;
    for (const std::size_t word : {0xa1b2c3d4UL, 0x20004UL, 0UL, 0UL, 65535UL, 101UL})
        put32(octets, word);
    for (const Recorded& packet : traffic(5, 20)) {
        put32(octets, static_cast<std::size_t>(packet.time_ns / 1'000'000'000));
        put32(octets, 0);
        put32(octets, packet.bytes.size());
        put32(octets, packet.bytes.size());
        octets.insert(octets.end(), packet.bytes.begin(), packet.bytes.end());
    }
    std::ofstream(folder / "file.pcap", std::ios::binary)
        .write(reinterpret_cast<const char*>(octets.data()), static_cast<std::streamsize>(octets.size()));
    const SystemClock clock;
    auto ledger = *ledger::open_ledger(folder / "ledger.db", {}, clock);
    EXPECT_EQ(recognise_file(folder / "file.pcap", *ledger)->position.packets, 0U);
    const Digest head = sha256(std::span(octets).first(4096));
    ASSERT_TRUE(ledger->book({}, {}, ledger::FilePosition{head, 20, {20}, ""}));
    const auto found = recognise_file(folder / "file.pcap", *ledger);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->position.file, head);
    EXPECT_EQ(found->position.ends, std::vector<std::uint64_t>{20});
    std::filesystem::remove_all(folder);
}

}    // namespace
}    // namespace dl::agent::service
