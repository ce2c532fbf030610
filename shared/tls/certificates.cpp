#include "shared/tls/certificates.hpp"

#include "shared/base/id.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <climits>
#include <ctime>

namespace dl::tls {
namespace {

constexpr std::string_view pin_prefix = "sha256:";

struct FreeBio {
    void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

/// OpenSSL's own words for the last failure; empties its queue.
std::string reason()
{
    std::array<char, 256> text{};
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    if (code == 0) return "no reason given";
    ERR_error_string_n(code, text.data(), text.size());
    return text.data();
}

Failure broken(const char* what)
{
    return {Failure::Kind::internal, fmt::format("OpenSSL: could not {} ({}); check its installation", what, reason())};
}

Bio reading(std::string_view text)
{
    if (text.size() > INT_MAX) return nullptr;
    return Bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

std::string content_of(BIO* bio)
{
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

/// No prompt on a terminal for a key that is encrypted: it is refused.
int no_password(char*, int, int, void*) { return -1; }

bool is_p256(const EVP_PKEY& key)
{
    std::array<char, 64> group{};
    return EVP_PKEY_get_base_id(&key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(&key, group.data(), group.size(), nullptr) == 1 &&
           (std::string_view(group.data()) == "prime256v1" || std::string_view(group.data()) == "P-256");
}

Result<Timestamp> to_timestamp(const ASN1_TIME* time)
{
    std::tm parts{};
    if (!time || ASN1_TIME_to_tm(time, &parts) != 1)
        return invalid_input("certificate: its validity can't be read; have it issued again");
    return Timestamp{std::chrono::seconds(timegm(&parts))};
}

}    // namespace

void FreeKey::operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
void FreeCertificate::operator()(X509* certificate) const noexcept { X509_free(certificate); }
void FreeRequest::operator()(X509_REQ* request) const noexcept { X509_REQ_free(request); }

Result<Key> make_key()
{
    Key key{EVP_EC_gen("P-256")};
    if (!key) return broken("make a P-256 key");
    return key;
}

Result<std::string> key_to_pem(const EVP_PKEY& key)
{
    const Bio out{BIO_new(BIO_s_secmem())};
    if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return broken("write a private key");
    return content_of(out.get());
}

Result<Key> key_from_pem(std::string_view pem)
{
    const Bio in = reading(pem);
    Key key{in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr) : nullptr};
    if (!key)
        return invalid_input(
            fmt::format("private key: is no unencrypted PEM key ({}); restore or remake it", reason()));
    return key;
}

Result<std::string> make_signing_request(const EVP_PKEY& key, const std::string& common_name)
{
    const SigningRequest request{X509_REQ_new()};
    // The functions below take the key non-const, but only add a reference or sign.
    EVP_PKEY* signer = const_cast<EVP_PKEY*>(&key);
    X509_NAME* subject = request ? X509_REQ_get_subject_name(request.get()) : nullptr;
    if (!subject || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(common_name.data()),
                                   static_cast<int>(common_name.size()), -1, 0) != 1)
        return invalid_input(fmt::format("signing request: '{}' is no possible name ({}); it takes 1 to 64 characters",
                                         common_name, reason()));
    if (X509_REQ_set_pubkey(request.get(), signer) != 1 || X509_REQ_sign(request.get(), signer, EVP_sha256()) <= 0)
        return broken("sign a request");
    const Bio out{BIO_new(BIO_s_mem())};
    if (!out || PEM_write_bio_X509_REQ(out.get(), request.get()) != 1) return broken("write a signing request");
    return content_of(out.get());
}

Result<SigningRequest> parse_signing_request(std::string_view pem)
{
    const Bio in = reading(pem);
    SigningRequest request{in ? PEM_read_bio_X509_REQ(in.get(), nullptr, no_password, nullptr) : nullptr};
    if (!request)
        return invalid_input(fmt::format("signing request: is no PKCS#10 in PEM ({}); send a new one", reason()));
    EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
    if (!key || !is_p256(*key)) {
        ERR_clear_error();
        return invalid_input("signing request: its key is not on P-256; make a P-256 key and ask again");
    }
    if (X509_REQ_verify(request.get(), key) != 1)
        return invalid_input(fmt::format("signing request: its signature is wrong ({}); send a new one", reason()));
    return request;
}

Result<Certificate> certificate_from_pem(std::string_view pem)
{
    const Bio in = reading(pem);
    Certificate certificate{in ? PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr) : nullptr};
    if (!certificate)
        return invalid_input(fmt::format("certificate: is no X.509 in PEM ({}); restore or renew it", reason()));
    return certificate;
}

Result<std::string> certificate_to_pem(const X509& certificate)
{
    const Bio out{BIO_new(BIO_s_mem())};
    if (!out || PEM_write_bio_X509(out.get(), const_cast<X509*>(&certificate)) != 1)
        return broken("write a certificate");
    return content_of(out.get());
}

Result<Timestamp> not_before(const X509& certificate) { return to_timestamp(X509_get0_notBefore(&certificate)); }

Result<Timestamp> not_after(const X509& certificate) { return to_timestamp(X509_get0_notAfter(&certificate)); }

std::string common_name(const X509& certificate)
{
    const X509_NAME* subject = X509_get_subject_name(&certificate);
    const int index = subject ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
    if (index < 0) return {};
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    if (size < 0) {
        ERR_clear_error();
        return {};
    }
    std::string name{reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size)};
    OPENSSL_free(utf8);
    return name;
}

bool belongs_together(const X509& certificate, const EVP_PKEY& key)
{
    const bool same = X509_check_private_key(&certificate, &key) == 1;
    ERR_clear_error();
    return same;
}

Result<Digest> public_key_fingerprint(const X509& certificate)
{
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
    if (size <= 0) return broken("encode a public key");
    const Digest digest = sha256(std::span<const std::uint8_t>(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return digest;
}

std::string to_pin(const Digest& fingerprint) { return std::string(pin_prefix) + to_hex(fingerprint); }

Result<Digest> parse_pin(std::string_view text)
{
    Digest digest{};
    if (!text.starts_with(pin_prefix) || !from_hex(text.substr(pin_prefix.size()), digest))
        return invalid_input(
            fmt::format("'{}' is no CA pin; it is sha256: and 64 hex digits, as the collector prints it", text));
    return digest;
}

}    // namespace dl::tls
