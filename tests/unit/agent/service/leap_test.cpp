// The clock leaps while connections are open: the machine slept, or somebody set it.
#include "agent/identity/recorded_attributor.hpp"
#include "agent/service/watch.hpp"
#include "tests/unit/agent/service/machine.hpp"
#include "tests/unit/agent/service/recorded_traffic.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <map>

namespace dl::agent::service {
namespace {

using namespace std::chrono_literals;

class LeapTest : public ::testing::Test, public capture::PacketSource {
protected:
    void SetUp() override
    {
        directory_ = std::filesystem::temp_directory_path() / ("leap-" + std::to_string(::getpid()));
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    Result<capture::Event> next(capture::Packet& packet) override
    {
        if (steps_.empty()) return capture::Event::end;
        const auto step = std::move(steps_.front());
        steps_.pop_front();
        bytes_ = step();
        if (bytes_.empty()) return capture::Event::idle;
        packet.time_ns = clock_.now().time_since_epoch().count() * 1000;
        packet.link_type = link_type_raw;
        packet.original_length = static_cast<std::uint32_t>(bytes_.size());
        packet.bytes = bytes_;
        return capture::Event::packet;
    }

    void packet(std::vector<std::uint8_t> bytes)
    {
        steps_.push_back([this, bytes = std::move(bytes)] {
            clock_.advance(10ms);
            return bytes;
        });
    }
    void passes(std::chrono::seconds time)
    {
        steps_.push_back([this, time] {
            clock_.advance(time);
            return std::vector<std::uint8_t>{};
        });
    }
    void leaps(std::chrono::seconds by)    // and a packet may be the first that tells
    {
        auto next = std::move(steps_.back());
        steps_.back() = [this, by, next = std::move(next)] {
            auto bytes = next();
            machine_.leap(by);
            return bytes;
        };
    }
    /// Opens a connection to s1.example.
    void ask()
    {
        packet(segment(up_, 100, 0, 0x02, ""));
        packet(segment(down_, 900, 101, 0x12, ""));
        packet(segment(up_, 101, 901, 0x18, request_));
        passes(2s);
    }
    void answer(std::size_t octets)
    {
        packet(segment(down_, answered_, end_of_request_, 0x18, std::string(octets, 'x')));
        answered_ += static_cast<std::uint32_t>(octets);
        packet(segment(up_, end_of_request_, answered_, 0x10, ""));
    }

    struct Use {
        std::uint64_t connections = 0, up = 0, down = 0;
        friend bool operator==(const Use&, const Use&) = default;
    };
    /// By host and day; every cell's times lie in its day.
    std::map<std::pair<std::string, std::string>, Use> watched()
    {
        auto ledger = *ledger::open_ledger(directory_ / "ledger.db", {}, clock_);
        const auto attributor = identity::create_memory_attributor({});
        ledger::BookerRules rules;
        rules.device = "laptop";
        ledger::Booker booker(rules, *attributor);
        WatchPlan plan;
        plan.flush_every = 1s;
        plan.place = "here";
        Watch watch(plan, *this, booker, *ledger, clock_, machine_);
        const std::atomic<bool> stop{false};
        const auto ended = watch.run(stop, [] {});
        EXPECT_TRUE(ended) << ended.error().message;
        std::map<std::pair<std::string, std::string>, Use> uses;
        const auto batch = ledger->unsent(1000);
        for (const auto& cell : batch->cells) {
            Use& use = uses[{cell.key.destination.host, to_iso_date(cell.key.day)}];
            use.connections += cell.value.connections;
            use.up += cell.value.bytes_up;
            use.down += cell.value.bytes_down;
            EXPECT_EQ(day_of(cell.value.first_seen), cell.key.day);
            EXPECT_EQ(day_of(cell.value.last_seen), cell.key.day);
        }
        return uses;
    }
    using Uses = std::map<std::pair<std::string, std::string>, Use>;

    std::filesystem::path directory_;
    FixedClock clock_{Timestamp{*parse_iso_date("2026-03-06")} + 18h};    // a Friday
    Machine machine_{clock_};
    std::deque<std::function<std::vector<std::uint8_t>()>> steps_;
    std::vector<std::uint8_t> bytes_;
    const Side up_{1, 40000, true}, down_{1, 40000, false};
    const std::string request_ = "GET / HTTP/1.1\r\nHost: s1.example\r\n\r\n";
    const std::uint32_t end_of_request_ = 101 + static_cast<std::uint32_t>(request_.size());
    std::uint32_t answered_ = 901;
};

TEST_F(LeapTest, ASleepOverTheWeekendLeavesConnectionsTheirNames)
{
    ask();
    answer(100);
    passes(2s);
    leaps(62h);
    answer(1000);
    passes(2s);
    EXPECT_EQ(watched(), (Uses{{{"s1.example", "2026-03-06"}, {1, request_.size(), 100}},
                               {{"s1.example", "2026-03-09"}, {0, 0, 1000}}}));
}

TEST_F(LeapTest, APacketIsTheFirstToTellOfASleep)
{
    ask();
    answer(100);
    answer(1000);
    auto first_after = std::move(steps_[steps_.size() - 2]);    // of the second answer
    steps_[steps_.size() - 2] = [this, first_after = std::move(first_after)] {
        machine_.leap(62h);
        return first_after();
    };
    passes(2s);
    EXPECT_EQ(watched(), (Uses{{{"s1.example", "2026-03-06"}, {1, request_.size(), 100}},
                               {{"s1.example", "2026-03-09"}, {0, 0, 1000}}}));
}

TEST_F(LeapTest, SoManyHoursAwakeAreIdle)
{
    ask();
    answer(100);
    passes(2s);
    passes(62h);
    passes(2s);
    answer(1000);
    passes(5s);
    const Uses uses = watched();
    EXPECT_EQ(uses.at({"s1.example", "2026-03-06"}), (Use{1, request_.size(), 100}));
    EXPECT_EQ(uses.at({"192.0.2.1", "2026-03-09"}), (Use{1, 0, 1000})) << "another connection, without a name";
}

TEST_F(LeapTest, SetAheadAndBackBooksNothingTwiceAndNothingOnADayThatIsNotOver)
{
    ask();
    answer(100);
    passes(2s);
    leaps(24h * 400);
    passes(2s);
    passes(2s);
    leaps(-24h * 400);
    passes(2s);
    answer(1000);
    passes(2s);
    EXPECT_EQ(watched(), (Uses{{{"s1.example", "2026-03-06"}, {1, request_.size(), 1100}}}));
}

TEST_F(LeapTest, SilenceOverMidnightBelongsToNoDay)
{
    clock_.set(Timestamp{*parse_iso_date("2026-03-06")} + 22h + 30min);
    ask();
    answer(100);
    passes(2s);
    passes(110min);
    answer(1000);
    passes(2s);
    EXPECT_EQ(watched(), (Uses{{{"s1.example", "2026-03-06"}, {1, request_.size(), 100}},
                               {{"s1.example", "2026-03-07"}, {0, 0, 1000}}}));
}

}    // namespace
}    // namespace dl::agent::service
