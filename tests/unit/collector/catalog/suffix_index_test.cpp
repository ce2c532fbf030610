#include "collector/catalog/pattern.hpp"
#include "collector/catalog/suffix_index.hpp"
#include "shared/names/host_name.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace dl::collector::catalog {
namespace {

Pattern pattern(std::string_view text)
{
    auto parsed = parse_pattern(text, Depth::single_label);
    if (!parsed) throw std::runtime_error(parsed.error().message);
    return *parsed;
}

SuffixIndex::RuleNumber find(const SuffixIndex& index, std::string_view host)
{
    const FoldedHost folded(host);
    return folded.valid() ? index.find(folded) : SuffixIndex::none;
}

TEST(SuffixIndex, PrefersExactOverLongerOverShorter)
{
    SuffixIndex index(8);
    const char* patterns[] = {"*.a.example", "b.a.example", "*.c.a.example", "*-my.a.example", "*.local"};
    for (SuffixIndex::RuleNumber i = 0; i < 5; ++i)
        EXPECT_EQ(index.add(pattern(patterns[i]), i), SuffixIndex::none);
    EXPECT_EQ(index.add(pattern("*.a.example"), 9), 0U);
    EXPECT_EQ(find(index, "a.example"), 0U);
    EXPECT_EQ(find(index, "x.y.a.example"), 0U);
    EXPECT_EQ(find(index, "b.a.example"), 1U);
    EXPECT_EQ(find(index, "x.b.a.example"), 0U) << "exact does not reach below";
    EXPECT_EQ(find(index, "x.c.a.example"), 2U);
    EXPECT_EQ(find(index, "C.A.Example."), 2U);
    EXPECT_EQ(find(index, "corp-my.a.example"), 3U);
    EXPECT_EQ(find(index, "x.corp-my.a.example"), 3U);
    EXPECT_EQ(find(index, "-my.a.example"), SuffixIndex::none) << "no host name";
    EXPECT_EQ(find(index, "printer.local"), 4U);
    EXPECT_EQ(find(index, "xa.example"), SuffixIndex::none);
    EXPECT_EQ(find(index, "example"), SuffixIndex::none);
    index.replace(pattern("b.a.example"), 7);
    EXPECT_EQ(find(index, "b.a.example"), 7U);
}

TEST(SuffixIndex, AgreesWithAPlainMapOnRandomNames)
{
    std::mt19937 random(20261121);
    const auto label = [&] { return std::string(1, static_cast<char>('a' + random() % 4)); };
    const auto name = [&](unsigned most) {
        std::string text = label() + "." + label();
        for (unsigned i = random() % most; i > 0; --i)
            text = label() + "." + text;
        return text;
    };
    SuffixIndex index(1);    // made to grow
    std::map<std::string, SuffixIndex::RuleNumber> exact;
    std::map<std::string, SuffixIndex::RuleNumber> suffix;
    for (SuffixIndex::RuleNumber rule = 0; rule < 300; ++rule) {
        const std::string host = name(4);
        auto& plain = rule % 2 ? exact : suffix;
        const auto held = index.add(pattern(rule % 2 ? host : "*." + host), rule);
        const auto known = plain.emplace(host, rule);
        EXPECT_EQ(held, known.second ? SuffixIndex::none : known.first->second);
    }
    for (int i = 0; i < 20000; ++i) {
        const std::string host = name(6);
        auto expected = SuffixIndex::none;
        if (const auto found = exact.find(host); found != exact.end()) {
            expected = found->second;
        } else {
            for (std::size_t at = 0;;) {
                if (const auto below = suffix.find(host.substr(at)); below != suffix.end()) {
                    expected = below->second;
                    break;
                }
                const auto dot = host.find('.', at);
                if (dot == std::string::npos) break;
                at = dot + 1;
            }
        }
        ASSERT_EQ(find(index, host), expected) << host;
    }
}

TEST(FoldedHost, AgreesWithTheSharedRuleForHostNames)
{
    std::mt19937 random(7);
    constexpr std::string_view letters = "aZ0-_.%\xc3 1";
    for (int i = 0; i < 50000; ++i) {
        std::string text;
        for (auto n = random() % 12; n > 0; --n)
            text += letters[random() % letters.size()];
        const FoldedHost folded(text);
        const auto normal = names::normalise_host(text);
        if (folded.numeric_end()) continue;    // the shared rule calls these no host names; match() asks it
        ASSERT_EQ(folded.valid(), normal.has_value()) << '\'' << text << '\'';
        EXPECT_EQ(folded.text(), normal.value_or(""));
    }
    EXPECT_TRUE(FoldedHost(std::string(63, 'a') + ".example").valid());
    EXPECT_FALSE(FoldedHost(std::string(64, 'a') + ".example").valid());
    EXPECT_FALSE(FoldedHost(std::string(300, 'a')).valid());
}

}    // namespace
}    // namespace dl::collector::catalog
