#include "shared/tls/certificates.hpp"

#include <gtest/gtest.h>

#include <openssl/asn1.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

namespace dl::tls {
namespace {

/// A self-signed certificate with a known validity.
Certificate self_signed(EVP_PKEY* key, const char* name)
{
    Certificate certificate{X509_new()};
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), 1'700'000'000);
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), 1'800'000'000);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    X509_sign(certificate.get(), key, EVP_sha256());
    return certificate;
}

TEST(Certificates, KeySurvivesPem)
{
    const Key key = make_key().value();
    const std::string pem = key_to_pem(*key).value();
    EXPECT_TRUE(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    const Key again = key_from_pem(pem).value();
    EXPECT_EQ(EVP_PKEY_eq(key.get(), again.get()), 1);
    EXPECT_NE(EVP_PKEY_eq(key.get(), make_key().value().get()), 1);
    EXPECT_FALSE(key_from_pem("garbage"));
    EXPECT_FALSE(key_from_pem(pem.substr(0, pem.size() / 2)));
    EXPECT_FALSE(key_from_pem(""));
}

TEST(Certificates, RequestProvesItsKey)
{
    const Key key = make_key().value();
    const std::string pem = make_signing_request(*key, "laptop-07").value();
    EXPECT_TRUE(pem.starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
    const SigningRequest request = parse_signing_request(pem).value();
    EXPECT_EQ(EVP_PKEY_eq(X509_REQ_get0_pubkey(request.get()), key.get()), 1);
    EXPECT_FALSE(make_signing_request(*key, std::string(65, 'a')));
    EXPECT_FALSE(make_signing_request(*key, ""));
}

TEST(Certificates, RequestWithABrokenSignatureIsRefused)
{
    const Key key = make_key().value();
    SigningRequest request = parse_signing_request(make_signing_request(*key, "a").value()).value();
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "O", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>("other"), -1, -1, 0);
    BIO* out = BIO_new(BIO_s_mem());
    // A changed request is encoded anew, under the old signature.
    i2d_re_X509_REQ_tbs(request.get(), nullptr);
    PEM_write_bio_X509_REQ(out, request.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    const std::string pem(data, static_cast<std::size_t>(size));
    BIO_free(out);
    const Result<SigningRequest> parsed = parse_signing_request(pem);
    ASSERT_FALSE(parsed);
    EXPECT_NE(parsed.error().message.find("signature"), std::string::npos) << parsed.error().message;
}

TEST(Certificates, RequestWithAnotherKindOfKeyIsRefused)
{
    const Key p384{EVP_EC_gen("P-384")};
    const Key rsa{EVP_RSA_gen(1024)};
    for (const EVP_PKEY* key : {p384.get(), rsa.get()}) {
        const Result<SigningRequest> parsed = parse_signing_request(make_signing_request(*key, "a").value());
        ASSERT_FALSE(parsed);
        EXPECT_NE(parsed.error().message.find("P-256"), std::string::npos) << parsed.error().message;
    }
    EXPECT_FALSE(
        parse_signing_request("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"));
}

TEST(Certificates, TellTheirNameValidityAndKey)
{
    const Key key = make_key().value();
    const Certificate made = self_signed(key.get(), "Daylight CA");
    const Certificate certificate = certificate_from_pem(certificate_to_pem(*made).value()).value();
    EXPECT_EQ(common_name(*certificate), "Daylight CA");
    EXPECT_EQ(to_rfc3339(not_before(*certificate).value()), "2023-11-14T22:13:20.000000Z");
    EXPECT_EQ(to_rfc3339(not_after(*certificate).value()), "2027-01-15T08:00:00.000000Z");
    EXPECT_TRUE(belongs_together(*certificate, *key));
    EXPECT_FALSE(belongs_together(*certificate, *make_key().value()));
    EXPECT_FALSE(certificate_from_pem("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"));
}

TEST(Certificates, PinIsOfTheKeyNotOfTheCertificate)
{
    const Key key = make_key().value();
    const Digest first = public_key_fingerprint(*self_signed(key.get(), "first")).value();
    EXPECT_EQ(first, public_key_fingerprint(*self_signed(key.get(), "renewed")).value());
    EXPECT_NE(first, public_key_fingerprint(*self_signed(make_key().value().get(), "first")).value());
    EXPECT_EQ(parse_pin(to_pin(first)).value(), first);
    EXPECT_EQ(to_pin(Digest{}), "sha256:" + std::string(64, '0'));
    for (const std::string& wrong : {std::string("sha256:"), std::string(64, '0'), "sha1:" + std::string(64, '0'),
                                     "sha256:" + std::string(63, '0'), "sha256:" + std::string(64, 'g')})
        EXPECT_FALSE(parse_pin(wrong)) << wrong;
}

}    // namespace
}    // namespace dl::tls
