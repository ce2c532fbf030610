// The collector's own certificate authority (RFC 5280): one self-signed P-256 key, the server's certificate, and a
// short-lived client certificate for each agent. An agent trusts it by the SHA-256 of its SubjectPublicKeyInfo, printed
// at init.
#pragma once

#include "shared/base/failure.hpp"
#include "shared/base/id.hpp"
#include "shared/base/time.hpp"
#include "shared/tls/certificates.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::pki {

/// What a certificate of ours says.
struct IssuedCertificate {
    std::string pem;
    std::string serial;    ///< 32 hex digits, random
    Timestamp not_after{};
};

/// The public key of a CSR whose self-signature holds: somebody has the private key. Nothing else in it is believed.
struct SubjectKey {
    tls::Key public_key;
    std::string fingerprint;    ///< hex SHA-256 of its SubjectPublicKeyInfo
};
/// PKCS#10 (RFC 2986) in PEM, P-256, at most 16 KiB.
[[nodiscard]] Result<SubjectKey> take_subject_key(std::string_view csr_pem);

/// What the client certificate of a connection turned out to be. Possession of its key was proven by the handshake.
struct Holder {
    AgentId agent;
    std::string serial;
    Timestamp not_before{};
    Timestamp not_after{};
    std::uint64_t generation = 0;    ///< 0 where the certificate tells none: issued before there were generations
};

class CertificateAuthority {
public:
    /// Makes key and certificate (ca.key 0600, ca.pem) in `folder`, valid for ten years.
    [[nodiscard]] static Result<void> create(const std::filesystem::path& folder, Timestamp now);
    /// Opens what create() made. A failure names the file.
    [[nodiscard]] static Result<CertificateAuthority> open(const std::filesystem::path& folder);

    /// "sha256:" and the hex SHA-256 of the CA's SubjectPublicKeyInfo (RFC 7469 section 2.4 pins the same bytes).
    [[nodiscard]] const std::string& pin() const { return pin_; }
    [[nodiscard]] const std::string& pem() const { return pem_; }
    [[nodiscard]] Timestamp not_after() const { return not_after_; }

    /// subject CN = the agent's id in hex, serialNumber = the generation in decimal digits (RFC 4519 section 2.31),
    /// extended key usage clientAuth, from an hour ago until now + lifetime.
    [[nodiscard]] Result<IssuedCertificate> issue_agent(const SubjectKey& subject, const AgentId& agent,
                                                        std::uint64_t generation, Timestamp now,
                                                        std::chrono::seconds lifetime) const;
    /// Extended key usage serverAuth, every name (DNS name or address literal) as a subjectAltName.
    [[nodiscard]] Result<IssuedCertificate> issue_server(EVP_PKEY& key, const std::vector<std::string>& names,
                                                         Timestamp now, std::chrono::seconds lifetime) const;

    [[nodiscard]] bool issued(X509& certificate) const;
    /// Signed by this CA, for clientAuth, naming an agent. Time and revocation are for the caller to check, on every
    /// request.
    [[nodiscard]] Result<Holder> identify(X509& client) const;

private:
    CertificateAuthority() = default;

    tls::Key key_;
    tls::Certificate certificate_;
    std::string pem_;
    std::string pin_;
    Timestamp not_after_{};
};

}    // namespace dl::collector::pki
