// A capture that is read by an agent which is killed again and again is booked exactly once.
#include "agent/service/watch.hpp"

#include "agent/capture/memory_source.hpp"
#include "agent/identity/recorded_attributor.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <numeric>
#include <random>

namespace dl::agent::service {
namespace {

using namespace std::chrono_literals;
using Recorded = capture::MemorySource::Recorded;

constexpr std::uint32_t link_type_raw = 101;    // LINKTYPE_RAW: begins with the IP header

void put16(std::vector<std::uint8_t>& out, std::size_t value)
{
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}
void put32(std::vector<std::uint8_t>& out, std::size_t value)
{
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}

/// One direction of a made-up connection between 10.0.0.2 and 192.0.2.host.
struct Side {
    std::uint8_t host;
    std::uint16_t client_port;
    bool from_client;
};

std::vector<std::uint8_t> segment(const Side& side, std::uint32_t sequence, std::uint32_t acknowledged,
                                  std::uint8_t flags, std::string_view payload)
{
    std::vector<std::uint8_t> out{0x45, 0};
    put16(out, 40 + payload.size());
    for (const int byte : {0, 0, 0x40, 0, 64, 6, 0, 0})
        out.push_back(static_cast<std::uint8_t>(byte));
    const std::vector<std::uint8_t> client{10, 0, 0, 2}, server{192, 0, 2, side.host};
    for (const auto& end : side.from_client ? std::vector{client, server} : std::vector{server, client})
        out.insert(out.end(), end.begin(), end.end());
    put16(out, side.from_client ? side.client_port : 80);
    put16(out, side.from_client ? 80 : side.client_port);
    put32(out, sequence);
    put32(out, acknowledged);
    out.push_back(0x50);
    out.push_back(flags);
    put16(out, 8192);
    put32(out, 0);
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}

/// Connections that open, ask for a host, get data in pieces, interleaved at random; some end.
std::vector<Recorded> traffic(std::uint64_t seed, std::size_t connections)
{
    std::mt19937_64 random(seed);
    std::vector<std::vector<std::vector<std::uint8_t>>> conversations;
    for (std::size_t n = 0; n < connections; ++n) {
        const std::uint8_t host = static_cast<std::uint8_t>(1 + random() % 5);
        const std::uint16_t port = static_cast<std::uint16_t>(40000 + n);
        const Side up{host, port, true}, down{host, port, false};
        std::vector<std::vector<std::uint8_t>> packets;
        const std::string request = "GET / HTTP/1.1\r\nHost: s" + std::to_string(host) + ".example\r\n\r\n";
        std::uint32_t sent = 101;
        packets.push_back(segment(up, 100, 0, 0x02, ""));
        packets.push_back(segment(down, 900, 101, 0x12, ""));
        packets.push_back(segment(up, sent, 901, 0x10, ""));
        packets.push_back(segment(up, sent, 901, 0x18, request));
        sent += static_cast<std::uint32_t>(request.size());
        std::uint32_t received = 901;
        for (std::uint64_t piece = random() % 12; piece > 0; --piece) {
            const std::string body(1 + random() % 900, 'x');
            packets.push_back(segment(down, received, sent, 0x18, body));
            received += static_cast<std::uint32_t>(body.size());
            packets.push_back(segment(up, sent, received, 0x10, ""));
        }
        if (random() % 2) {
            packets.push_back(segment(up, sent, received, 0x11, ""));
            packets.push_back(segment(down, received, sent + 1, 0x11, ""));
        }
        conversations.push_back(std::move(packets));
    }
    std::vector<Recorded> recorded;
    std::vector<std::size_t> at(connections);
    const std::int64_t start =
        Timestamp{*parse_iso_date("2026-03-02")}.time_since_epoch().count() * 1000 + 86'300'000'000'000;
    std::vector<std::size_t> open(connections);
    std::iota(open.begin(), open.end(), std::size_t{0});
    while (!open.empty()) {
        const std::size_t place = random() % std::min<std::size_t>(open.size(), 8);
        const std::size_t n = open[place];
        recorded.push_back({start + static_cast<std::int64_t>(recorded.size()) * 150'000'000, link_type_raw,
                            conversations[n][at[n]++]});
        if (at[n] == conversations[n].size()) open.erase(open.begin() + static_cast<std::ptrdiff_t>(place));
    }
    return recorded;
}

/// Dies when it was asked often enough, as a process does: nothing after that moment happens.
struct Killed {};
class Mortal final : public capture::PacketSource {
public:
    Mortal(std::vector<Recorded> packets, std::uint64_t life) : source_(std::move(packets)), life_(life) {}
    Result<capture::Event> next(capture::Packet& packet) override
    {
        if (life_-- == 0) throw Killed{};
        return source_.next(packet);
    }

private:
    capture::MemorySource source_;
    std::uint64_t life_;
};

class WatchTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        directory_ = std::filesystem::temp_directory_path() / ("watch-" + std::to_string(::getpid()));
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    /// One life of an agent; false when it was killed.
    bool live_once(const std::string& name, const std::vector<Recorded>& packets, std::uint64_t life)
    {
        auto ledger = ledger::open_ledger(directory_ / name, {}, clock_);
        EXPECT_TRUE(ledger);
        const auto attributor = identity::create_memory_attributor({});
        ledger::BookerRules rules;
        rules.device = "laptop";
        ledger::Booker booker(rules, *attributor);
        Mortal source(packets, life);
        WatchPlan plan;
        plan.file = Digest{7};
        plan.packets_per_commit = 37;
        Watch watch(plan, source, booker, **ledger, clock_);
        const std::atomic<bool> stop{false};
        try {
            const auto end = watch.run(stop, [] {});
            EXPECT_TRUE(end) << end.error().message;
            return true;
        } catch (const Killed&) {
            return false;
        }
    }

    struct Held {
        std::map<ledger::CellKey, ledger::CellValue> cells;
        wire::Counters counters;
    };
    Held held(const std::string& name)
    {
        Held held;
        auto ledger = ledger::open_ledger(directory_ / name, {}, clock_);
        const auto batch = (*ledger)->unsent(100'000);
        for (const auto& cell : batch->cells)
            held.cells[cell.key] = cell.value;
        held.counters = batch->counters;
        return held;
    }

    std::filesystem::path directory_;
    FixedClock clock_{Timestamp{*parse_iso_date("2026-03-03")} + 1h};
};

TEST_F(WatchTest, ACaptureIsBookedExactlyOnceWheneverItsReaderIsKilled)
{
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        SCOPED_TRACE(seed);
        const auto packets = traffic(seed, 60);
        const std::string whole = "whole-" + std::to_string(seed), killed = "killed-" + std::to_string(seed);
        ASSERT_TRUE(live_once(whole, packets, ~0ULL));
        std::mt19937_64 random(seed * 77);
        for (int kills = 0; kills < 12; ++kills)
            ASSERT_FALSE(live_once(killed, packets, random() % packets.size()));
        ASSERT_TRUE(live_once(killed, packets, ~0ULL));
        const Held expected = held(whole), found = held(killed);
        EXPECT_GE(expected.cells.size(), 5u);    // five hosts, on two days
        EXPECT_EQ(found.cells, expected.cells);
        EXPECT_EQ(found.counters, expected.counters);
        EXPECT_EQ(found.counters.packets, packets.size());
        ASSERT_TRUE(live_once(killed, packets, ~0ULL));    // and reading it once more changes nothing
        EXPECT_EQ(held(killed).cells, expected.cells);
    }
}

TEST_F(WatchTest, AnotherFileUnderTheSamePositionIsNoticed)
{
    const auto packets = traffic(9, 30);
    ASSERT_FALSE(live_once("ledger", packets, packets.size() - 5));
    auto ledger = ledger::open_ledger(directory_ / "ledger", {}, clock_);
    const auto attributor = identity::create_memory_attributor({});
    ledger::Booker booker({}, *attributor);
    capture::MemorySource shorter(std::vector<Recorded>(packets.begin(), packets.begin() + 10));
    WatchPlan plan;
    plan.file = Digest{7};
    plan.packets_per_commit = 37;
    Watch watch(plan, shorter, booker, **ledger, clock_);
    const std::atomic<bool> stop{false};
    const auto end = watch.run(stop, [] {});
    ASSERT_FALSE(end);
    EXPECT_NE(end.error().message.find("ends after packet 10"), std::string::npos) << end.error().message;
}

TEST_F(WatchTest, AWatchThatWasKilledLeavesACountedGap)
{
    auto ledger = ledger::open_ledger(directory_ / "ledger", {}, clock_);
    const auto attributor = identity::create_memory_attributor({});
    const auto packets = traffic(4, 5);
    const std::atomic<bool> stop{false};
    {
        ledger::Booker booker({}, *attributor);
        capture::MemorySource source(packets);
        ASSERT_TRUE(Watch({}, source, booker, **ledger, clock_).run(stop, [] {}));
    }
    EXPECT_EQ((*ledger)->state()->counters.gap_seconds, 0u);
    clock_.advance(90s);
    {    // the last one ended by itself: no gap
        ledger::Booker booker({}, *attributor);
        capture::MemorySource source({});
        ASSERT_TRUE(Watch({}, source, booker, **ledger, clock_).run(stop, [] {}));
    }
    EXPECT_EQ((*ledger)->state()->counters.gap_seconds, 0u);
    ASSERT_TRUE((*ledger)->set_note("watching", "1"));    // this one did not
    clock_.advance(90s);
    {
        ledger::Booker booker({}, *attributor);
        capture::MemorySource source({});
        ASSERT_TRUE(Watch({}, source, booker, **ledger, clock_).run(stop, [] {}));
    }
    EXPECT_EQ((*ledger)->state()->counters.gap_seconds, 90u);
}

}    // namespace
}    // namespace dl::agent::service
