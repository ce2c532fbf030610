// A capture that is read by an agent which is killed again and again is booked exactly once.
#include "agent/service/capture_position.hpp"
#include "agent/service/watch.hpp"

#include "agent/identity/recorded_attributor.hpp"
#include "tests/unit/agent/service/machine.hpp"
#include "tests/unit/agent/service/recorded_traffic.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>

namespace dl::agent::service {
namespace {

using namespace std::chrono_literals;
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
        capture::MemorySource file(packets);
        const auto recognised = recognise(*(*ledger)->positions(), file);
        EXPECT_TRUE(recognised) << recognised.error().message;
        WatchPlan plan;
        plan.file = recognised->position;
        plan.nothing_new = recognised->nothing_new;
        plan.packets_per_commit = 37;
        Watch watch(plan, source, booker, **ledger, clock_, machine_);
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
    Machine machine_{clock_};
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

/// Connections, octets up and down, whatever name they were booked on.
std::array<std::uint64_t, 3> total(const std::map<ledger::CellKey, ledger::CellValue>& cells)
{
    std::array<std::uint64_t, 3> sum{};
    for (const auto& [key, value] : cells) {
        sum[0] += value.connections;
        sum[1] += value.bytes_up;
        sum[2] += value.bytes_down;
    }
    return sum;
}

TEST_F(WatchTest, ACaptureThatGrowsIsReadOnFromWhereItEnded)
{
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        SCOPED_TRACE(seed);
        const auto packets = traffic(seed, 60);
        const std::string whole = "whole-" + std::to_string(seed), grown = "grown-" + std::to_string(seed);
        ASSERT_TRUE(live_once(whole, packets, ~0ULL));
        std::mt19937_64 random(seed * 31);
        std::size_t length = 0;
        while (length < packets.size()) {
            length = std::min(packets.size(), length + 1 + random() % 90);
            const std::vector<Recorded> now(packets.begin(), packets.begin() + static_cast<std::ptrdiff_t>(length));
            live_once(grown, now, random() % (2 * length));    // may be killed
            ASSERT_TRUE(live_once(grown, now, ~0ULL));
            ASSERT_EQ(held(grown).counters.packets, length);
        }
        const Held expected = held(whole), found = held(grown);
        EXPECT_EQ(total(found.cells), total(expected.cells));
        EXPECT_EQ(found.counters.connections, expected.counters.connections);
        ASSERT_TRUE(live_once(grown, packets, 0)) << "there is nothing new, so it is not read";
        EXPECT_EQ(held(grown).cells, found.cells);
    }
}

TEST_F(WatchTest, AnotherCaptureThatBeginsAlikeIsAnother)
{
    const auto first = traffic(9, 30);
    auto second = traffic(10, 30);
    ASSERT_GT(second.size(), 50U);
    std::copy(first.begin(), first.begin() + 40, second.begin());
    ASSERT_TRUE(live_once("ledger", first, ~0ULL));
    ASSERT_TRUE(live_once("ledger", second, ~0ULL));
    EXPECT_EQ(held("ledger").counters.packets, first.size() + second.size());
    ASSERT_TRUE(live_once("ledger", first, 0));
    ASSERT_TRUE(live_once("ledger", second, 0));
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
        ASSERT_TRUE(Watch({}, source, booker, **ledger, clock_, machine_).run(stop, [] {}));
    }
    EXPECT_EQ((*ledger)->state()->counters.gap_seconds, 0u);
    clock_.advance(90s);
    {    // the last one ended by itself: no gap
        ledger::Booker booker({}, *attributor);
        capture::MemorySource source({});
        ASSERT_TRUE(Watch({}, source, booker, **ledger, clock_, machine_).run(stop, [] {}));
    }
    EXPECT_EQ((*ledger)->state()->counters.gap_seconds, 0u);
    ASSERT_TRUE((*ledger)->set_note("watching", "1"));    // this one did not
    clock_.advance(90s);
    {
        ledger::Booker booker({}, *attributor);
        capture::MemorySource source({});
        ASSERT_TRUE(Watch({}, source, booker, **ledger, clock_, machine_).run(stop, [] {}));
    }
    EXPECT_EQ((*ledger)->state()->counters.gap_seconds, 90u);
}

}    // namespace
}    // namespace dl::agent::service
