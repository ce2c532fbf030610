#include "shared/base/time.hpp"

#include <gtest/gtest.h>

namespace dl {
namespace {

using namespace std::chrono_literals;

Timestamp at(std::int64_t micros) { return Timestamp{std::chrono::microseconds(micros)}; }

TEST(Time, Rfc3339GoesBothWays)
{
    const struct {
        std::int64_t micros;
        const char* text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {1'772'356'500'250'000, "2026-03-01T09:15:00.250000Z"},
        {951'782'400'000'001, "2000-02-29T00:00:00.000001Z"},
        {253'402'300'799'999'999, "9999-12-31T23:59:59.999999Z"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(to_rfc3339(at(c.micros)), c.text);
        EXPECT_EQ(parse_rfc3339(c.text).value(), at(c.micros)) << c.text;
    }
}

TEST(Time, Rfc3339TakesAnyFraction)
{
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01Z").value(), at(1'000'000));
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.5Z").value(), at(1'500'000));
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.123456789Z").value(), at(1'123'456));
}

TEST(Time, Rfc3339RefusesTheRest)
{
    for (const char* text :
         {"", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-02-29T00:00:00Z",
          "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.xZ",
          "1970-01-01T00:00:00.0000000000Z", "1970-01-01T00:00:00Zx", "x970-01-01T00:00:00Z"})
        EXPECT_FALSE(parse_rfc3339(text)) << text;
}

TEST(Time, DaysGoBothWays)
{
    EXPECT_EQ(to_iso_date(Day{}), "1970-01-01");
    EXPECT_EQ(parse_iso_date("2024-02-29").value(), Day{std::chrono::days(19'782)});
    EXPECT_EQ(to_iso_date(parse_iso_date("2026-11-21").value()), "2026-11-21");
    for (const char* text : {"", "2026-2-1", "2026-02-29", "2026-00-10", "2026-01-00", "2026-01-32", "26-01-01",
                             "2026-01-01 ", "2026/01/01"})
        EXPECT_FALSE(parse_iso_date(text)) << text;
}

TEST(Time, ADayBeginsAtMidnightUtc)
{
    EXPECT_EQ(day_of(at(86'399'999'999)), Day{});
    EXPECT_EQ(day_of(at(86'400'000'000)), Day{std::chrono::days(1)});
    EXPECT_EQ(day_of(at(-1)), Day{std::chrono::days(-1)});
}

TEST(Time, AFixedClockStandsUntilItIsSet)
{
    FixedClock clock(at(5));
    EXPECT_EQ(clock.now(), at(5));
    clock.advance(10us);
    EXPECT_EQ(clock.now(), at(15));
    clock.set(at(1));
    EXPECT_EQ(clock.now(), at(1));
}

}    // namespace
}    // namespace dl
