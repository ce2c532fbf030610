#include "shared/names/identifiers.hpp"

#include <gtest/gtest.h>

namespace dl::names {
namespace {

constexpr std::array<std::uint8_t, 32> key{1, 2, 3};
constexpr std::array<std::uint8_t, 32> other_key{3, 2, 1};

TEST(Identifiers, OnePersonsNamesAreOne)
{
    for (const char* name :
         {"E1001", "e1001", " e1001\r\n", "CORP\\E1001", "e1001@corp.example", "CORP\\E1001@corp.example"})
        EXPECT_EQ(canonical_person(name), "e1001") << name;
    EXPECT_EQ(canonical_person("@corp"), "@corp");
    EXPECT_EQ(canonical_person(""), "");
}

TEST(Identifiers, ADeviceIsKnownByItsShortName)
{
    for (const char* name : {"Laptop-07", "laptop-07.corp.example", "LAPTOP-07.", " laptop-07 "})
        EXPECT_EQ(canonical_device(name), "laptop-07") << name;
}

TEST(Identifiers, PseudonymsFollowNameKindAndKey)
{
    EXPECT_EQ(person_pseudonym(key, "CORP\\E1001"), person_pseudonym(key, "e1001@corp.example"));
    EXPECT_NE(person_pseudonym(key, "e1001"), person_pseudonym(other_key, "e1001"));
    EXPECT_NE(person_pseudonym(key, "e1001"), person_pseudonym(key, "e1002"));
    EXPECT_NE(person_pseudonym(key, "e1001"), device_pseudonym(key, "e1001"));
    EXPECT_EQ(device_pseudonym(key, "Laptop-07.corp.example"), device_pseudonym(key, "laptop-07"));
    EXPECT_EQ(person_pseudonym(key, "e1001"), Pseudonym{hmac_sha256(key, "person:e1001")});
}

TEST(Identifiers, TheCollectorsKeyMakesAnother)
{
    const Pseudonym sent = person_pseudonym(key, "e1001");
    EXPECT_NE(rekey(other_key, sent), sent);
    EXPECT_EQ(rekey(other_key, sent), rekey(other_key, sent));
    EXPECT_NE(rekey(other_key, sent), rekey(key, sent));
}

}    // namespace
}    // namespace dl::names
