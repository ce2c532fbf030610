#include "collector/pki/certificate_authority.hpp"

#include "collector/pki/openssl_handles.hpp"
#include "shared/base/address.hpp"
#include "shared/base/digest.hpp"
#include "shared/tls/files.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <charconv>
#include <stdexcept>

namespace dl::collector::pki {
namespace {

constexpr std::size_t request_limit = 16 * 1024;
constexpr std::size_t file_limit = 64 * 1024;
constexpr std::chrono::hours authority_lifetime{24 * 3653};
constexpr std::chrono::hours clock_tolerance{
    1};    ///< certificates start in the past, for agents whose clock is behind

std::string fingerprint_of(EVP_PKEY& key)
{
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(&key, &der);
    if (size <= 0) throw std::runtime_error("OpenSSL writes no public key: " + take_openssl_reason());
    const Digest digest = sha256(std::span<const std::uint8_t>(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return to_hex(digest);
}

std::string serial_of(const X509& certificate)
{
    const ASN1_INTEGER* serial = X509_get0_serialNumber(&certificate);
    const BigNumberHandle number{ASN1_INTEGER_to_BN(serial, nullptr)};
    std::array<std::uint8_t, 16> bytes{};
    if (!number || BN_is_negative(number.get()) || BN_bn2binpad(number.get(), bytes.data(), bytes.size()) < 0)
        return {};
    return to_hex(bytes);
}

void check(bool done)
{
    if (!done) throw std::runtime_error("OpenSSL builds no certificate: " + take_openssl_reason());
}

void add_extension(X509& certificate, X509& issuer, int kind, const std::string& value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
    const ExtensionHandle extension{X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str())};
    check(extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1);
}

void add_to_subject(X509& certificate, int kind, const std::string& value)
{
    const auto* text = reinterpret_cast<const unsigned char*>(value.data());
    check(X509_NAME_add_entry_by_NID(X509_get_subject_name(&certificate), kind, MBSTRING_UTF8, text,
                                     static_cast<int>(value.size()), -1, 0) == 1);
}

/// 0 where the subject tells none.
std::uint64_t generation_of(const X509& certificate)
{
    const X509_NAME* subject = X509_get_subject_name(&certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_serialNumber, -1);
    if (at < 0) return 0;
    const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    const auto* digits = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
    std::uint64_t generation = 0;
    std::from_chars(digits, digits + ASN1_STRING_length(text), generation);
    return generation;
}

/// Everything that all our certificates share; the serial is 128 random bits (RFC 5280 section 4.1.2.2 asks for 64 and
/// more).
tls::Certificate start_certificate(const std::string& common_name, EVP_PKEY& public_key, Timestamp from,
                                   Timestamp until)
{
    tls::Certificate certificate{X509_new()};
    check(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1);

    std::array<std::uint8_t, 16> serial{};
    fill_random(serial);
    const BigNumberHandle number{BN_bin2bn(serial.data(), serial.size(), nullptr)};
    check(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())) != nullptr);

    add_to_subject(*certificate, NID_commonName, common_name);
    const auto seconds = [](Timestamp when) {
        return std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
    };
    check(ASN1_TIME_set(X509_getm_notBefore(certificate.get()), seconds(from)) != nullptr &&
          ASN1_TIME_set(X509_getm_notAfter(certificate.get()), seconds(until)) != nullptr &&
          X509_set_pubkey(certificate.get(), &public_key) == 1);
    return certificate;
}

IssuedCertificate sign(X509& certificate, X509& issuer, EVP_PKEY& issuer_key)
{
    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
    check(X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer)) == 1);
    check(X509_sign(&certificate, &issuer_key, EVP_sha256()) > 0);
    return {tls::certificate_to_pem(certificate).value(), serial_of(certificate), tls::not_after(certificate).value()};
}

bool is_address(const std::string& name) { return Address::parse(name).has_value(); }

}    // namespace

std::string take_openssl_reason()
{
    const unsigned long first = ERR_get_error();
    ERR_clear_error();
    const char* reason = first == 0 ? nullptr : ERR_reason_error_string(first);
    return reason ? reason : "no reason given";
}

Result<SubjectKey> take_subject_key(std::string_view csr_pem)
{
    if (csr_pem.size() > request_limit)
        return invalid_input("csr_pem: longer than 16 KiB; send one PKCS#10 request in PEM");
    const auto request = tls::parse_signing_request(csr_pem);
    if (!request) return invalid_input("csr_pem: " + request.error().message);
    tls::Key key{X509_REQ_get_pubkey(request->get())};
    check(key != nullptr);
    std::string fingerprint = fingerprint_of(*key);
    return SubjectKey{std::move(key), std::move(fingerprint)};
}

Result<void> CertificateAuthority::create(const std::filesystem::path& folder, Timestamp now)
{
    const tls::Key key = tls::make_key().value();
    const std::string name = "Daylight collector " + fingerprint_of(*key).substr(0, 16);
    const tls::Certificate certificate = start_certificate(name, *key, now - clock_tolerance, now + authority_lifetime);
    add_extension(*certificate, *certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(*certificate, *certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(*certificate, *certificate, NID_subject_key_identifier, "hash");
    const IssuedCertificate issued = sign(*certificate, *certificate, *key);
    const auto key_pem = tls::key_to_pem(*key);
    if (!key_pem) return key_pem.error();
    if (auto written = tls::write_file_durably(folder / "ca.key", *key_pem, tls::Visibility::secret); !written)
        return written;
    return tls::write_file_durably(folder / "ca.pem", issued.pem, tls::Visibility::shared);
}

Result<CertificateAuthority> CertificateAuthority::open(const std::filesystem::path& folder)
{
    const auto key_pem = tls::read_whole_file(folder / "ca.key", file_limit);
    if (!key_pem) return key_pem.error();
    auto key = tls::key_from_pem(*key_pem);
    if (!key) return invalid_input((folder / "ca.key").string() + ": " + key.error().message);
    auto pem = tls::read_whole_file(folder / "ca.pem", file_limit);
    if (!pem) return pem.error();
    auto certificate = tls::certificate_from_pem(*pem);
    if (!certificate) return invalid_input((folder / "ca.pem").string() + ": " + certificate.error().message);
    if (!tls::belongs_together(**certificate, **key))
        return invalid_input(
            fmt::format("{}: ca.key is not the key of ca.pem; restore both from one backup", folder.string()));
    const auto not_after = tls::not_after(**certificate);
    const auto fingerprint = tls::public_key_fingerprint(**certificate);
    if (!not_after) return not_after.error();
    if (!fingerprint) return fingerprint.error();
    CertificateAuthority authority;
    authority.pin_ = tls::to_pin(*fingerprint);
    authority.key_ = std::move(*key);
    authority.not_after_ = *not_after;
    authority.certificate_ = std::move(*certificate);
    authority.pem_ = std::move(*pem);
    return authority;
}

Result<IssuedCertificate> CertificateAuthority::issue_agent(const SubjectKey& subject, const AgentId& agent,
                                                            std::uint64_t generation, Timestamp now,
                                                            std::chrono::seconds lifetime) const
{
    const Timestamp until = std::min(now + lifetime, not_after_);
    if (until <= now)
        return unavailable("the collector's certificate authority has expired; make a new one and enrol anew");
    const tls::Certificate certificate =
        start_certificate(agent.hex(), *subject.public_key, now - clock_tolerance, until);
    add_to_subject(*certificate, NID_serialNumber, std::to_string(generation));
    add_extension(*certificate, *certificate_, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(*certificate, *certificate_, NID_key_usage, "critical,digitalSignature");
    add_extension(*certificate, *certificate_, NID_ext_key_usage, "clientAuth");
    return sign(*certificate, *certificate_, *key_);
}

Result<IssuedCertificate> CertificateAuthority::issue_server(EVP_PKEY& key, const std::vector<std::string>& names,
                                                             Timestamp now, std::chrono::seconds lifetime) const
{
    if (names.empty()) return invalid_input("a server certificate needs at least one name; set agents.names");
    std::string alternatives;
    for (const std::string& name : names) {
        if (name.empty() || name.find_first_of(",;: \n") != std::string::npos) {
            if (!is_address(name))
                return invalid_input(fmt::format("agents.names: '{}' is no DNS name or address; mend it", name));
        }
        if (!alternatives.empty()) alternatives += ',';
        alternatives += (is_address(name) ? "IP:" : "DNS:") + name;
    }
    const Timestamp until = std::min(now + lifetime, not_after_);
    if (until <= now)
        return unavailable("the collector's certificate authority has expired; make a new one and enrol anew");
    const tls::Certificate certificate =
        start_certificate(names.front().substr(0, 64), key, now - clock_tolerance, until);
    add_extension(*certificate, *certificate_, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(*certificate, *certificate_, NID_key_usage, "critical,digitalSignature");
    add_extension(*certificate, *certificate_, NID_ext_key_usage, "serverAuth");
    add_extension(*certificate, *certificate_, NID_subject_alt_name, alternatives);
    return sign(*certificate, *certificate_, *key_);
}

bool CertificateAuthority::issued(X509& certificate) const
{
    const bool ours =
        X509_NAME_cmp(X509_get_issuer_name(&certificate), X509_get_subject_name(certificate_.get())) == 0 &&
        X509_verify(&certificate, key_.get()) == 1;
    ERR_clear_error();
    return ours;
}

Result<Holder> CertificateAuthority::identify(X509& client) const
{
    if (!issued(client))
        return denied("the client certificate was not issued by this collector; enrol with a token of this collector");
    const bool for_clients =
        X509_check_ca(&client) == 0 && (X509_get_extended_key_usage(&client) & XKU_SSL_CLIENT) != 0;
    const auto agent = AgentId::parse(tls::common_name(client));
    if (!for_clients || !agent) return denied("the client certificate is not an agent's; enrol with a token");
    const auto not_before = tls::not_before(client);
    const auto not_after = tls::not_after(client);
    if (!not_before || !not_after) return denied("the client certificate has no readable validity; enrol with a token");
    return Holder{*agent, serial_of(client), *not_before, *not_after, generation_of(client)};
}

}    // namespace dl::collector::pki
