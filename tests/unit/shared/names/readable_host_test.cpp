#include "shared/names/readable_host.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dl::names {
namespace {

TEST(ReadableHost, ShowsInternationalisedLabelsInTheirLetters)
{
    EXPECT_EQ(readable_host("xn--mnchen-3ya.de"), "münchen.de");
    EXPECT_EQ(readable_host("shop.xn--bcher-kva.example"), "shop.bücher.example");
    EXPECT_EQ(readable_host("xn--fiqs8s"), "中国");
    EXPECT_EQ(readable_host("xn--h1alffa9f.xn--p1ai"), "россия.рф");
    EXPECT_EQ(readable_host("www.example.com"), "www.example.com");
    EXPECT_EQ(readable_host("198.51.100.7"), "198.51.100.7");
    EXPECT_EQ(readable_host(""), "");
}

TEST(ReadableHost, AMixtureOfScriptsIsShownBesideItsAsciiForm)
{
    // All Cyrillic, below a Latin top-level domain: reads like another name.
    const std::string imitation = readable_host("xn--80ak6aa92e.com");
    EXPECT_EQ(imitation, "аррӏе.com (xn--80ak6aa92e.com, letters of several scripts: may imitate another name)");
    // One Cyrillic letter among Latin ones.
    EXPECT_NE(readable_host("xn--pypal-4ve.com").find("(xn--pypal-4ve.com, "), std::string::npos);
    // What a language writes together is none.
    EXPECT_EQ(readable_host("xn--wgv71a.com"), "日本.com");
}

TEST(ReadableHost, WhatCannotBeDecodedOrShownStaysAscii)
{
    for (const char* host : {"xn--", "xn--a", "xn--99999999999.com", "xn--\x80.com", "xn--abc-.com",
                             "xn--ab-g1t.com"})    // the last: a zero-width character
        EXPECT_EQ(readable_host(host), host);
    EXPECT_EQ(decode_punycode("3y"), std::nullopt) << "ends in the middle of a number";
    EXPECT_EQ(decode_punycode(std::string(64, 'a')), std::nullopt);
}

/// RFC 3492 section 7.1, samples (A) Arabic and (S).
TEST(ReadableHost, DecodesTheSamplesOfTheStandard)
{
    EXPECT_EQ(decode_punycode("egbpdaj6bu4bxfgehfvwxn"),
              std::u32string(U"\u0644\u064a\u0647\u0645\u0627\u0628\u062a\u0643\u0644\u0645\u0648\u0634\u0639\u0631"
                             U"\u0628\u064a\u061f"));
    EXPECT_EQ(decode_punycode("ihqwcrb4cv8a8dqg056pqjye"),
              std::u32string(U"\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587"));
}

}    // namespace
}    // namespace dl::names
