#include "collector/release/period.hpp"

#include <gtest/gtest.h>

namespace dl::collector::release {
namespace {

Day day(const char* text) { return *parse_iso_date(text); }
std::string span(const Period& period) { return to_iso_date(period.from) + " " + to_iso_date(period.to); }

TEST(Period, ReadsWeeksByIso8601)
{
    EXPECT_EQ(span(*parse_period("2026-W46")), "2026-11-09 2026-11-16");
    EXPECT_EQ(span(*parse_period("2026-W01")), "2025-12-29 2026-01-05");
    EXPECT_EQ(span(*parse_period("2026-W53")), "2026-12-28 2027-01-04");
    EXPECT_EQ(id_of(week_of(day("2027-01-03"))), "2026-W53");
    for (const char* wrong : {"2025-W53", "2026-W00", "2026-W54", "2026-W5", "2026-W5x", "2026", "", "2026-13",
                              "2026-00", "2026-1x", "26-W46", "2026W46", "2026-11-01", "-026-W10"})
        EXPECT_FALSE(parse_period(wrong)) << wrong;
}

TEST(Period, MonthsAreWholeWeeks)
{
    EXPECT_EQ(span(*parse_period("2026-10")), "2026-09-28 2026-11-02");
    EXPECT_EQ(span(*parse_period("2026-11")), "2026-11-02 2026-11-30");
    Period month = *parse_period("2020-01");
    for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(*parse_period(id_of(month)), month);
        const auto weeks = weeks_of(month);
        EXPECT_TRUE(weeks.size() == 4 || weeks.size() == 5);
        EXPECT_EQ(weeks.back().to, month.to);
        for (const auto& week : weeks) {
            EXPECT_EQ(*parse_period(id_of(week)), week);
            EXPECT_EQ(month_of(week.from), month);
        }
        const Period next = month_of(month.to);
        EXPECT_EQ(next.from, month.to) << "no day between two months";
        EXPECT_EQ(previous(next), month);
        month = next;
    }
}

TEST(Period, TheLastClosedWeekIsOver)
{
    EXPECT_EQ(id_of(last_closed_week(day("2026-11-21"))), "2026-W46");
    EXPECT_EQ(id_of(last_closed_week(day("2026-11-22"))), "2026-W46");
    EXPECT_EQ(id_of(last_closed_week(day("2026-11-23"))), "2026-W47");
    EXPECT_FALSE(is_closed(*parse_period("2026-W47"), day("2026-11-22")));
    EXPECT_TRUE(is_closed(*parse_period("2026-W47"), day("2026-11-23")));
    EXPECT_EQ(words_of(*parse_period("2026-10")), "October 2026 (weeks 40 to 44)");
    EXPECT_FALSE(window(day("2026-11-02"), day("2026-11-02")));
    EXPECT_EQ(id_of(previous(*window(day("2026-11-03"), day("2026-11-05")))), "2026-11-01..2026-11-02");
}

}    // namespace
}    // namespace dl::collector::release
