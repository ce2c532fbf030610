#include "shared/signed/settings_document.hpp"

#include "tests/unit/shared/signed/random_collection.hpp"

#include <gtest/gtest.h>

namespace dl::signing {
namespace {

TEST(Collection, NarrowestIsTheMeetOfALattice)
{
    std::mt19937_64 random(11);
    for (int i = 0; i < 2000; ++i) {
        const Collection a = tests::any_collection(random), b = tests::any_collection(random),
                         c = tests::any_collection(random);
        const Collection both = narrowest(a, b);
        EXPECT_TRUE(is_within(both, a));
        EXPECT_TRUE(is_within(both, b));
        EXPECT_EQ(both, narrowest(b, a));
        EXPECT_EQ(narrowest(a, a), a);
        EXPECT_EQ(narrowest(narrowest(a, b), c), narrowest(a, narrowest(b, c)));
        EXPECT_EQ(is_within(a, b), narrowest(a, b) == a);
        EXPECT_EQ(narrowest(a, everything()), a);
        if (is_within(c, a) && is_within(c, b)) {
            EXPECT_TRUE(is_within(c, both));
        }
    }
}

TEST(Collection, WhatIsAbsentIsTheLeast)
{
    const auto node = config::parse_text("{}", "c");
    EXPECT_EQ(read_collection(*node).value(), Collection{});
    Collection widest = everything();
    widest.report_seconds = longest_report_seconds;
    EXPECT_TRUE(is_within(Collection{}, widest));
}

TEST(Collection, IsReadAsItWasWritten)
{
    std::mt19937_64 random(12);
    for (int i = 0; i < 200; ++i) {
        const Collection one = tests::any_collection(random);
        const auto node = config::parse_text(to_json(one).dump(), "c");
        EXPECT_EQ(read_collection(*node).value(), one);
    }
}

TEST(Collection, MistakesNameTheirLine)
{
    const auto error_of = [](const std::string& text) {
        const auto read = read_collection(*config::parse_text(text, "c"));
        return read ? "(no error)" : read.error().message;
    };
    EXPECT_EQ(error_of(R"({"time_grain": "minute"})"), "c:1: time_grain: is 'minute'; give day, hour or second");
    EXPECT_EQ(error_of(R"({"report_seconds": 0})"), "c:1: report_seconds: is 0; give 1 to 3600");
    EXPECT_NE(error_of(R"({"peeple": true})").find("did you mean 'people'"), std::string::npos);
    EXPECT_NE(error_of(R"({"people": 1})"), "(no error)");
    EXPECT_NE(error_of(R"({"excluded_hosts": ["a b"]})").find("is no host name"), std::string::npos);
}

TEST(SettingsDocument, IsReadAsItWasWritten)
{
    SettingsDocument document;
    document.organisation = Audience::random();
    document.groups = {"sales", "labs"};
    document.serial = 7;
    document.issued = Timestamp{*parse_iso_date("2026-03-02")};
    document.expires = document.issued + std::chrono::hours(24 * 365);
    document.collect.people = true;
    document.collect.personal_hosts = {"clinic.example"};
    EXPECT_EQ(std::get<SettingsDocument>(read_content(to_text(document), "d").value()), document);
    EXPECT_TRUE(document.concerns("labs"));
    EXPECT_FALSE(document.concerns(""));

    document.expires = document.issued;
    EXPECT_FALSE(read_content(to_text(document), "d"));
    document.expires = document.issued + longest_validity + std::chrono::hours(1);
    EXPECT_FALSE(read_content(to_text(document), "d"));
    document.serial = 0;
    document.expires = Timestamp{};
    EXPECT_FALSE(read_content(to_text(document), "d"));
    EXPECT_EQ(read_draft(to_text(document), "d").value(), document);

    const KeyChange change{document.organisation, public_key_of(**make_signing_key()).value()};
    EXPECT_EQ(std::get<KeyChange>(read_content(to_text(change), "k").value()), change);
    EXPECT_FALSE(read_draft(to_text(change), "k"));
}

}    // namespace
}    // namespace dl::signing
