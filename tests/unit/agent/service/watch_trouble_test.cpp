// What a watch notices, counts and tells while its interface is away or its ledger can't be written.
#include "agent/identity/recorded_attributor.hpp"
#include "agent/service/watch.hpp"
#include "tests/unit/agent/service/machine.hpp"
#include "tests/unit/agent/service/recorded_traffic.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>

namespace dl::agent::service {
namespace {

using namespace std::chrono_literals;

class WatchTroubleTest : public ::testing::Test, public capture::PacketSource {
protected:
    void SetUp() override
    {
        directory_ = std::filesystem::temp_directory_path() / ("trouble-" + std::to_string(::getpid()));
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        ledger_ = *ledger::open_ledger(directory_ / "ledger.db", {}, clock_);
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
    bool absent() const override { return absent_; }

    /// Something happens, then so much time passes.
    void then(
        std::chrono::seconds time, std::function<void()> what = [] {})
    {
        steps_.push_back([this, time, what = std::move(what)] {
            what();
            clock_.advance(time);
            return std::vector<std::uint8_t>{};
        });
    }
    void connection(std::uint16_t port)
    {
        for (auto bytes : {segment({1, port, true}, 100, 0, 0x02, ""), segment({1, port, false}, 900, 101, 0x12, ""),
                           segment({1, port, true}, 101, 901, 0x18, "GET / HTTP/1.1\r\nHost: s1.example\r\n\r\n")})
            steps_.push_back([this, bytes = std::move(bytes)] {
                clock_.advance(10ms);
                return bytes;
            });
    }
    std::optional<Standing> standing() { return read_standing(directory_); }
    /// By another connection, as another program would.
    void sql(const char* statement)
    {
        sqlite3* raw = nullptr;
        ASSERT_EQ(sqlite3_open((directory_ / "ledger.db").c_str(), &raw), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(raw, statement, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
        sqlite3_close(raw);
    }

    void watch()
    {
        const auto attributor = identity::create_memory_attributor({});
        ledger::BookerRules rules;
        rules.device = "laptop";
        ledger::Booker booker(rules, *attributor);
        auto page = *StandingPage::open(directory_);
        WatchPlan plan;
        plan.flush_every = 10s;
        plan.interface = "tun0";
        plan.standing = &page;
        Watch watch(plan, *this, booker, *ledger_, clock_, machine_);
        const std::atomic<bool> stop{false};
        const auto ended = watch.run(stop, [] {});
        EXPECT_TRUE(ended) << ended.error().message;
    }

    std::filesystem::path directory_;
    FixedClock clock_{Timestamp{*parse_iso_date("2026-03-09")} + 12h};
    Machine machine_{clock_};
    std::unique_ptr<ledger::Ledger> ledger_;
    std::deque<std::function<std::vector<std::uint8_t>()>> steps_;
    std::vector<std::uint8_t> bytes_;
    bool absent_ = false;
};

TEST_F(WatchTroubleTest, AnInterfaceThatIsAwayIsToldWhileItLastsAndIsAGap)
{
    connection(40000);
    then(15s);
    then(0s, [&] {
        EXPECT_FALSE(standing()->absence);
        absent_ = true;
    });
    const Timestamp since = clock_.now() + 30ms + 15s;
    then(42s, [&] {
        ASSERT_TRUE(standing());
        EXPECT_EQ(standing()->absence, (Standing::Absence{since, "tun0"}));
    });
    then(0s, [&] { machine_.leap(8h); });    // asleep: nothing is missed
    then(0s, [&] {
        EXPECT_EQ(ledger_->state()->counters.gap_seconds, 42U) << "counted while it lasts";
        absent_ = false;
    });
    then(11s);
    then(0s, [&] { EXPECT_FALSE(standing()->absence); });
    watch();
    EXPECT_EQ(ledger_->state()->counters.gap_seconds, 42U);
    EXPECT_EQ(*ledger_->note(absence_note), to_rfc3339(since) + " to " + to_rfc3339(since + 42s + 8h) + ": tun0");
}

TEST_F(WatchTroubleTest, ALedgerDamagedMeanwhileIsReplacedAndWhatWasSeenIsInTheNewOne)
{
    connection(40000);
    then(11s);
    then(0s, [&] {
        EXPECT_EQ(ledger_->state()->cells, 1U);
        sql("UPDATE notes SET value = value");    // what the ledger has in memory is stale
        sql("PRAGMA wal_checkpoint(TRUNCATE)");
        const auto size = std::filesystem::file_size(directory_ / "ledger.db");
        std::fstream out(directory_ / "ledger.db", std::ios::in | std::ios::out | std::ios::binary);
        out.seekp(4096);
        out << std::string(size - 4096, 'x');
    });
    connection(40001);
    then(11s);
    then(0s, [&] {
        EXPECT_FALSE(standing()->disk);
        const auto state = ledger_->state();
        EXPECT_EQ(state->cells, 1U);
        EXPECT_EQ(state->counters.connections, 1U) << "the one after it, once";
        EXPECT_EQ(state->open_connections, 2U) << "both go on";
        EXPECT_EQ(*ledger_->note("watching"), "1");
    });
    watch();
    EXPECT_EQ(ledger_->begun_anew(), 1U);
    EXPECT_FALSE(ledger_->note(ledger::set_aside_note)->empty());
}

TEST_F(WatchTroubleTest, ALedgerThatCannotBeWrittenIsToldAtOnceAndNothingCountsTwice)
{
    then(1s, [&] { sql("CREATE TRIGGER full BEFORE INSERT ON cells BEGIN SELECT RAISE(ABORT, 'disk is full'); END"); });
    connection(40000);
    then(11s);
    then(1s, [&] {
        ASSERT_TRUE(standing());
        ASSERT_TRUE(standing()->disk) << "after one attempt";
        EXPECT_NE(standing()->disk->why.find("disk is full"), std::string::npos) << standing()->disk->why;
        EXPECT_EQ(standing()->disk->since, clock_.now());
        EXPECT_EQ(standing()->disk->cells_waiting, 1U);
        // Room for the cells, but none for the note of what was: the cells are booked, once.
        sql("DROP TRIGGER full; CREATE TRIGGER no_note BEFORE INSERT ON notes WHEN NEW.key = 'disk_trouble' "
            "BEGIN SELECT RAISE(ABORT, 'disk is full'); END");
    });
    then(11s);
    then(11s, [&] { sql("DROP TRIGGER no_note"); });
    then(11s);
    then(1s, [&] { EXPECT_FALSE(standing()->disk); });
    watch();
    const auto batch = ledger_->unsent(10);
    ASSERT_EQ(batch->cells.size(), 1U);
    EXPECT_EQ(batch->cells[0].value.connections, 1U);
    EXPECT_NE(ledger_->note(disk_trouble_note)->find("disk is full"), std::string::npos);
}

TEST_F(WatchTroubleTest, LimitsThatWereReachedOutliveTheAgent)
{
    const auto fragment = [&](std::uint16_t id) {    // the first of two that never come whole
        auto bytes = segment({1, 40000, true}, 100, 0, 0x10, std::string(24, 'x'));
        bytes[4] = static_cast<std::uint8_t>(id >> 8U);
        bytes[5] = static_cast<std::uint8_t>(id);
        bytes[6] = 0x20;
        bytes[7] = 0;
        steps_.push_back([this, bytes] {
            clock_.advance(1ms);
            return bytes;
        });
    };
    const auto counted = [&] {
        const auto note = ledger_->note(reached_limits_note);
        for (std::size_t i = 0; i < known_limits.size(); ++i)
            if (std::string_view(known_limits[i].item) == "fragments_given_up")
                return parse_reached_limits(*note).counts[i].count;
        return std::uint64_t{0};
    };
    for (std::uint16_t id = 0; id < 2000; ++id)
        fragment(id);
    watch();
    const auto first = counted();
    EXPECT_GT(first, 100U);
    for (std::uint16_t id = 0; id < 2000; ++id)
        fragment(id);
    watch();
    EXPECT_EQ(counted(), 2 * first);
}

}    // namespace
}    // namespace dl::agent::service
