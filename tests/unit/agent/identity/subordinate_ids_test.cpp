#include "agent/identity/subordinate_ids.hpp"
#include "agent/identity/system_accounts.hpp"

#include <gtest/gtest.h>

namespace dl::agent::identity {
namespace {

TEST(SubordinateIds, AContainersIdsAreItsOwners)
{
    const auto ids = SubordinateIds::parse("e1001:100000:65536\n# made by hand\n1002:165536:10\n:1:2\nbroken:x:1\n"
                                           "late:100000:5\nlast:4294967290:10");
    EXPECT_EQ(ids.owner_of(100000), "e1001");
    EXPECT_EQ(ids.owner_of(165535), "e1001");
    EXPECT_EQ(ids.owner_of(165536), "1002");
    EXPECT_EQ(ids.owner_of(165546), std::nullopt);
    EXPECT_EQ(ids.owner_of(99999), std::nullopt);
    EXPECT_EQ(ids.owner_of(1), std::nullopt);
    EXPECT_EQ(ids.owner_of(4294967295U), "last");
    EXPECT_EQ(SubordinateIds::parse("").owner_of(0), std::nullopt);
}

TEST(SystemAccounts, AreTheNamesListedAndTheDigitsOfSuchIds)
{
    const SystemAccounts accounts({"cron"});
    for (const char* user : {"cron", "0", "999", "61184", "65535"})
        EXPECT_TRUE(accounts.contains(user)) << user;
    for (const char* user : {"e1001", "1000", "61183", "65536", "100000", "", "12x", "-1", "99999999999"})
        EXPECT_FALSE(accounts.contains(user)) << user;
}

}    // namespace
}    // namespace dl::agent::identity
