#include "shared/base/id.hpp"

#include "shared/base/digest.hpp"

#include <gtest/gtest.h>

#include <unordered_set>

namespace dl {
namespace {

TEST(Hex, GoesBothWays)
{
    const std::array<std::uint8_t, 4> bytes{0x00, 0x1f, 0xa0, 0xff};
    EXPECT_EQ(to_hex(bytes), "001fa0ff");
    std::array<std::uint8_t, 4> back{};
    EXPECT_TRUE(from_hex("001FA0fF", back));
    EXPECT_EQ(back, bytes);
    for (const char* wrong : {"", "001fa0f", "001fa0ff0", "001fa0fg", "0 1fa0ff", "0x1fa0ff"})
        EXPECT_FALSE(from_hex(wrong, back)) << wrong;
    EXPECT_EQ(to_hex({}), "");
}

TEST(Id, ParsesWhatItPrints)
{
    const AgentId id = AgentId::random();
    EXPECT_EQ(AgentId::parse(id.hex()).value(), id);
    EXPECT_EQ(id.hex().size(), 32u);
    EXPECT_FALSE(id.is_nil());
    EXPECT_TRUE(AgentId{}.is_nil());
    const Result<AgentId> wrong = AgentId::parse("abc");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error(), invalid_input("'abc' is no id of 32 hex digits"));
    EXPECT_FALSE(Pseudonym::parse(id.hex()));
}

TEST(Id, RandomOnesDiffer)
{
    std::unordered_set<Receipt> seen;
    for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(seen.insert(Receipt::random()).second);
}

TEST(Digest, EqualsThePublishedVectors)
{
    // FIPS 180-4 example; RFC 4231 test case 2.
    EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    const std::string_view key = "Jefe";
    EXPECT_EQ(to_hex(hmac_sha256({reinterpret_cast<const std::uint8_t*>(key.data()), key.size()},
                                 "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Digest, ComparesInConstantTime)
{
    const Digest a = sha256("a");
    Digest b = a;
    EXPECT_TRUE(equal_in_constant_time(a, b));
    b[31] ^= 1;
    EXPECT_FALSE(equal_in_constant_time(a, b));
    EXPECT_FALSE(equal_in_constant_time(a, std::span(b).first(31)));
}

TEST(Failure, ThrowsItsMessageWhenItIsIgnored)
{
    const Result<int> failed = not_found("x: is not there; look elsewhere");
    try {
        (void)failed.value();
        FAIL();
    } catch (const std::runtime_error& thrown) {
        EXPECT_STREQ(thrown.what(), "x: is not there; look elsewhere");
    }
}

}    // namespace
}    // namespace dl
