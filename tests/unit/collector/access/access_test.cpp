#include "collector/access/accounts.hpp"
#include "collector/access/audit.hpp"
#include "tests/unit/collector/store/store_room.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace dl::collector::access {
namespace {

using store::TemporaryDirectory;

std::unique_ptr<store::StateStore> open_state(const TemporaryDirectory& folder)
{
    return std::move(store::open_sqlite_state_store(folder / "state.sqlite", store::Open::create).value());
}

TEST(Accounts, are_known_by_their_token_until_disabled)
{
    const TemporaryDirectory folder;
    const auto state = open_state(folder);
    Accounts accounts{*state};
    const std::string token = accounts.create({"E1901", Role::relationship_manager, {"sales"}, false}).value();
    const auto account = accounts.authenticate(token);
    ASSERT_TRUE(account);
    EXPECT_EQ(account->id, "E1901");
    EXPECT_EQ(account->units, std::vector<std::string>{"sales"});
    std::string forged = token;
    forged[42] = forged[42] == 'A' ? 'B' : 'A';
    EXPECT_EQ(accounts.authenticate(forged).error().kind, Failure::Kind::denied);
    EXPECT_EQ(accounts.create({"E1901", Role::security, {}, false}).error().kind, Failure::Kind::conflict);
    ASSERT_TRUE(accounts.disable("E1901"));
    EXPECT_EQ(accounts.authenticate(token).error().kind, Failure::Kind::denied);
}

TEST(Accounts, withdrawn_leave_nothing_and_free_their_name)
{
    const TemporaryDirectory folder;
    const auto state = open_state(folder);
    Accounts accounts{*state};
    const std::string token = accounts.create({"E1901", Role::security, {}, false}).value();
    ASSERT_TRUE(accounts.withdraw("E1901"));
    EXPECT_EQ(accounts.authenticate(token).error().kind, Failure::Kind::denied);
    EXPECT_TRUE(accounts.list().value().empty());
    EXPECT_TRUE(state->list("account-tokens").value().empty());
    const std::string next = accounts.create({"E1901", Role::operations, {}, false}).value();
    EXPECT_EQ(accounts.authenticate(next)->role, Role::operations);
    EXPECT_EQ(accounts.withdraw("E1902").error().kind, Failure::Kind::not_found);
}

TEST(Accounts, are_enabled_again_with_the_token_they_had)
{
    const TemporaryDirectory folder;
    const auto state = open_state(folder);
    Accounts accounts{*state};
    const std::string token = accounts.create({"E1901", Role::operations, {}, false}).value();
    ASSERT_TRUE(accounts.disable("E1901"));
    const auto again = accounts.create({"E1901", Role::operations, {}, false});
    EXPECT_EQ(again.error().kind, Failure::Kind::conflict);
    EXPECT_NE(again.error().message.find("is disabled; `daylight-collector user enable E1901`"), std::string::npos);
    ASSERT_TRUE(accounts.enable("E1901"));
    EXPECT_EQ(accounts.authenticate(token)->id, "E1901");
    EXPECT_EQ(accounts.enable("E1902").error().kind, Failure::Kind::not_found);
}

TEST(Accounts, keep_one_that_sees_what_is_not_released)
{
    const TemporaryDirectory folder;
    const auto state = open_state(folder);
    Accounts accounts{*state};
    const std::string first = accounts.create({"E1901", Role::security, {}, false}).value();
    ASSERT_TRUE(accounts.create({"E1902", Role::administrator, {}, false}));
    const auto refused = accounts.disable("E1901");
    EXPECT_EQ(refused.error().kind, Failure::Kind::conflict);
    EXPECT_NE(refused.error().message.find("last enabled one with the role security"), std::string::npos);
    EXPECT_TRUE(accounts.authenticate(first));
    ASSERT_TRUE(accounts.create({"E1903", Role::security, {}, false}));
    ASSERT_TRUE(accounts.disable("E1901"));
    ASSERT_TRUE(accounts.disable("E1901")) << "is disabled, and stays it";
    EXPECT_FALSE(accounts.disable("E1903"));
    ASSERT_TRUE(accounts.enable("E1901"));
    EXPECT_TRUE(accounts.disable("E1903"));
    EXPECT_TRUE(accounts.disable("E1902")) << "of another role";
}

TEST(Accounts, keep_one_though_two_disable_each_other_at_once)
{
    for (int round = 0; round < 20; ++round) {
        const TemporaryDirectory folder;
        const auto state = open_state(folder);
        Accounts accounts{*state};
        for (const char* name : {"E1901", "E1902"})
            ASSERT_TRUE(accounts.create({name, Role::security, {}, false}));
        std::thread one([&] { (void)Accounts{*state}.disable("E1901"); });
        std::thread other([&] { (void)Accounts{*state}.disable("E1902"); });
        one.join();
        other.join();
        const auto left = accounts.list().value();
        EXPECT_TRUE(std::ranges::any_of(left, [](const Account& account) { return !account.disabled; }));
    }
}

TEST(Accounts, have_names_that_look_everywhere_as_they_are)
{
    for (const std::string& good : {std::string("E1901"), std::string("it.ops_1@corp.example"), std::string(64, 'x')})
        EXPECT_TRUE(check_account_name(good)) << good;
    for (const std::string& bad : {std::string(), std::string("two words"), std::string("a/b"), std::string("a\n"),
                                   std::string("k\xc3\xa4the"), std::string(65, 'x'), std::string("a\0b", 3)})
        EXPECT_FALSE(check_account_name(bad)) << bad;
}

TEST(AuditChain, stays_whole_under_writers_in_several_threads)
{
    const TemporaryDirectory folder;
    const auto state = open_state(folder);
    std::vector<std::thread> writers;
    for (int i = 0; i < 4; ++i)
        writers.emplace_back([&] {
            AuditChain mine{*state};
            for (int entry = 0; entry < 5; ++entry)
                EXPECT_TRUE(mine.append(Timestamp{}, "console:E1001", "token.create", "t", "\xff"));
        });
    for (std::thread& writer : writers)
        writer.join();
    AuditChain audit{*state};
    EXPECT_EQ(audit.verify(Day{}).value().sequence, 20U);
}

TEST(AuditChain, notices_a_changed_and_a_missing_entry)
{
    const TemporaryDirectory folder;
    const auto state = open_state(folder);
    AuditChain audit{*state};
    for (int entry = 0; entry < 3; ++entry)
        ASSERT_TRUE(audit.append(Timestamp{}, "console:E1001", "user.add", "E1002"));
    auto second = state->get("audit", "000000000002").value();
    second->value["who"] = "console:E1003";
    ASSERT_TRUE(state->put_if_version("audit", "000000000002", second->version, second->value));
    EXPECT_FALSE(audit.verify(Day{}));
    ASSERT_TRUE(state->put_if_version("audit", "000000000002", second->version + 1, nullptr));
    EXPECT_FALSE(audit.verify(Day{}));
}

}    // namespace
}    // namespace dl::collector::access
