// Connections that are open while the agent is stopped or killed go on under their name, counted once.
#include "agent/identity/recorded_attributor.hpp"
#include "agent/service/watch.hpp"
#include "tests/unit/agent/service/machine.hpp"
#include "tests/unit/agent/service/recorded_traffic.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>

namespace dl::agent::service {
namespace {

using namespace std::chrono_literals;

enum class End { stopped, killed };
struct Killed {};

/// Lives through packets by their own time, with a breath after each, then is stopped, or is killed after a flush.
class Life final : public capture::PacketSource {
public:
    Life(std::vector<Recorded> packets, FixedClock& clock, End end)
        : count_(packets.size()), source_(std::move(packets)), clock_(clock), end_(end)
    {}
    Result<capture::Event> next(capture::Packet& packet) override
    {
        if (breath_) {
            breath_ = false;
            return capture::Event::idle;
        }
        if (count_ > 0) {
            --count_;
            breath_ = true;
            const auto event = source_.next(packet);
            clock_.set(Timestamp{std::chrono::microseconds(packet.time_ns / 1000)});
            return event;
        }
        if (end_ == End::stopped) return capture::Event::end;
        if (flushed_) throw Killed{};
        flushed_ = true;
        clock_.advance(2s);
        return capture::Event::idle;
    }

private:
    std::size_t count_;
    capture::MemorySource source_;
    FixedClock& clock_;
    End end_;
    bool breath_ = false;
    bool flushed_ = false;
};

struct Sum {
    std::uint64_t up = 0;
    std::uint64_t down = 0;
    friend bool operator==(const Sum&, const Sum&) = default;
};
struct Held {
    std::uint64_t connections = 0;
    std::map<std::string, Sum> hosts;    ///< those with bytes
    friend bool operator==(const Held&, const Held&) = default;
};
void PrintTo(const Held& held, std::ostream* out)
{
    *out << held.connections << " connections;";
    for (const auto& [host, sum] : held.hosts)
        *out << ' ' << host << ' ' << sum.up << '/' << sum.down;
}

class ContinuityTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        // In memory where there is such a place: hundreds of ledgers are made, and each waits for its disk.
        const std::filesystem::path memory("/dev/shm");
        directory_ = (std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path()) /
                     ("continuity-" + std::to_string(::getpid()));
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        rules_.device = "laptop";
        EXPECT_TRUE(rules_.personal_hosts.add("s3.example"));
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::unique_ptr<ledger::Ledger> ledger(const std::string& name)
    {
        auto opened = ledger::open_ledger(directory_ / name, {}, clock_);
        EXPECT_TRUE(opened);
        return std::move(*opened);
    }
    void live(const std::string& name, std::vector<Recorded> packets, End end, const std::string& place = "here")
    {
        const auto kept = ledger(name);
        const auto attributor = identity::create_memory_attributor({});
        ledger::Booker booker(rules_, *attributor);
        if (!packets.empty()) clock_.set(Timestamp{std::chrono::microseconds(packets.front().time_ns / 1000)});
        Life source(std::move(packets), clock_, end);
        WatchPlan plan;
        plan.flush_every = 2s;
        plan.place = place;
        Watch watch(plan, source, booker, *kept, clock_, machine_);
        const std::atomic<bool> stop{false};
        try {
            const auto ended = watch.run(stop, [] {});
            EXPECT_TRUE(ended) << ended.error().message;
            EXPECT_EQ(end, End::stopped);
        } catch (const Killed&) {
            EXPECT_EQ(end, End::killed);
        }
    }
    Held held(const std::string& name)
    {
        Held held;
        const auto unsent = ledger(name)->unsent(100'000);
        for (const auto& cell : unsent->cells) {
            held.connections += cell.value.connections;
            if (cell.value.bytes_up + cell.value.bytes_down == 0) continue;
            Sum& sum = held.hosts[cell.key.destination.host];
            sum.up += cell.value.bytes_up;
            sum.down += cell.value.bytes_down;
        }
        return held;
    }

    /// One connection that asks s1.example and gets `octets`; as packets of a capture, 150 ms apart.
    std::vector<Recorded> conversation(std::initializer_list<std::size_t> pieces, std::uint8_t host = 1)
    {
        const Side up{host, 40000, true}, down{host, 40000, false};
        const std::string request = "GET / HTTP/1.1\r\nHost: s" + std::to_string(host) + ".example\r\n\r\n";
        std::vector<std::vector<std::uint8_t>> packets{segment(up, 100, 0, 0x02, ""), segment(down, 900, 101, 0x12, ""),
                                                       segment(up, 101, 901, 0x18, request)};
        asked_ = request.size();
        std::uint32_t next = 901;
        for (const std::size_t piece : pieces) {
            packets.push_back(
                segment(down, next, static_cast<std::uint32_t>(101 + asked_), 0x18, std::string(piece, 'x')));
            next += static_cast<std::uint32_t>(piece);
        }
        std::vector<Recorded> recorded;
        for (auto& packet : packets)
            recorded.push_back({start_ns + static_cast<std::int64_t>(recorded.size()) * 150'000'000, link_type_raw,
                                std::move(packet)});
        return recorded;
    }
    static std::vector<Recorded> part(const std::vector<Recorded>& all, std::size_t from, std::size_t to)
    {
        return {all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(to)};
    }
    static void later(std::vector<Recorded>& packets, std::chrono::nanoseconds by)
    {
        for (Recorded& packet : packets)
            packet.time_ns += by.count();
    }

    static constexpr std::int64_t start_ns = 1'772'445'600'000'000'000;    // 2026-03-02 10:00
    std::filesystem::path directory_;
    ledger::BookerRules rules_;
    FixedClock clock_{Timestamp{std::chrono::microseconds(start_ns / 1000)}};
    Machine machine_{clock_};
    std::size_t asked_ = 0;
};

TEST_F(ContinuityTest, CutAnywhereTotalsAndNamesAreThoseOfTheWhole)
{
    const auto packets = traffic(5, 12);
    live("whole", packets, End::stopped);
    const Held whole = held("whole");
    EXPECT_EQ(whole.connections, 12U);
    EXPECT_TRUE(whole.hosts.contains("personal"));
    for (const End end : {End::stopped, End::killed})
        for (std::size_t cut = 1; cut < packets.size(); ++cut) {
            SCOPED_TRACE(std::string(end == End::killed ? "killed" : "stopped") + " after packet " +
                         std::to_string(cut) + " of " + std::to_string(packets.size()));
            const std::string name = "cut";
            for (const char* each : {"cut", "cut-wal", "cut-shm"})
                std::filesystem::remove(directory_ / each);
            live(name, part(packets, 0, cut), end);
            live(name, part(packets, cut, packets.size()), End::stopped);
            ASSERT_EQ(held(name), whole);
        }
}

TEST_F(ContinuityTest, ALifeForEachPacket)
{
    const auto packets = traffic(6, 4);
    live("whole", packets, End::stopped);
    for (std::size_t at = 0; at < packets.size(); ++at)
        live("cut", part(packets, at, at + 1), at % 2 == 0 ? End::killed : End::stopped);
    EXPECT_EQ(held("cut"), held("whole"));
}

TEST_F(ContinuityTest, WhatTheNumbersTellOfTheTimeBetweenCounts)
{
    const auto packets = conversation({1000, 5000, 5000, 100});
    live("ledger", part(packets, 0, 4), End::killed);
    auto rest = part(packets, 6, 7);
    later(rest, 1h);
    live("ledger", rest, End::stopped);
    const Held expected{1, {{"s1.example", {asked_, 11100}}}};
    EXPECT_EQ(held("ledger"), expected);
}

TEST_F(ContinuityTest, PortsUsedAnewMeanwhileTakeNoName)
{
    const auto packets = conversation({1000, 1000});
    live("ledger", part(packets, 0, 4), End::stopped);
    const Side up{1, 40000, true};
    live("ledger", {{packets[4].time_ns, link_type_raw, segment(up, 2'000'000'000, 3'000'000'000, 0x18, "more")}},
         End::stopped);
    const Held expected{2, {{"s1.example", {asked_, 1000}}, {"192.0.2.1", {4, 0}}}};
    EXPECT_EQ(held("ledger"), expected);
}

TEST_F(ContinuityTest, AConnectionThatOpensIsAnother)
{
    const auto packets = conversation({1000});
    live("ledger", packets, End::stopped);
    auto again = conversation({10}, 1);
    const Side up{1, 40000, true}, down{1, 40000, false};
    again[0].bytes = segment(up, 7100, 0, 0x02, "");    // another number
    again[1].bytes = segment(down, 900, 7101, 0x12, "");
    again.resize(2);
    later(again, 10s);
    live("ledger", again, End::stopped);
    EXPECT_EQ(held("ledger").connections, 2U);
    EXPECT_EQ(held("ledger").hosts.at("s1.example").down, 1000U);
}

TEST_F(ContinuityTest, WhatIsOldOrOfAnotherPlaceIsDropped)
{
    const auto packets = conversation({1000, 1000});
    for (const auto& [name, place, after] :
         {std::tuple{"same", "here", 1h}, std::tuple{"place", "another boot", 1h}, std::tuple{"old", "here", 3h}}) {
        SCOPED_TRACE(name);
        live(name, part(packets, 0, 4), End::stopped);
        auto rest = part(packets, 4, 5);
        later(rest, after);
        EXPECT_EQ(ledger(name)->state()->open_connections, 1U);
        live(name, rest, End::stopped, place);
        const bool goes_on = std::string_view(name) == "same";
        EXPECT_EQ(held(name).hosts.at("s1.example").down, goes_on ? 2000U : 1000U);
        EXPECT_EQ(held(name).connections, goes_on ? 1U : 2U);
        EXPECT_EQ(ledger(name)->state()->open_connections, 1U);    // the old one is gone
    }
}

TEST_F(ContinuityTest, WhatEndedIsNotKept)
{
    auto packets = conversation({1000});
    const Side up{1, 40000, true};
    packets.push_back(
        {packets.back().time_ns, link_type_raw, segment(up, static_cast<std::uint32_t>(101 + asked_), 1901, 0x14, "")});
    live("ledger", packets, End::stopped);
    clock_.advance(20s);
    live("ledger", {}, End::stopped);
    EXPECT_EQ(ledger("ledger")->state()->open_connections, 0U);
}

TEST_F(ContinuityTest, NeitherPersonalNamesNorAddressesAreKept)
{
    live("ledger", conversation({1000}, 3), End::stopped);
    const auto kept = ledger("ledger")->open_connections();
    ASSERT_TRUE(kept);
    ASSERT_EQ(kept->size(), 1U);
    EXPECT_EQ(kept->front().connection.name, "personal");
    std::string all;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
        std::ifstream in(file.path(), std::ios::binary);
        all.append(std::istreambuf_iterator<char>(in), {});
    }
    EXPECT_NE(all.find("personal"), std::string::npos);
    EXPECT_EQ(all.find("s3.example"), std::string::npos);
    EXPECT_EQ(all.find("192.0.2.3"), std::string::npos);
    EXPECT_EQ(all.find(std::string("\x0a\x00\x00\x02", 4)), std::string::npos);
    EXPECT_EQ(all.find(std::string("\xc0\x00\x02\x03", 4)), std::string::npos);
}

}    // namespace
}    // namespace dl::agent::service
