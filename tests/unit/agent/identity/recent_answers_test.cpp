#include "agent/identity/recent_answers.hpp"

#include <gtest/gtest.h>

namespace dl::agent::identity {
namespace {

using namespace std::chrono_literals;
const Timestamp noon{std::chrono::sys_days{std::chrono::year(2026) / 3 / 2} + 12h};

flow::Connection from_port(std::uint16_t port, Timestamp when)
{
    flow::Connection connection;
    connection.client = {Address::v4(std::array<std::uint8_t, 4>{10, 0, 0, 2}), port};
    connection.server = {Address::v4(std::array<std::uint8_t, 4>{192, 0, 2, 1}), 443};
    connection.opened = when;
    return connection;
}

TEST(RecentAnswers, AreFoundByBothEndsAndTime)
{
    RecentAnswers answers;
    answers.keep(from_port(40000, noon), {"e1001", "firefox"});
    EXPECT_EQ(answers.find(from_port(40000, noon + 1s))->user, "e1001");
    EXPECT_FALSE(answers.find(from_port(40001, noon)));
    EXPECT_FALSE(answers.find(from_port(40000, noon + 6s)));
    EXPECT_FALSE(answers.find(from_port(40000, noon - 6s)));
    flow::Connection udp = from_port(40000, noon);
    udp.transport = Transport::udp;
    EXPECT_FALSE(answers.find(udp));
}

TEST(RecentAnswers, ANewOwnerOfThePortsReplacesTheOld)
{
    RecentAnswers answers;
    answers.keep(from_port(40000, noon), {"e1001", "firefox"});
    answers.keep(from_port(40000, noon + 2s), {"e1002", "curl"});
    EXPECT_EQ(answers.find(from_port(40000, noon + 2s))->user, "e1002");
}

TEST(RecentAnswers, TheOldestMakesRoom)
{
    RecentAnswers answers(3);
    answers.keep(from_port(1, noon), {"e1001", {}});
    for (std::uint16_t port = 2; port <= 3; ++port)
        answers.keep(from_port(port, noon), {"e1002", {}});
    answers.keep(from_port(1, noon + 1s), {"e1003", {}});    // again: its first turn must not take it away
    EXPECT_EQ(answers.find(from_port(1, noon + 1s))->user, "e1003");
    answers.keep(from_port(4, noon), {"e1004", {}});
    EXPECT_FALSE(answers.find(from_port(2, noon)));
    EXPECT_TRUE(answers.find(from_port(3, noon)));
    EXPECT_EQ(answers.find(from_port(1, noon + 1s))->user, "e1003");
    EXPECT_TRUE(answers.find(from_port(4, noon)));
}

}    // namespace
}    // namespace dl::agent::identity
