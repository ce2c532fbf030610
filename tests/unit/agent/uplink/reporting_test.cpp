#include "agent/uplink/reporting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace dl::agent::uplink {
namespace {

using namespace std::chrono_literals;

const Timestamp start = Timestamp{*parse_iso_date("2026-03-02")} + 9h;
const Validity week{start, start + 7 * 24h};

Pace pace()
{
    Pace made;
    made.report_every = 300s;
    made.jitter = 0.2;
    made.most_cells = 16;
    return made;
}

Reporting reporting(double chance = 0.5)
{
    return {pace(), [chance] { return chance; }};
}

wire::Reply reply(wire::Order order = wire::Order::none)
{
    wire::Reply made;
    made.order = order;
    return made;
}

/// Something that was not sent before.
Unsent more()
{
    static std::uint64_t revision = 0;
    Unsent made;
    made.anything = true;
    made.revision = ++revision;
    return made;
}

std::size_t cells_of(const Action& action)
{
    const auto* send = std::get_if<SendReport>(&action);
    return send ? send->most_cells : 0;
}

Timestamp until_of(const Action& action)
{
    const auto* wait = std::get_if<Wait>(&action);
    return wait ? wait->until : Timestamp{};
}

TEST(Reporting, AShorterIntervalBringsTheNextReportForward)
{
    Reporting one = reporting();
    ASSERT_EQ(cells_of(one.next(start, more(), week)), 16u);
    EXPECT_EQ(one.replied(start, reply(), true), Consequence::acknowledge);
    EXPECT_EQ(until_of(one.next(start, Unsent{}, week)), start + 300s);
    one.set_interval(3600s);
    EXPECT_EQ(until_of(one.next(start, Unsent{}, week)), start + 300s);
    one.set_interval(60s);
    EXPECT_EQ(until_of(one.next(start, Unsent{}, week)), start + 60s);
}

TEST(Reporting, BeginsAtOnceDrainsThenWaitsItsInterval)
{
    Reporting machine = reporting();
    EXPECT_EQ(cells_of(machine.next(start, more(), week)), 16u);
    EXPECT_EQ(machine.replied(start, reply(), true), Consequence::acknowledge);
    EXPECT_EQ(cells_of(machine.next(start, more(), week)), 16u);    // there is more: at once
    EXPECT_EQ(machine.replied(start, reply(), true), Consequence::acknowledge);
    EXPECT_EQ(until_of(machine.next(start, Unsent{}, week)), start + 300s);
    EXPECT_EQ(until_of(machine.next(start + 10s, more(), week)), start + 300s);    // new use waits for its turn
    EXPECT_EQ(cells_of(machine.next(start + 300s, more(), week)), 16u);
}

TEST(Reporting, JitterStaysWithinItsShare)
{
    for (const double chance : {0.0, 0.25, 0.999}) {
        Reporting machine = reporting(chance);
        (void)machine.next(start, more(), week);
        (void)machine.replied(start, reply(), true);
        const Timestamp until = until_of(machine.next(start, Unsent{}, week));
        EXPECT_GE(until, start + 240s);
        EXPECT_LE(until, start + 360s);
    }
}

TEST(Reporting, SendsAHeartbeatWhenNothingHappens)
{
    Reporting machine = reporting();
    EXPECT_EQ(cells_of(machine.next(start, Unsent{}, week)), 16u);
    (void)machine.replied(start, reply(), true);
    Timestamp now = start;
    int heartbeats = 0;
    while (now < start + 3h + 1min) {
        const Action action = machine.next(now, Unsent{}, week);
        if (cells_of(action) > 0) {
            ++heartbeats;
            (void)machine.replied(now, reply(), true);
        } else {
            ASSERT_GT(until_of(action), now);
            now = until_of(action);
        }
    }
    EXPECT_GE(heartbeats, 2);
    EXPECT_LE(heartbeats, 3);
}

TEST(Reporting, PausesGrowAndAreForgottenAfterAnAnswer)
{
    Reporting machine = reporting();
    Timestamp now = start;
    std::chrono::microseconds last{};
    for (int failure = 0; failure < 20; ++failure) {
        ASSERT_GT(cells_of(machine.next(now, more(), week)), 0u);
        machine.unanswered(now);
        const Timestamp until = until_of(machine.next(now, more(), week));
        EXPECT_GE(until - now, last);
        EXPECT_LE(until - now, 10min);
        last = until - now;
        now = until;
    }
    (void)machine.replied(now, reply(), true);
    machine.unanswered(now);
    EXPECT_LE(until_of(machine.next(now, more(), week)) - now, 2s);
}

TEST(Reporting, ObeysRetryAfter)
{
    for (const unsigned status : {429u, 503u}) {
        std::vector<Timestamp> back;
        for (const double chance : {0.0, 0.25, 0.5, 0.999}) {
            Reporting machine = reporting(chance);
            EXPECT_EQ(machine.refused(start, status, 16, 90s), Consequence::none);
            back.push_back(until_of(machine.next(start, more(), week)));
        }
        EXPECT_EQ(back.front(), start + 90s) << "never earlier";
        EXPECT_EQ(back[2], start + 90s + 22500ms) << "a fleet turned away at once does not come back at once";
        EXPECT_LE(back.back(), start + 135s);
    }
}

TEST(Reporting, NoRetryAfterKeepsAnAgentSilentForLong)
{
    Reporting machine = reporting(0.999);
    (void)machine.refused(start, 429, 16, 365 * 24h);
    EXPECT_GE(until_of(machine.next(start, more(), week)), start + 10min);
    EXPECT_LE(until_of(machine.next(start, more(), week)), start + 15min);
}

TEST(Reporting, BisectsToTheCulpritAndSetsItAside)
{
    // Cell 11 of 16 is bad: every report that holds it is refused.
    Reporting machine = reporting();
    std::size_t set_aside = 99, reports = 0;
    std::vector<std::size_t> taken;
    std::vector<std::size_t> cells{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    while (!cells.empty()) {
        const std::size_t most = std::min(cells_of(machine.next(start, more(), week)), cells.size());
        ASSERT_GT(most, 0u) << "the queue is blocked";
        ASSERT_LT(++reports, 40u);
        const bool bad = std::find(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(most), 11) !=
                         cells.begin() + static_cast<std::ptrdiff_t>(most);
        if (bad) {
            if (machine.refused(start, 400, most, std::nullopt) == Consequence::set_aside) {
                ASSERT_EQ(most, 1u);
                set_aside = cells.front();
                cells.erase(cells.begin());
            }
        } else {
            EXPECT_EQ(machine.replied(start, reply(), true), Consequence::acknowledge);
            taken.insert(taken.end(), cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(most));
            cells.erase(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(most));
        }
    }
    EXPECT_EQ(set_aside, 11u);
    EXPECT_EQ(taken.size(), 15u);
}

TEST(Reporting, ARefusedHeartbeatIsAFailureNotACulprit)
{
    Reporting machine = reporting();
    EXPECT_EQ(machine.refused(start, 400, 0, std::nullopt), Consequence::none);
    EXPECT_GT(until_of(machine.next(start, Unsent{}, week)), start);
}

TEST(Reporting, CarriesOutOrders)
{
    Reporting machine = reporting();
    EXPECT_EQ(machine.replied(start, reply(wire::Order::resend), true), Consequence::rewind);
    EXPECT_EQ(cells_of(machine.next(start, more(), week)), 16u);    // sent again at once
    EXPECT_EQ(machine.replied(start, reply(wire::Order::new_epoch), true), Consequence::acknowledge_and_new_epoch);
    EXPECT_EQ(machine.replied(start, reply(wire::Order::new_epoch), false),
              Consequence::acknowledge);    // it has a new one already
}

TEST(Reporting, RenewsAtTwoThirdsOfTheCertificatesLifeAndTriesAgain)
{
    Reporting machine = reporting(0.0);
    (void)machine.replied(start, reply(), true);
    const auto life = week.to - week.from;
    EXPECT_FALSE(std::holds_alternative<RenewCertificate>(machine.next(start + life * 2 / 3 - 1h, Unsent{}, week)));
    const Timestamp due = start + life * 2 / 3 + 1s;
    EXPECT_TRUE(std::holds_alternative<RenewCertificate>(machine.next(due, Unsent{}, week)));
    machine.renewal_failed(due);
    EXPECT_FALSE(
        std::holds_alternative<RenewCertificate>(machine.next(due + 1s, Unsent{}, week)));    // reports go on meanwhile
    EXPECT_TRUE(std::holds_alternative<RenewCertificate>(machine.next(due + 5s, Unsent{}, week)));
    machine.renewed(due + 5s);
    const Validity next{due, due + life};
    EXPECT_FALSE(std::holds_alternative<RenewCertificate>(machine.next(due + 6s, Unsent{}, next)));
}

TEST(Reporting, FinishesWhenAllIsAcknowledgedThroughFailures)
{
    Reporting machine = reporting();
    machine.aim(Until::acknowledged);
    EXPECT_GT(cells_of(machine.next(start, more(), week)), 0u);
    machine.unanswered(start);
    const Timestamp until = until_of(machine.next(start, more(), week));
    ASSERT_GT(until, start);
    EXPECT_GT(cells_of(machine.next(until, more(), week)), 0u);
    (void)machine.replied(until, reply(), true);
    const Action end = machine.next(until, Unsent{}, week);
    ASSERT_TRUE(std::holds_alternative<Finished>(end));
    EXPECT_TRUE(std::get<Finished>(end).all_acknowledged);
}

TEST(Reporting, IsNotFinishedBeforeThePresentEpochToldItsCounters)
{
    Reporting machine = reporting();
    machine.aim(Until::acknowledged);
    EXPECT_GT(cells_of(machine.next(start, more(), week)), 0u);
    (void)machine.replied(start, reply(), false);    // of an earlier epoch
    EXPECT_GT(cells_of(machine.next(start, Unsent{}, week)), 0u);
    (void)machine.replied(start, reply(), true);
    EXPECT_TRUE(std::holds_alternative<Finished>(machine.next(start, Unsent{}, week)));
}

TEST(Reporting, OneAttemptEndsAtTheFirstFailure)
{
    Reporting machine = reporting();
    machine.aim(Until::one_attempt);
    EXPECT_GT(cells_of(machine.next(start, more(), week)), 0u);
    machine.unanswered(start);
    const Action end = machine.next(start, more(), week);
    ASSERT_TRUE(std::holds_alternative<Finished>(end));
    EXPECT_FALSE(std::get<Finished>(end).all_acknowledged);
}

TEST(Reporting, AClockSetBackDoesNotSilenceIt)
{
    Reporting machine = reporting();
    (void)machine.next(start, more(), week);
    (void)machine.replied(start, reply(), true);
    EXPECT_GT(cells_of(machine.next(start - 24h, more(), week)), 0u);
}

TEST(Reporting, ARefusedAgentDoesNotTryForEver)
{
    for (const unsigned status : {401U, 403U}) {
        Reporting machine = reporting();
        machine.aim(Until::acknowledged);
        EXPECT_EQ(cells_of(machine.next(start, more(), week)), 16u);
        EXPECT_EQ(machine.refused(start, status, 3, std::nullopt), Consequence::none);
        const Action after = machine.next(start, more(), week);
        ASSERT_TRUE(std::holds_alternative<Finished>(after));
        EXPECT_FALSE(std::get<Finished>(after).all_acknowledged);
    }
    Reporting machine = reporting();
    machine.aim(Until::acknowledged);
    EXPECT_EQ(machine.refused(start, 503, 3, std::nullopt), Consequence::none);
    EXPECT_TRUE(std::holds_alternative<Wait>(machine.next(start, more(), week))) << "busy is tried again";
    Reporting running = reporting();
    EXPECT_EQ(running.refused(start, 403, 3, std::nullopt), Consequence::none);
    EXPECT_TRUE(std::holds_alternative<Wait>(running.next(start, more(), week))) << "a service waits to be enrolled";
}

}    // namespace
}    // namespace dl::agent::uplink
