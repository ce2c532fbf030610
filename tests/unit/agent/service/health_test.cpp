// What status and doctor say of an agent in trouble, told from its ledger.
#include "agent/service/health.hpp"

#include <gtest/gtest.h>

namespace dl::agent::service {
namespace {

using namespace std::chrono_literals;

const Timestamp noon = Timestamp{*parse_iso_date("2026-03-09")} + 12h;

Circumstances at(Timestamp now, bool watches_live = true)
{
    return {now, watches_live, 10s, 64ULL << 20U, std::nullopt};
}

std::vector<std::string> checks(const ledger::State& state, bool watches_live = true)
{
    std::vector<std::string> said;
    for (const Finding& finding : examine_ledger(state, at(noon, watches_live))) {
        EXPECT_FALSE(finding.next.empty());
        said.push_back(finding.check + " " + to_string(finding.grade));
    }
    return said;
}

TEST(Health, SaysNothingOfALedgerThatIsWell)
{
    ledger::State state;
    EXPECT_TRUE(checks(state).empty());    // nothing booked yet
    state.last_booked = noon - 9s;
    state.unsent = 5;
    state.oldest_unsent = day_of(noon);
    EXPECT_TRUE(checks(state).empty());
}

TEST(Health, AnAgentThatCannotWriteIsNoticedByItsSilence)
{
    ledger::State state;
    state.last_booked = noon - 36s;
    EXPECT_EQ(checks(state), std::vector<std::string>{"booking fail"});
    EXPECT_TRUE(checks(state, false).empty());    // it does not run, or reads a capture
}

TEST(Health, TellsHowManyDaysReportsAreBehind)
{
    ledger::State state;
    state.unsent = 40;
    state.oldest_unsent = day_of(noon) - std::chrono::days(7);
    EXPECT_EQ(days_behind(state, noon), 7U);
    EXPECT_EQ(checks(state), std::vector<std::string>{"lag fail"});
    EXPECT_NE(examine_ledger(state, at(noon)).front().what.find("2026-03-02, 7 days ago"), std::string::npos);
    state.oldest_unsent = day_of(noon) - std::chrono::days(1);
    EXPECT_EQ(checks(state), std::vector<std::string>{"lag warn"});
    state.oldest_unsent = day_of(noon) + std::chrono::days(1);    // the clock was set back
    EXPECT_EQ(days_behind(state, noon), 0U);
}

/// A week of 1,000 new cells a day of 200 octets, none of which was told.
ledger::State week_without_collector()
{
    ledger::State state;
    state.last_booked = noon - 9s;
    state.unsent = state.cells = 7000;
    state.unsent_days = 7;
    state.bytes = 7000 * 200;
    state.oldest_unsent = day_of(noon) - std::chrono::days(6);
    return state;
}

TEST(Health, TellsWhenTheLedgerWillBeFullAndWhatGoesThen)
{
    ledger::State state = week_without_collector();
    // 1 MiB holds 5,242 such cells: full already. 10 MiB: 52,428, so 45 days more.
    EXPECT_EQ(room_until(state, 1ULL << 20U, noon), day_of(noon));
    EXPECT_EQ(room_until(state, 10ULL << 20U, noon), day_of(noon) + std::chrono::days(45));
    EXPECT_EQ(room_until(state, 4096ULL << 20U, noon), std::nullopt) << "more than ten years";
    Circumstances now = at(noon);
    now.ledger_limit_octets = 10ULL << 20U;
    const auto said = examine_ledger(state, now);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0].grade, Finding::Grade::fail);
    EXPECT_NE(said[0].what.find("room until about 2026-04-23, then the use of 2026-03-03 goes first"),
              std::string::npos)
        << said[0].what;
    state.counters.cells_dropped = 12;
    EXPECT_NE(examine_ledger(state, now)[0].what.find("12 cells were let go already"), std::string::npos);
    state.oldest_unsent = day_of(noon);
    EXPECT_EQ(room_until(state, 1ULL << 20U, noon), std::nullopt) << "only of today: nothing is late";
}

TEST(Health, OverAWeekTheWordsFollowTheClock)
{
    ledger::State state;
    state.cells = state.unsent = 500;
    state.bytes = 100'000;
    state.unsent_days = 1;
    state.oldest_unsent = day_of(noon);
    const auto said_after = [&](int days) {
        const Timestamp now = noon + std::chrono::days(days);
        state.last_booked = now;
        const auto said = examine_ledger(state, at(now));
        return said.empty() ? std::string("nothing") : said[0].check + " " + to_string(said[0].grade);
    };
    EXPECT_EQ(said_after(0), "nothing");
    EXPECT_EQ(said_after(1), "lag warn");
    EXPECT_EQ(said_after(2), "lag fail");
    EXPECT_EQ(said_after(7), "lag fail");
}

TEST(Health, ACertificateThatEndedWhileTheCollectorWasAwayStillRenewsItself)
{
    const uplink::Validity validity{noon - std::chrono::days(7), noon};
    const auto told = [&](std::chrono::seconds after) {
        const Finding finding = examine_certificate(validity, noon + after);
        return std::string(to_string(finding.grade)) + ": " + finding.what + " / " + finding.next;
    };
    EXPECT_TRUE(told(-std::chrono::days(5)).starts_with("ok: good until 2026-03-09")) << told(-std::chrono::days(5));
    EXPECT_TRUE(told(-1h).starts_with("warn: was not renewed in time")) << told(-1h);
    EXPECT_TRUE(told(std::chrono::days(3)).starts_with("warn: has expired")) << told(std::chrono::days(3));
    EXPECT_NE(told(std::chrono::days(3)).find("until 2026-06-07 it still renews itself"), std::string::npos)
        << told(std::chrono::days(3));
    EXPECT_TRUE(told(std::chrono::days(91)).starts_with("fail: has expired")) << told(std::chrono::days(91));
    EXPECT_NE(told(std::chrono::days(91)).find("enrol again"), std::string::npos);
    EXPECT_TRUE(told(-std::chrono::days(9)).starts_with("fail: is not valid before"));
}

TEST(Health, WhatTheAgentSaysItselfIsToldAtOnceAndOnce)
{
    Standing standing;
    standing.at = noon;
    EXPECT_TRUE(examine_standing(standing, noon).empty());
    standing.disk = Standing::DiskTrouble{noon - 2s, "disk is full", 40, 3};
    standing.absence = Standing::Absence{noon - 60s, "tun0"};
    const auto said = examine_standing(standing, noon);
    ASSERT_EQ(said.size(), 2U);
    EXPECT_EQ(said[0].check, "booking");
    EXPECT_EQ(said[0].grade, Finding::Grade::fail);
    EXPECT_NE(said[0].what.find("disk is full; 40 cells wait in memory, 3 found no room"), std::string::npos);
    EXPECT_NE(said[0].next.find("make room"), std::string::npos);
    EXPECT_NE(said[1].what.find("interface tun0 is not there since 2026-03-09T11:59:00"), std::string::npos)
        << said[1].what;

    ledger::State state;
    state.last_booked = noon - 5min;
    Circumstances now = at(noon);
    now.standing = standing;
    EXPECT_TRUE(examine_ledger(state, now).empty()) << "said already";
}

TEST(Health, LimitsThatWereReachedAreToldForAWeek)
{
    ReachedLimits reached;
    EXPECT_TRUE(examine_limits(reached, noon).empty());
    reached.counts[0] = {12, noon - 1h};
    reached.counts[2] = {3, noon - std::chrono::days(8)};
    const auto said = examine_limits(reached, noon);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0].grade, Finding::Grade::warn);
    EXPECT_TRUE(said[0].what.starts_with("12 connections were ended early")) << said[0].what;
    EXPECT_FALSE(said[0].next.empty());
}

TEST(Health, AClockThatWasSetBackIsNoticed)
{
    ledger::State state;
    state.last_booked = noon + 24h;
    EXPECT_EQ(checks(state), std::vector<std::string>{"clock warn"});
    EXPECT_EQ(seconds_between(*state.last_booked, noon), 0U);
}

}    // namespace
}    // namespace dl::agent::service
