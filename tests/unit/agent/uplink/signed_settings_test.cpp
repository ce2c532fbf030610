#include "agent/uplink/signed_settings.hpp"

#include "tests/unit/shared/signed/random_collection.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace dl::agent::uplink {
namespace {

using namespace std::chrono_literals;
using Outcome = SignedSettings::Outcome;

const Timestamp start = Timestamp{*parse_iso_date("2026-03-02")} + 9h;

struct SignedSettingsTest : testing::Test {
    std::filesystem::path folder =
        std::filesystem::path(testing::TempDir()) / ("daylight-signed-" + std::to_string(::getpid()));
    tls::Key key = *signing::make_signing_key();
    tls::Key stranger = *signing::make_signing_key();
    signing::Audience organisation = signing::Audience::random();

    void SetUp() override
    {
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    signing::SettingsDocument document(std::uint64_t serial) const
    {
        signing::SettingsDocument made;
        made.organisation = organisation;
        made.serial = serial;
        made.issued = start - 1h;
        made.expires = start + 24h * 30;
        made.collect.people = true;
        return made;
    }
    SignedSettings load(const EVP_PKEY& pinned, const std::string& group = "sales")
    {
        auto loaded = SignedSettings::load(folder, {signing::public_key_of(pinned).value(), organisation, group});
        EXPECT_TRUE(loaded) << loaded.error().message;
        return *loaded;
    }
    static std::string seal(const signing::SettingsDocument& made, const EVP_PKEY& by)
    {
        return signing::seal(signing::to_text(made), by).value();
    }
    std::string change(const EVP_PKEY& to, const EVP_PKEY& by) const
    {
        return signing::seal(signing::to_text(signing::KeyChange{organisation, signing::public_key_of(to).value()}), by)
            .value();
    }
    static wire::SettingsReply offer(std::vector<std::string> statements)
    {
        return {wire::SettingsOffer::random(), std::move(statements)};
    }
    /// Why it was refused; empty where it was taken.
    static std::string offered(SignedSettings& settings, std::vector<std::string> statements, Timestamp now = start)
    {
        const auto outcome = settings.take(offer(std::move(statements)), now);
        EXPECT_TRUE(outcome) << outcome.error().message;
        return *outcome == Outcome::refused ? settings.why() : "";
    }
};

TEST_F(SignedSettingsTest, WithoutAKeyNothingIsGovernedAndNothingIsTaken)
{
    auto settings = SignedSettings::load(folder, {std::nullopt, organisation, ""});
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->bound(start), signing::everything());
    EXPECT_EQ(settings->take(offer({seal(document(1), *key)}), start).value(), Outcome::nothing_new);
    EXPECT_EQ(settings->bound(start), signing::everything());
    EXPECT_EQ(settings->request().key, "");
}

TEST_F(SignedSettingsTest, WithAKeyAndNoDocumentTheLeastIsCollected)
{
    EXPECT_EQ(load(*key).bound(start), signing::Collection{});
}

TEST_F(SignedSettingsTest, ADocumentIsTakenKeptAndReadAgain)
{
    auto settings = load(*key);
    const auto answer = offer({seal(document(3), *key)});
    EXPECT_TRUE(settings.wants(answer.offer, start));
    EXPECT_EQ(settings.take(answer, start).value(), Outcome::taken);
    settings.told(answer.offer);
    EXPECT_FALSE(settings.wants(answer.offer, start));
    EXPECT_EQ(settings.bound(start), document(3).collect);
    struct stat status {};
    ASSERT_EQ(::stat(signed_settings_file(folder).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    const auto again = load(*key);
    EXPECT_EQ(again.document(), document(3));
    EXPECT_EQ(again.request().held, answer.offer);
    EXPECT_EQ(again.request().serial, 3u);
}

TEST_F(SignedSettingsTest, WhatBreaksARuleIsRefusedAndWhatIsInForceStays)
{
    auto settings = load(*key);
    ASSERT_EQ(offered(settings, {seal(document(5), *key)}), "");
    const auto in_force = settings.bound(start);
    auto other = document(6);
    const auto expect_refused = [&](const std::string& sealed, const char* why) {
        const auto before = settings.refused();
        const std::string told = offered(settings, {sealed});
        EXPECT_NE(told.find(why), std::string::npos) << told;
        EXPECT_EQ(settings.refused(), before + 1);
        EXPECT_EQ(settings.bound(start), in_force);
        EXPECT_EQ(load(*key).refused(), before + 1);
    };
    expect_refused(seal(other, *stranger), "not signed by the settings key");
    std::string tampered = seal(other, *key);
    tampered.replace(tampered.find("\"sensors\": false"), 16, "\"sensors\":  true");
    expect_refused(tampered, "signature does not hold");
    expect_refused(seal(document(4), *key), "serial is not above 5");
    auto same_serial = document(5);
    same_serial.collect = signing::everything();
    same_serial.collect.report_seconds = 60;
    expect_refused(seal(same_serial, *key), "serial is not above 5");
    other.organisation = signing::Audience::random();
    expect_refused(seal(other, *key), "another organisation");
    other = document(6);
    other.groups = {"labs"};
    expect_refused(seal(other, *key), "not for the group of this agent (sales)");
    other = document(6);
    other.issued = start + 25h;
    expect_refused(seal(other, *key), "in the future");
    other = document(6);
    other.expires = start;
    expect_refused(seal(other, *key), "expired on");
    expect_refused("{}\n", "is not signed");
    ASSERT_EQ(offered(settings, {seal(document(6), *key)}), "");
    EXPECT_EQ(settings.why(), "");
}

TEST_F(SignedSettingsTest, ARefusedOfferIsLookedAtAgainWithinTheHourAndNotBefore)
{
    auto settings = load(*key);
    const auto answer = offer({seal(document(1), *stranger)});
    ASSERT_EQ(settings.take(answer, start).value(), Outcome::refused);
    settings.told(answer.offer);
    EXPECT_FALSE(settings.wants(answer.offer, start + 59min));
    EXPECT_TRUE(settings.wants(answer.offer, start + 61min));
    EXPECT_TRUE(settings.wants(wire::SettingsOffer::random(), start));
}

TEST_F(SignedSettingsTest, BehindItsEndTheLeastIsCollectedAndItsListsStay)
{
    auto settings = load(*key);
    auto made = document(1);
    made.collect.excluded_hosts = {"union.example"};
    made.collect.built_in_personal_hosts = false;
    ASSERT_EQ(offered(settings, {seal(made, *key)}), "");
    EXPECT_TRUE(settings.bound(made.expires - 1s).people);
    const auto after = settings.bound(made.expires);
    EXPECT_FALSE(after.people);
    EXPECT_TRUE(after.built_in_personal_hosts);
    EXPECT_TRUE(after.excluded_hosts.contains("union.example"));
    EXPECT_TRUE(is_within(after, made.collect));
}

TEST_F(SignedSettingsTest, ANewKeySpeaksOnlyWhereTheOldOneSaidSo)
{
    const auto next = *signing::make_signing_key();
    auto settings = load(*key);
    ASSERT_EQ(offered(settings, {seal(document(1), *key)}), "");
    EXPECT_NE(offered(settings, {change(*next, *stranger), seal(document(2), *next)}), "");
    EXPECT_NE(offered(settings, {change(*next, *next), seal(document(2), *next)}), "");
    // Asleep during the change: both come at once.
    EXPECT_EQ(offered(settings, {change(*next, *key), seal(document(2), *next)}), "");
    EXPECT_NE(offered(settings, {seal(document(3), *key)}), "") << "the old key has had its say";
    EXPECT_EQ(offered(settings, {change(*next, *key), seal(document(4), *next)}), "");
    // The pin of the configuration may stay, or follow.
    EXPECT_EQ(load(*key).document()->serial, 4u);
    EXPECT_EQ(load(*next).document()->serial, 4u);
    EXPECT_EQ(load(*stranger).document(), std::nullopt);
    EXPECT_EQ(load(*stranger).bound(start), signing::Collection{});
}

TEST_F(SignedSettingsTest, ASpoiltFileIsSaidToBe)
{
    std::ofstream(signed_settings_file(folder)) << "{";
    const auto loaded = SignedSettings::load(folder, {signing::public_key_of(*key).value(), organisation, ""});
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().message.find("mend the file or remove it"), std::string::npos);
}

/// Whatever a collector hands over, replays, cuts, reorders or makes up: without the key, no step collects more than
/// the widest of the documents that were signed, and nothing but a document with a higher serial collects more than
/// before.
TEST_F(SignedSettingsTest, NoSequenceWithoutTheKeyWidens)
{
    std::mt19937_64 random(4);
    for (int round = 0; round < 20; ++round) {
        SetUp();
        auto settings = load(*key);
        std::vector<std::string> signed_before;
        std::uint64_t highest = 0;
        Timestamp now = start;
        for (int step = 0; step < 60; ++step) {
            const bool genuine = random() % 6 == 0;
            if (genuine) {
                auto made = document(++highest);
                made.collect = tests::any_collection(random);
                signed_before.push_back(seal(made, *key));
                ASSERT_EQ(offered(settings, {signed_before.back()}, now), "");
                ASSERT_EQ(settings.bound(now), made.collect);
                continue;
            }
            const auto before = settings.bound(now);
            auto forged = document(highest + 1 + random() % 3);
            forged.collect = signing::everything();
            forged.collect.report_seconds = 1;
            std::vector<std::string> statements;
            for (std::size_t i = 0; i <= random() % 3; ++i) {
                switch (random() % 5) {
                    case 0: statements.push_back(seal(forged, *stranger)); break;
                    case 1: statements.push_back(change(*stranger, *stranger)); break;
                    case 2:
                        if (!signed_before.empty()) {
                            std::string cut = signed_before[random() % signed_before.size()];
                            cut[random() % cut.size()] ^= static_cast<char>(1 + random() % 7);
                            statements.push_back(std::move(cut));
                        }
                        break;
                    case 3:    // a replay of an older document
                        if (!signed_before.empty())
                            statements.push_back(signed_before[random() % signed_before.size()]);
                        break;
                    default: statements.push_back(std::string(random() % 40, '{'));
                }
            }
            (void)offered(settings, statements, now);
            EXPECT_EQ(settings.bound(now), before);
            if (random() % 4 == 0) settings = load(*key);    // a restart
            EXPECT_EQ(settings.bound(now), before);
            now += 1h;
        }
    }
}

}    // namespace
}    // namespace dl::agent::uplink
