#include "store_room.hpp"

namespace dl::collector::store {
namespace {

class StateStoreTest : public testing::Test {
protected:
    TemporaryDirectory directory_;
    std::unique_ptr<StateStore> store_ = std::move(*open_sqlite_state_store(directory_ / "state.sqlite", Open::create));
};

TEST_F(StateStoreTest, VersionsRiseAndConflictsAreNamed)
{
    EXPECT_EQ(*store_->put_if_version("tokens", "a", 0, {{"n", 1}}), 1U);
    EXPECT_EQ(store_->put_if_version("tokens", "a", 0, {{"n", 2}}).error().kind, Failure::Kind::conflict);
    EXPECT_EQ(*store_->put_if_version("tokens", "a", 1, {{"n", 2}}), 2U);
    EXPECT_EQ(store_->put_if_version("tokens", "b", 3, {{"n", 2}}).error().kind, Failure::Kind::conflict);
    const auto found = store_->get("tokens", "a");
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ((*found)->version, 2U);
    EXPECT_EQ((*found)->value.at("n"), 2);
    EXPECT_FALSE(store_->get("tokens", "b")->has_value());
}

TEST_F(StateStoreTest, RemovedDocumentsAreGoneAndMayComeBack)
{
    ASSERT_TRUE(store_->put_if_version("users", "a", 0, {{"n", 1}}).has_value());
    ASSERT_TRUE(store_->put_if_version("users", "b", 0, {{"n", 1}}).has_value());
    EXPECT_EQ(*store_->put_if_version("users", "a", 1, nullptr), 2U);
    EXPECT_FALSE(store_->get("users", "a")->has_value());
    EXPECT_EQ(store_->list("users")->size(), 1U);
    EXPECT_EQ(*store_->put_if_version("users", "a", 0, {{"n", 3}}), 3U) << "versions never repeat";
    EXPECT_EQ(store_->list("users")->at(0).key, "a");
    EXPECT_EQ(store_->list("users")->at(1).key, "b");
}

TEST_F(StateStoreTest, ChangesAreAFeedWithACursor)
{
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(store_->put_if_version("c", std::to_string(i), 0, i).has_value());
    ASSERT_TRUE(store_->put_if_version("c", "1", 1, nullptr).has_value());
    const auto first = store_->changes_since(0, 4);
    ASSERT_EQ(first->size(), 4U);
    const auto rest = store_->changes_since(first->back().cursor, 100);
    ASSERT_EQ(rest->size(), 2U);
    EXPECT_EQ(rest->back().document.key, "1");
    EXPECT_TRUE(rest->back().document.value.is_null());
    EXPECT_TRUE(store_->changes_since(rest->back().cursor, 100)->empty());
}

TEST_F(StateStoreTest, TwoProcessesSeeEachOtherAndNeverOverwrite)
{
    const auto other = std::move(*open_sqlite_state_store(directory_ / "state.sqlite", Open::read_write));
    ASSERT_TRUE(store_->put_if_version("t", "k", 0, 1).has_value());
    EXPECT_TRUE(other->put_if_version("t", "k", 0, 2).has_error());
    EXPECT_EQ(*other->put_if_version("t", "k", 1, 2), 2U);
    EXPECT_EQ((*store_->get("t", "k"))->value, 2);
    const auto reader = std::move(*open_sqlite_state_store(directory_ / "state.sqlite", Open::read_only));
    EXPECT_EQ((*reader->get("t", "k"))->value, 2);
    EXPECT_EQ(reader->put_if_version("t", "k", 2, 3).error().kind, Failure::Kind::denied);
}

TEST_F(StateStoreTest, TextThatIsNotUtf8IsRefused)
{
    EXPECT_EQ(store_->put_if_version("t", "k", 0, std::string("\xff")).error().kind, Failure::Kind::invalid_input);
}

}    // namespace
}    // namespace dl::collector::store
