#include "shared/base/address.hpp"

#include <gtest/gtest.h>

namespace dl {
namespace {

TEST(Address, PrintsBothFamilies)
{
    const std::array<std::uint8_t, 4> v4{192, 0, 2, 1};
    EXPECT_EQ(Address::v4(v4).to_string(), "192.0.2.1");
    // RFC 5952 section 4: lower case, the longest run of zeros once as ::
    const std::array<std::uint8_t, 16> v6{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xab};
    EXPECT_EQ(Address::v6(v6).to_string(), "2001:db8::1:0:ab");
    EXPECT_EQ(Address{}.to_string(), "");
}

TEST(Address, FamiliesDoNotMix)
{
    const std::array<std::uint8_t, 4> v4{1, 2, 3, 4};
    std::array<std::uint8_t, 16> v6{};
    std::copy(v4.begin(), v4.end(), v6.begin());
    EXPECT_NE(Address::v4(v4), Address::v6(v6));
    EXPECT_LT((Endpoint{Address::v4(v4), 80}), (Endpoint{Address::v4(v4), 443}));
}

TEST(Transport, HasAWord)
{
    EXPECT_STREQ(to_string(Transport::tcp), "tcp");
    EXPECT_STREQ(to_string(Transport::udp), "udp");
    EXPECT_STREQ(to_string(Transport::other), "other");
}

}    // namespace
}    // namespace dl
