#include "agent/ledger/waiting_shares.hpp"

#include <gtest/gtest.h>

#include <map>

namespace dl::agent::ledger {
namespace {

Share share(std::uint16_t port, std::uint64_t octets)
{
    Share made;
    made.key.destination.port = port;
    made.use = {1, octets, 0, Timestamp{}, Timestamp{}};
    return made;
}

std::map<std::uint16_t, std::uint64_t> octets_by_port(const std::vector<Share>& shares)
{
    std::map<std::uint16_t, std::uint64_t> found;
    for (const Share& each : shares)
        EXPECT_TRUE(found.emplace(each.key.destination.port, each.use.bytes_up).second);
    EXPECT_TRUE(
        std::is_sorted(shares.begin(), shares.end(), [](const Share& a, const Share& b) { return a.key < b.key; }));
    return found;
}

using Octets = std::map<std::uint16_t, std::uint64_t>;

TEST(WaitingShares, CoalesceByCell)
{
    std::vector<Share> held;
    EXPECT_EQ(add_shares(held, {share(2, 10), share(5, 1)}, 10), 0U);
    EXPECT_EQ(add_shares(held, {share(1, 7), share(2, 10), share(9, 3)}, 10), 0U);
    EXPECT_EQ(octets_by_port(held), (Octets{{1, 7}, {2, 20}, {5, 1}, {9, 3}}));
}

TEST(WaitingShares, BeyondTheBoundOnlyNewCellsAreLeftOutAndCounted)
{
    std::vector<Share> held;
    EXPECT_EQ(add_shares(held, {share(2, 1), share(4, 1), share(6, 1)}, 3), 0U);
    EXPECT_EQ(add_shares(held, {share(1, 1), share(4, 1), share(5, 1), share(6, 1), share(7, 1)}, 3), 3U);
    EXPECT_EQ(octets_by_port(held), (Octets{{2, 1}, {4, 2}, {6, 2}}));
    held.clear();
    EXPECT_EQ(add_shares(held, {share(1, 1), share(2, 1), share(3, 1)}, 2), 1U);
    EXPECT_EQ(held.size(), 2U);
}

}    // namespace
}    // namespace dl::agent::ledger
