#include "collector/pki/published_settings.hpp"

#include "collector/store/sqlite/open.hpp"
#include "tests/unit/collector/store/store_room.hpp"

#include <gtest/gtest.h>

namespace dl::collector::pki {
namespace {

using namespace std::chrono_literals;

const Timestamp start{1'790'000'000s};

struct PublishedSettingsTest : testing::Test {
    store::TemporaryDirectory folder;
    std::unique_ptr<store::StateStore> state =
        std::move(store::open_sqlite_state_store(folder.path() / "state.sqlite", store::Open::create).value());
    tls::Key key = *signing::make_signing_key();
    signing::Audience organisation = signing::Audience::random();
    FixedClock clock{start};
    AgentId agent = AgentId::random();

    std::string document(std::uint64_t serial, std::vector<std::string> groups, const EVP_PKEY& by) const
    {
        signing::SettingsDocument made;
        made.organisation = organisation;
        made.groups = std::move(groups);
        made.serial = serial;
        made.issued = start;
        made.expires = start + 240h;
        return signing::seal(signing::to_text(made), by).value();
    }
    std::string change(const EVP_PKEY& to, const EVP_PKEY& by) const
    {
        return signing::seal(signing::to_text(signing::KeyChange{organisation, signing::public_key_of(to).value()}), by)
            .value();
    }
    std::string published(const std::string& sealed)
    {
        const auto done = publish(*state, sealed, "f", organisation, start);
        return done ? "" : done.error().message;
    }
};

TEST_F(PublishedSettingsTest, AGroupIsOfferedTheHighestThatConcernsIt)
{
    EXPECT_EQ(published(document(1, {}, *key)), "");
    EXPECT_EQ(published(document(2, {"labs"}, *key)), "");
    SettingsDesk desk{*state, clock};
    const auto everybody = desk.offer_for(""), labs = desk.offer_for("labs");
    ASSERT_TRUE(everybody && labs);
    EXPECT_NE(*everybody, *labs);
    EXPECT_EQ(published_settings(*state)->of("sales")->document.serial, 1u);
    EXPECT_EQ(published_settings(*state)->of("labs")->document.serial, 2u);
    EXPECT_EQ(published(document(3, {}, *key)), "");
    EXPECT_EQ(desk.offer_for("labs"), labs) << "looked up again after seconds only";
    clock.advance(3s);
    EXPECT_EQ(desk.offer_for("labs"), desk.offer_for(""));
    EXPECT_NE(desk.offer_for("labs"), labs);
}

TEST_F(PublishedSettingsTest, MistakesShowAtOnce)
{
    const auto other = *signing::make_signing_key();
    EXPECT_NE(published(change(*other, *key)).find("none was published"), std::string::npos);
    ASSERT_EQ(published(document(2, {}, *key)), "");
    EXPECT_NE(published(document(2, {}, *key)).find("has serial 2, but 2 was published"), std::string::npos);
    EXPECT_NE(published(document(3, {}, *other)).find("is signed by"), std::string::npos);
    EXPECT_NE(published("{}\n").find("is not signed"), std::string::npos);
    EXPECT_NE(publish(*state, document(3, {}, *key), "f", organisation, start + 241h).error().message.find("expired"),
              std::string::npos);
    EXPECT_NE(publish(*state, document(3, {}, *key), "f", signing::Audience::random(), start)
                  .error()
                  .message.find("is for organisation"),
              std::string::npos);
    EXPECT_EQ(published(change(*other, *key)), "");
    EXPECT_EQ(published_settings(*state)->key(), signing::public_key_of(*other).value());
    EXPECT_NE(published(document(3, {}, *key)), "");
    EXPECT_EQ(published(document(3, {}, *other)), "");
}

TEST_F(PublishedSettingsTest, AnAgentIsAnsweredAndWhatItSaidIsKept)
{
    SettingsDesk desk{*state, clock};
    wire::SettingsRequest request;
    request.key = signing::to_text(signing::public_key_of(*key).value());
    EXPECT_EQ(desk.offer_for(""), std::nullopt);
    EXPECT_FALSE(desk.answer(agent, "", request));
    clock.advance(3s);
    ASSERT_EQ(published(document(1, {}, *key)), "");
    auto reply = desk.answer(agent, "", request);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->statements, std::vector{document(1, {}, *key)});
    request.held = reply->offer;
    request.serial = 1;
    request.refused = 2;
    request.why = "because\xc3\xa9";
    reply = desk.answer(agent, "", request);
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->statements.empty());
    const auto told = standings(*state);
    ASSERT_TRUE(told && told->contains(agent));
    EXPECT_EQ(told->at(agent).serial, 1u);
    EXPECT_EQ(told->at(agent).refused, 2u);
    EXPECT_EQ(told->at(agent).why, "because??");
}

}    // namespace
}    // namespace dl::collector::pki
