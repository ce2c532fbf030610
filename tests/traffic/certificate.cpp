#include "tests/traffic/exchange.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>

namespace dl::traffic {
namespace {

std::string text_of(BIO* bio)
{
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

}    // namespace

Certificate make_certificate()
{
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
    const std::unique_ptr<X509, decltype(&X509_free)> made{X509_new(), X509_free};
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> certificate_pem{BIO_new(BIO_s_mem()), BIO_free_all};
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> key_pem{BIO_new(BIO_s_mem()), BIO_free_all};
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -86400);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 7 * 86400);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME* name = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("daylight-traffic"), -1,
                               -1, 0);
    X509_set_issuer_name(made.get(), name);
    if (!key || X509_sign(made.get(), key.get(), EVP_sha256()) == 0 ||
        PEM_write_bio_X509(certificate_pem.get(), made.get()) != 1 ||
        PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        throw std::runtime_error("OpenSSL could not make a certificate");
    }
    return {text_of(certificate_pem.get()), text_of(key_pem.get())};
}

}    // namespace dl::traffic
