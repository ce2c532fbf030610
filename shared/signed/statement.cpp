#include "shared/signed/statement.hpp"

#include "shared/base/id.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <climits>
#include <cstring>

namespace dl::signing {
namespace {

constexpr std::string_view domain = "daylight-signed-statement-1\n";
constexpr std::string_view key_prefix = "ed25519:";
constexpr std::string_view begin_line = "-----BEGIN DAYLIGHT SIGNATURE-----\n";
constexpr std::string_view end_line = "-----END DAYLIGHT SIGNATURE-----\n";
constexpr std::size_t key_digits = 64;
constexpr std::size_t signature_octets = 64;
constexpr std::size_t trailer_octets =
    begin_line.size() + key_prefix.size() + key_digits + 1 + 2 * signature_octets + 1 + end_line.size();

struct FreeBio {
    void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
struct FreeDigest {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

Failure broken(const char* what)
{
    ERR_clear_error();
    return {Failure::Kind::internal, fmt::format("OpenSSL: could not {}; check its installation", what)};
}

std::string signed_octets(std::string_view text) { return std::string(domain) + std::string(text); }

/// OpenSSL's callback for a pass phrase: the one that is given, never a prompt.
int give_pass_phrase(char* into, int room, int, void* given)
{
    const auto& phrase = *static_cast<const std::string_view*>(given);
    if (phrase.empty() || phrase.size() > static_cast<std::size_t>(room)) return -1;
    std::memcpy(into, phrase.data(), phrase.size());
    return static_cast<int>(phrase.size());
}

}    // namespace

std::string to_text(const PublicKey& key) { return std::string(key_prefix) + to_hex(key.octets); }

Result<PublicKey> parse_public_key(std::string_view text)
{
    PublicKey key;
    if (text.starts_with(key_prefix) && from_hex(text.substr(key_prefix.size()), key.octets)) return key;
    return invalid_input(fmt::format(
        "'{}' is no settings key; it is ed25519: and 64 hex digits, as `daylight-collector settings keygen` prints it",
        text));
}

Result<tls::Key> make_signing_key()
{
    tls::Key key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
    if (!key) return broken("make an Ed25519 key");
    return key;
}

Result<std::string> signing_key_to_pem(const EVP_PKEY& key, std::string_view pass_phrase)
{
    const Bio out{BIO_new(BIO_s_mem())};
    if (!out) return broken("write a key");
    const EVP_CIPHER* cipher = pass_phrase.empty() ? nullptr : EVP_aes_256_cbc();
    if (PEM_write_bio_PKCS8PrivateKey(out.get(), &key, cipher, pass_phrase.data(), static_cast<int>(pass_phrase.size()),
                                      nullptr, nullptr) != 1)
        return broken("write a key");
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

Result<tls::Key> signing_key_from_pem(std::string_view pem, std::string_view pass_phrase)
{
    if (pem.size() > INT_MAX) return invalid_input("is too large for a key");
    const Bio in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    if (!in) return broken("read a key");
    tls::Key key{PEM_read_bio_PrivateKey(in.get(), nullptr, give_pass_phrase, &pass_phrase)};
    ERR_clear_error();
    if (!key && is_encrypted(pem))
        return denied(pass_phrase.empty() ? "is encrypted; give its pass phrase" : "the pass phrase is not its own");
    if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519)
        return invalid_input("holds no settings key; make one with `daylight-collector settings keygen`");
    return key;
}

bool is_encrypted(std::string_view pem) { return pem.find("-----BEGIN ENCRYPTED ") != std::string_view::npos; }

Result<PublicKey> public_key_of(const EVP_PKEY& key)
{
    PublicKey out;
    std::size_t size = out.octets.size();
    if (EVP_PKEY_get_raw_public_key(&key, out.octets.data(), &size) != 1 || size != out.octets.size())
        return broken("read a public key");
    return out;
}

Result<std::string> seal(std::string_view text, const EVP_PKEY& key)
{
    if (text.empty() || text.back() != '\n') return invalid_input("what is signed must end with a line break");
    if (text.size() + trailer_octets > most_statement_octets)
        return invalid_input(fmt::format("is larger than {} octets; shorten it", most_statement_octets));
    const auto signer = public_key_of(key);
    if (!signer) return signer.error();
    const std::string message = signed_octets(text);
    std::array<std::uint8_t, signature_octets> signature{};
    std::size_t size = signature.size();
    const DigestContext context{EVP_MD_CTX_new()};
    if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, const_cast<EVP_PKEY*>(&key)) != 1 ||
        EVP_DigestSign(context.get(), signature.data(), &size, reinterpret_cast<const unsigned char*>(message.data()),
                       message.size()) != 1 ||
        size != signature.size())
        return broken("sign");
    return fmt::format("{}{}{}\n{}\n{}", text, begin_line, to_text(*signer), to_hex(signature), end_line);
}

Result<Statement> unseal(std::string_view sealed, const std::string& name)
{
    const auto wrong = [&](const char* what) { return invalid_input(fmt::format("{}: {}", name, what)); };
    if (sealed.size() > most_statement_octets)
        return wrong("is too large for signed settings; take the file as signed");
    if (sealed.size() <= trailer_octets) return wrong("is not signed; sign it with `daylight-collector settings sign`");
    std::string_view trailer = sealed.substr(sealed.size() - trailer_octets);
    const std::string_view text = sealed.substr(0, sealed.size() - trailer_octets);
    const auto take = [&trailer](std::size_t size) {
        const std::string_view part = trailer.substr(0, size);
        trailer.remove_prefix(size);
        return part;
    };
    const bool begins = take(begin_line.size()) == begin_line;
    const auto signer = parse_public_key(take(key_prefix.size() + key_digits));
    const bool first_break = take(1) == "\n";
    std::array<std::uint8_t, signature_octets> signature{};
    const bool digits = from_hex(take(2 * signature_octets), signature);
    const bool second_break = take(1) == "\n";
    if (!begins || !signer || !first_break || !digits || !second_break || trailer != end_line || text.back() != '\n')
        return wrong("is not signed, or cut off; sign it with `daylight-collector settings sign`");

    for (const char c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f)
            return wrong("holds control characters; sign it with `daylight-collector settings sign`");
    const tls::Key key{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, signer->octets.data(), signer->octets.size())};
    const DigestContext context{EVP_MD_CTX_new()};
    const std::string message = signed_octets(text);
    const bool holds = key && context &&
                       EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
                       EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                        reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
    ERR_clear_error();
    if (!holds) return denied(fmt::format("{}: its signature does not hold; it was changed after it was signed", name));
    return Statement{std::string(text), *signer};
}

}    // namespace dl::signing
