#include "shared/signed/statement.hpp"

#include <gtest/gtest.h>

namespace dl::signing {
namespace {

const std::string text = "{\"format\": \"x\"}\n";

TEST(SignedStatement, IsReadAsItWasSealed)
{
    const auto key = make_signing_key();
    ASSERT_TRUE(key);
    const auto sealed = seal(text, **key);
    ASSERT_TRUE(sealed);
    EXPECT_TRUE(sealed->starts_with(text + "-----BEGIN DAYLIGHT SIGNATURE-----\ned25519:"));
    const auto opened = unseal(*sealed, "s");
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->text, text);
    EXPECT_EQ(opened->signer, public_key_of(**key).value());
    EXPECT_EQ(parse_public_key(to_text(opened->signer)).value(), opened->signer);
}

TEST(SignedStatement, NoOctetCanBeChanged)
{
    const auto key = make_signing_key();
    const std::string sealed = seal(text, **key).value();
    for (std::size_t at = 0; at < sealed.size(); ++at)
        for (const char other : {static_cast<char>(sealed[at] ^ 1), ' ', '0'}) {
            if (other == sealed[at]) continue;
            std::string spoilt = sealed;
            spoilt[at] = other;
            EXPECT_FALSE(unseal(spoilt, "s")) << "octet " << at << " became '" << other << "'";
        }
    for (std::size_t size = 0; size < sealed.size(); ++size)
        EXPECT_FALSE(unseal(std::string_view(sealed).substr(0, size), "s")) << size;
    for (const std::string& more : {sealed + "\n", " " + sealed, sealed + sealed, text + sealed})
        EXPECT_FALSE(unseal(more, "s"));
}

TEST(SignedStatement, AnotherKeysSignatureIsNotTakenForOurs)
{
    const auto one = make_signing_key(), other = make_signing_key();
    const std::string sealed = seal(text, **one).value();
    std::string claimed = sealed;
    const std::string mine = to_text(public_key_of(**one).value());
    claimed.replace(claimed.find(mine), mine.size(), to_text(public_key_of(**other).value()));
    const auto opened = unseal(claimed, "settings.signed");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().message,
              "settings.signed: its signature does not hold; it was changed after it was signed");
}

TEST(SettingsKey, IsEncryptedWhereAPassPhraseIsGiven)
{
    const auto key = make_signing_key();
    const std::string plain = signing_key_to_pem(**key, "").value();
    EXPECT_FALSE(is_encrypted(plain));
    EXPECT_EQ(public_key_of(**signing_key_from_pem(plain, "")).value(), public_key_of(**key).value());
    const std::string secret = signing_key_to_pem(**key, "correct horse").value();
    EXPECT_TRUE(is_encrypted(secret));
    EXPECT_EQ(public_key_of(**signing_key_from_pem(secret, "correct horse")).value(), public_key_of(**key).value());
    EXPECT_EQ(signing_key_from_pem(secret, "battery").error().message, "the pass phrase is not its own");
    EXPECT_EQ(signing_key_from_pem(secret, "").error().message, "is encrypted; give its pass phrase");
    EXPECT_FALSE(signing_key_from_pem("-----BEGIN", ""));
    const auto p256 = tls::make_key();
    EXPECT_FALSE(signing_key_from_pem(tls::key_to_pem(**p256).value(), ""));
}

}    // namespace
}    // namespace dl::signing
