// A collector that was taken over wants to hear sooner than it was agreed: no answers of its own bring that about.
#include "agent/uplink/reporting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace dl::agent::uplink {
namespace {

using namespace std::chrono_literals;

const Timestamp start = Timestamp{*parse_iso_date("2026-03-02")} + 9h;
const Validity week{start, start + 7 * 24h};
constexpr std::size_t most_cells = 16;

/// What a ledger does with cells that are booked once, and with the collector's answers.
struct Cells {
    struct Row {
        Epoch epoch;
        std::vector<Timestamp> booked;    ///< by revision, from 1
        std::size_t acknowledged = 0;
    };
    std::vector<Row> rows;

    Cells() { new_epoch(); }
    void new_epoch()
    {
        Row row;
        row.epoch.bytes[0] = static_cast<std::uint8_t>(rows.size() + 1);
        row.epoch.bytes[1] = static_cast<std::uint8_t>((rows.size() + 1) >> 8);
        rows.push_back(row);
    }
    Row& next()
    {
        for (Row& row : rows)
            if (row.acknowledged < row.booked.size()) return row;
        return rows.back();
    }
    Unsent unsent()
    {
        const Row& row = next();
        Unsent made;
        made.anything = row.acknowledged < row.booked.size();
        made.epoch = row.epoch;
        made.revision = row.acknowledged + (made.anything ? 1 : 0);
        made.current = &row == &rows.back();
        return made;
    }
};

struct Answer {
    unsigned status = 200;
    wire::Order order = wire::Order::none;
    bool other_store = false;    ///< earlier epochs are doubted
};

struct Heard {
    std::size_t reports = 0;
    std::size_t looks = 0;                      ///< reports with something newer than those before could hold
    std::chrono::microseconds soonest = 24h;    ///< between two looks
};

/// Books three cells a second; a request takes 10 ms.
Heard attack(std::chrono::microseconds interval, std::chrono::microseconds span,
             const std::function<Answer(std::size_t)>& answer)
{
    Pace pace;
    pace.report_every = interval;
    pace.most_cells = most_cells;
    Reporting machine(pace, [] { return 0.5; });
    Cells cells;
    cells.rows.back().booked.assign(5, start - 1h);
    cells.new_epoch();
    cells.rows.back().booked.assign(40, start - 1h);
    Heard heard;
    Timestamp looked = start - 24h;
    Timestamp booked = start;
    for (Timestamp now = start; now < start + span;) {
        for (; booked < now; booked += 1s)
            cells.rows.back().booked.insert(cells.rows.back().booked.end(), 3, booked);
        const Action action = machine.next(now, cells.unsent(), week);
        if (const auto* wait = std::get_if<Wait>(&action)) {
            EXPECT_GT(wait->until, now);
            now = std::min(wait->until, now + 1s);
            continue;
        }
        const auto* send = std::get_if<SendReport>(&action);
        if (!send) {
            ADD_FAILURE() << "nothing else is due";
            break;
        }
        if (send->begins_round) machine.freeze(cells.rows.back().epoch, cells.rows.back().booked.size());
        Cells::Row& row = cells.next();
        const bool current = &row == &cells.rows.back();
        std::size_t last = std::min(row.acknowledged + send->most_cells, row.booked.size());
        if (const auto most = machine.last_of(row.epoch))
            last = std::max<std::size_t>(row.acknowledged, std::min<std::size_t>(last, *most));
        const std::size_t sent = last - row.acknowledged;
        if (sent > 0 && row.booked[last - 1] >= looked) {
            heard.soonest = std::min<std::chrono::microseconds>(heard.soonest, now - looked);
            looked = now;
            ++heard.looks;
        }
        now += 10ms;
        const Answer said = answer(heard.reports++);
        if (said.status == 0) {
            machine.unanswered(now);
        } else if (said.status != 200) {
            if (machine.refused(now, said.status, sent, std::nullopt) == Consequence::set_aside)
                row.acknowledged = last;
        } else {
            wire::Reply reply;
            reply.order = said.order;
            const Consequence what = machine.replied(now, reply, current);
            const Epoch told = row.epoch;
            if (what == Consequence::rewind) row.acknowledged = 0;
            if (what == Consequence::acknowledge || what == Consequence::acknowledge_and_new_epoch) {
                row.acknowledged = last;
                for (Cells::Row& other : cells.rows)
                    if (said.other_store && other.epoch != told) other.acknowledged = 0;
            }
            if (what == Consequence::acknowledge_and_new_epoch) cells.new_epoch();
        }
    }
    return heard;
}

struct Case {
    const char* name;
    std::size_t most_reports;    ///< in an hour of an interval of ten minutes
    std::function<Answer(std::size_t)> answer;
};

/// 1,800 cells are booked in ten minutes: 113 reports of 16.
const Case cases[] = {
    {"honest", 600, [](std::size_t) { return Answer{}; }},
    {"always resend", 14,
     [](std::size_t) {
         return Answer{200, wire::Order::resend, false};
     }},
    {"resend every other time", 28,
     [](std::size_t n) {
         return Answer{200, n % 2 ? wire::Order::resend : wire::Order::none, false};
     }},
    {"another store each time", 28,
     [](std::size_t) {
         return Answer{200, wire::Order::none, true};
     }},
    {"always a new epoch", 600,
     [](std::size_t) {
         return Answer{200, wire::Order::new_epoch, false};
     }},
    {"a new epoch and another store", 28,
     [](std::size_t) {
         return Answer{200, wire::Order::new_epoch, true};
     }},
    {"always refused", 75,
     [](std::size_t) {
         return Answer{400, {}, false};
     }},
    {"too large", 75,
     [](std::size_t) {
         return Answer{413, {}, false};
     }},
    {"refused every other time", 75,
     [](std::size_t n) {
         return Answer{n % 2 ? 422U : 200U, {}, false};
     }},
    {"busy", 20,
     [](std::size_t) {
         return Answer{503, {}, false};
     }},
    {"silent every other time", 1200,
     [](std::size_t n) {
         return Answer{n % 2 ? 0U : 200U, {}, false};
     }},
    {"busy, then resend", 28,
     [](std::size_t n) {
         return Answer{n % 2 ? 503U : 200U, wire::Order::resend, false};
     }},
};

TEST(ReportingUnderAttack, NothingNewerIsHeardBeforeTheIntervalIsOver)
{
    for (const Case& one : cases) {
        SCOPED_TRACE(one.name);
        const Heard heard = attack(10min, 1h, one.answer);
        EXPECT_GE(heard.soonest, 8min);
        EXPECT_LE(heard.looks, 8u);
        EXPECT_GE(heard.looks, 1u);
        EXPECT_LE(heard.reports, one.most_reports);
    }
}

TEST(ReportingUnderAttack, ResendWithoutEndIsObeyedOnceAnInterval)
{
    const Heard heard = attack(1h, 12s, [](std::size_t) { return Answer{200, wire::Order::resend, false}; });
    EXPECT_EQ(heard.reports, 2u);
}

TEST(ReportingUnderAttack, AnEndIsAnEndThoughEverythingIsToBeSentAgain)
{
    Unsent all;
    all.anything = true;
    all.revision = 1;
    wire::Reply resend;
    resend.order = wire::Order::resend;
    Reporting machine({}, [] { return 0.5; });
    machine.aim(Until::one_attempt);
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(std::holds_alternative<SendReport>(machine.next(start, all, week)));
        EXPECT_EQ(machine.replied(start, resend, true), Consequence::rewind);
    }
    const Action end = machine.next(start, all, week);
    ASSERT_TRUE(std::holds_alternative<Finished>(end));
    EXPECT_FALSE(std::get<Finished>(end).all_acknowledged);
}

TEST(ReportingUnderAttack, WhatIsBookedWhileARoundLastsIsNotPartOfIt)
{
    Reporting machine({}, [] { return 0.5; });
    Unsent first;
    first.anything = true;
    first.revision = 1;
    const Action action = machine.next(start, first, week);
    ASSERT_TRUE(std::holds_alternative<SendReport>(action));
    EXPECT_TRUE(std::get<SendReport>(action).begins_round);
    machine.freeze(first.epoch, 20);
    EXPECT_EQ(machine.last_of(first.epoch), 20u);
    (void)machine.replied(start, {}, true);
    first.revision = 20;
    const Action next = machine.next(start, first, week);
    ASSERT_TRUE(std::holds_alternative<SendReport>(next));
    EXPECT_FALSE(std::get<SendReport>(next).begins_round);
    (void)machine.replied(start, {}, true);
    first.revision = 21;
    EXPECT_TRUE(std::holds_alternative<Wait>(machine.next(start, first, week)));
    EXPECT_TRUE(std::holds_alternative<SendReport>(machine.next(start + 5min, first, week)));
    machine.aim(Until::acknowledged);    // our own wish: all of it, now
    EXPECT_TRUE(std::holds_alternative<SendReport>(machine.next(start + 5min, first, week)));
    EXPECT_FALSE(machine.last_of(first.epoch));
}

}    // namespace
}    // namespace dl::agent::uplink
