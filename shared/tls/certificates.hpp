// Keys, signing requests, certificates and pins as both sides handle them: PEM (RFC 7468) in strings, OpenSSL objects
// only between. The collector's pki issues; the agent's uplink asks and checks.
#pragma once

#include "shared/base/digest.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace dl::tls {

struct FreeKey {
    void operator()(EVP_PKEY* key) const noexcept;
};
struct FreeCertificate {
    void operator()(X509* certificate) const noexcept;
};
struct FreeRequest {
    void operator()(X509_REQ* request) const noexcept;
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;
using SigningRequest = std::unique_ptr<X509_REQ, FreeRequest>;

/// A new P-256 key (FIPS 186-4, D.1.2.3), the curve that every TLS 1.3 peer must know (RFC 8446 section 9.1).
[[nodiscard]] Result<Key> make_key();
/// PKCS#8, unencrypted (RFC 5958). The caller stores it as a secret file.
[[nodiscard]] Result<std::string> key_to_pem(const EVP_PKEY& key);
[[nodiscard]] Result<Key> key_from_pem(std::string_view pem);

/// PKCS#10 (RFC 2986), signed with SHA-256, subject CN=`common_name`. The collector does not trust the name in it.
[[nodiscard]] Result<std::string> make_signing_request(const EVP_PKEY& key, const std::string& common_name);
/// Parses and checks the request's own signature: its sender holds the key. Only P-256 keys are taken.
[[nodiscard]] Result<SigningRequest> parse_signing_request(std::string_view pem);

[[nodiscard]] Result<Certificate> certificate_from_pem(std::string_view pem);
[[nodiscard]] Result<std::string> certificate_to_pem(const X509& certificate);
/// First and last second of the validity of a certificate (RFC 5280 section 4.1.2.5).
[[nodiscard]] Result<Timestamp> not_before(const X509& certificate);
[[nodiscard]] Result<Timestamp> not_after(const X509& certificate);
/// The first CN of the subject; empty where it has none.
[[nodiscard]] std::string common_name(const X509& certificate);
/// True when `key` is the certificate's.
[[nodiscard]] bool belongs_together(const X509& certificate, const EVP_PKEY& key);

/// SHA-256 over the DER of SubjectPublicKeyInfo (the pin of RFC 7469 section 2.4): it outlives a renewed CA
/// certificate.
[[nodiscard]] Result<Digest> public_key_fingerprint(const X509& certificate);
/// "sha256:" and 64 lower-case hex digits, as `--ca-pin` takes it.
[[nodiscard]] std::string to_pin(const Digest& fingerprint);
[[nodiscard]] Result<Digest> parse_pin(std::string_view text);

}    // namespace dl::tls
