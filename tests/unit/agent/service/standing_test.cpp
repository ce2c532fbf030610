// The page on which a running agent says how things stand.
#include "agent/service/standing.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace dl::agent::service {
namespace {

using namespace std::chrono_literals;

const Timestamp noon = Timestamp{*parse_iso_date("2026-03-09")} + 12h;

Standing troubled()
{
    Standing standing;
    standing.at = noon;
    standing.disk = Standing::DiskTrouble{noon - 90s, "database or disk is full", 7, 2};
    standing.absence = Standing::Absence{noon - 30s, "tun0"};
    standing.limits = ReachedLimits{};
    standing.limits->counts[1] = {5, noon - 1h};
    return standing;
}

TEST(Standing, ReadsBackAsItWasWritten)
{
    EXPECT_EQ(parse_page(to_page(troubled())), troubled());
    Standing well;
    well.at = noon;
    EXPECT_EQ(parse_page(to_page(well)), well);
    Standing odd = troubled();
    odd.disk->why = std::string(5000, '\x01') + "\xff\n";
    EXPECT_EQ(to_page(odd).size(), standing_octets);
    EXPECT_TRUE(parse_page(to_page(odd))) << "cut, but whole";
}

TEST(Standing, APageMetInItsMiddleIsNone)
{
    Standing before = troubled();
    before.disk.reset();
    const std::string older = to_page(before), newer = to_page(troubled());
    std::size_t differs = 0;
    while (older[differs] == newer[differs])
        ++differs;
    for (const std::size_t torn : {differs + 1, std::size_t{80}, std::size_t{120}})
        EXPECT_FALSE(parse_page(newer.substr(0, torn) + older.substr(torn))) << torn;
    EXPECT_FALSE(parse_page(""));
    EXPECT_FALSE(parse_page(std::string(standing_octets, ' ')));
    EXPECT_FALSE(parse_page("daylight-standing 1 \n"));
}

TEST(Standing, IsWrittenOverInPlaceAndForItsOwnerAlone)
{
    const auto folder = std::filesystem::temp_directory_path() / ("standing-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    EXPECT_FALSE(read_standing(folder));
    {
        auto page = StandingPage::open(folder);
        ASSERT_TRUE(page) << page.error().message;
        EXPECT_FALSE(read_standing(folder)) << "nothing is said yet, and nothing of an earlier agent is left";
        struct stat before {
        }, after{};
        ASSERT_EQ(::stat((folder / "standing").c_str(), &before), 0);
        EXPECT_EQ(before.st_mode & 0777, 0600U);
        page->write(troubled());
        EXPECT_EQ(read_standing(folder), troubled());
        ASSERT_EQ(::stat((folder / "standing").c_str(), &after), 0);
        EXPECT_EQ(after.st_size, before.st_size);
        EXPECT_EQ(after.st_ino, before.st_ino);
    }
    EXPECT_TRUE(StandingPage::open(folder));
    EXPECT_FALSE(read_standing(folder)) << "what an earlier agent said is over when the next one starts";
    std::filesystem::remove_all(folder);
}

TEST(Standing, LimitsAddUpOverLives)
{
    flow::Counters counters;
    counters.connections_evicted = 3;
    const ReachedLimits first = ReachedLimits::after({}, {}, counters, noon);
    EXPECT_EQ(first.counts[0], (ReachedLimits::Count{3, noon}));
    EXPECT_EQ(ReachedLimits::after({}, first, counters, noon + 1h), first) << "nothing more: the moment stays";
    EXPECT_EQ(parse_reached_limits(to_note(first)), first);
    counters.connections_evicted = 1;    // in the next life
    EXPECT_EQ(ReachedLimits::after(first, first, counters, noon + 2h).counts[0], (ReachedLimits::Count{4, noon + 2h}));
    EXPECT_EQ(parse_reached_limits(""), ReachedLimits{});
    EXPECT_EQ(parse_reached_limits(R"({"connections_ended_early":["x",1],"fragments_given_up":3})"), ReachedLimits{});
}

}    // namespace
}    // namespace dl::agent::service
