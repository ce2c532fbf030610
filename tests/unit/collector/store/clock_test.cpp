#include "collector/store/usage_store.hpp"

#include <gtest/gtest.h>

namespace dl::collector::store {
namespace {

using namespace std::chrono_literals;

TEST(ClockOffset, IsRemarkedOnBeyondItsTolerance)
{
    EXPECT_FALSE(is_clock_off(5min));
    EXPECT_FALSE(is_clock_off(-5min));
    EXPECT_TRUE(is_clock_off(5min + 1us));
    EXPECT_TRUE(is_clock_off(-5min - 1us));
}

TEST(ClockOffset, IsSaidInTheLargestUnitThatLeavesTwo)
{
    EXPECT_EQ(clock_words(119s), "119 s ahead");
    EXPECT_EQ(clock_words(-6min), "6 min behind");
    EXPECT_EQ(clock_words(47h), "47 h ahead");
    const Timestamp far = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);
    const Timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);
    EXPECT_EQ(clock_words(far - now), "2912117 days ahead");
    EXPECT_EQ(clock_words(Timestamp{} - now), "20779 days behind");
}

}    // namespace
}    // namespace dl::collector::store
