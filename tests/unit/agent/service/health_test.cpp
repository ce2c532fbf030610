// What status and doctor say of an agent in trouble, told from its ledger.
#include "agent/service/health.hpp"

#include <gtest/gtest.h>

namespace dl::agent::service {
namespace {

using namespace std::chrono_literals;

const Timestamp noon = Timestamp{*parse_iso_date("2026-03-09")} + 12h;

std::vector<std::string> checks(const ledger::State& state, bool watches_live = true)
{
    std::vector<std::string> said;
    for (const Finding& finding : examine_ledger(state, noon, watches_live, 10s)) {
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
    EXPECT_NE(examine_ledger(state, noon, true, 10s).front().what.find("2026-03-02, 7 days ago"), std::string::npos);
    state.oldest_unsent = day_of(noon) - std::chrono::days(1);
    EXPECT_EQ(checks(state), std::vector<std::string>{"lag warn"});
    state.oldest_unsent = day_of(noon) + std::chrono::days(1);    // the clock was set back
    EXPECT_EQ(days_behind(state, noon), 0U);
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
