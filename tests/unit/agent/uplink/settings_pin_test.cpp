#include "agent/uplink/settings_pin.hpp"

#include "agent/uplink/enrolment.hpp"
#include "agent/uplink/signed_settings.hpp"
#include "shared/signed/settings_document.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace dl::agent::uplink {
namespace {

using namespace std::chrono_literals;

struct SettingsPinTest : testing::Test {
    std::filesystem::path folder =
        std::filesystem::path(testing::TempDir()) / ("daylight-pin-" + std::to_string(::getpid()));
    tls::Key first_key = *signing::make_signing_key();
    tls::Key next_key = *signing::make_signing_key();
    std::string first = signing::to_text(signing::public_key_of(*first_key).value());
    std::string next = signing::to_text(signing::public_key_of(*next_key).value());

    void SetUp() override
    {
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    Enrolment enrolled(const std::string& pin) const
    {
        Enrolment made;
        made.agent = AgentId::random();
        made.collector = "https://collector.example:8443";
        made.settings_key = pin;
        EXPECT_TRUE(save_enrolment(folder, made));
        return made;
    }
    std::string pin(const PinWish& wish) const
    {
        const auto stored = pin_to_store(folder, wish);
        return stored ? *stored : "refused: " + stored.error().message;
    }
};

TEST_F(SettingsPinTest, AFirstEnrolmentPinsWhatItIsGiven)
{
    EXPECT_EQ(pin({}), "");
    EXPECT_EQ(pin({.asked = first}), first);
    (void)enrolled("");
    EXPECT_EQ(pin({.asked = first}), first);
}

TEST_F(SettingsPinTest, EnrollingAgainKeepsThePin)
{
    (void)enrolled(first);
    EXPECT_EQ(pin({}), first);
    EXPECT_EQ(pin({.asked = first}), first);
}

TEST_F(SettingsPinTest, AnotherKeyIsRefusedUnlessItIsMeant)
{
    (void)enrolled(first);
    EXPECT_NE(pin({.asked = next}).find("add --replace-settings-key"), std::string::npos);
    EXPECT_EQ(pin({.asked = next, .replace = true}), next);
}

TEST_F(SettingsPinTest, TheKeyOfTheSettingsFileGoesBefore)
{
    (void)enrolled("");
    EXPECT_EQ(pin({.asked = first, .in_settings = first}), first);
    for (const bool replace : {false, true})
        EXPECT_NE(
            pin({.asked = next, .in_settings = first, .replace = replace}).find("change settings_key of agent.json"),
            std::string::npos);
}

TEST_F(SettingsPinTest, AKeyThatFollowedThePinBySignedChangesIsAsGood)
{
    const Enrolment before = enrolled(first);
    const auto organisation = signing::audience_of(before.organisation_key);
    auto held = SignedSettings::load(folder, {signing::public_key_of(*first_key).value(), organisation, ""});
    ASSERT_TRUE(held);
    const Timestamp now = Timestamp{*parse_iso_date("2026-03-02")};
    signing::SettingsDocument document;
    document.organisation = organisation;
    document.serial = 1;
    document.issued = now;
    document.expires = now + 24h;
    const signing::KeyChange change{organisation, signing::public_key_of(*next_key).value()};
    const auto taken = held->take({wire::SettingsOffer::random(),
                                   {signing::seal(signing::to_text(change), *first_key).value(),
                                    signing::seal(signing::to_text(document), *next_key).value()}},
                                  now);
    ASSERT_TRUE(taken);
    ASSERT_EQ(*taken, SignedSettings::Outcome::taken);
    EXPECT_EQ(pin({.asked = next}), next);
    EXPECT_EQ(pin({}), first);
}

TEST_F(SettingsPinTest, APinThatWasLostIsNotDroppedSilently)
{
    std::ofstream(signed_settings_file(folder)) << "{}";
    EXPECT_NE(pin({}).find("name it with --settings-key"), std::string::npos);
    EXPECT_EQ(pin({.asked = first}), first);
    EXPECT_EQ(pin({.in_settings = first}), "");
    std::ofstream(enrolment_file(folder)) << "not JSON";
    EXPECT_NE(pin({}).find("name it with --settings-key"), std::string::npos);
}

}    // namespace
}    // namespace dl::agent::uplink
