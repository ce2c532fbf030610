// A statement: text that somebody signed with a settings key, as one file that a person can read. The key can stay
// offline; whoever only carries the file can't change a byte of it.
//
//   {"format": "daylight-settings", …}
//   -----BEGIN DAYLIGHT SIGNATURE-----
//   ed25519:<64 hex digits: the public key>
//   <128 hex digits: the signature>
//   -----END DAYLIGHT SIGNATURE-----
//
// Signed (Ed25519, RFC 8032) are the octets "daylight-signed-statement-1\n" and all octets before the line BEGIN.
#pragma once

#include "shared/base/failure.hpp"
#include "shared/tls/certificates.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dl::signing {

inline constexpr std::size_t most_statement_octets = 512 * 1024;

/// The public half of a settings key.
struct PublicKey {
    std::array<std::uint8_t, 32> octets{};

    friend bool operator==(const PublicKey&, const PublicKey&) = default;
};
/// "ed25519:" and 64 lower-case hex digits.
[[nodiscard]] std::string to_text(const PublicKey& key);
[[nodiscard]] Result<PublicKey> parse_public_key(std::string_view text);

/// A new settings key.
[[nodiscard]] Result<tls::Key> make_signing_key();
/// PKCS#8 (RFC 5958); encrypted (PBES2, AES-256, RFC 8018) unless the pass phrase is empty.
[[nodiscard]] Result<std::string> signing_key_to_pem(const EVP_PKEY& key, std::string_view pass_phrase);
/// denied where it is encrypted and the pass phrase is not its own.
[[nodiscard]] Result<tls::Key> signing_key_from_pem(std::string_view pem, std::string_view pass_phrase);
[[nodiscard]] bool is_encrypted(std::string_view pem);
[[nodiscard]] Result<PublicKey> public_key_of(const EVP_PKEY& key);

/// `text` with the signature behind it. The text must end with a line break.
[[nodiscard]] Result<std::string> seal(std::string_view text, const EVP_PKEY& key);

struct Statement {
    std::string text;
    PublicKey signer;    ///< whose signature holds; whether that key is trusted is for the caller to say
};
/// The statement in a file whose signature holds; `name` stands for it in messages.
[[nodiscard]] Result<Statement> unseal(std::string_view sealed, const std::string& name);

}    // namespace dl::signing
