#include "collector/commands/server_certificate.hpp"

#include "shared/base/address.hpp"
#include "shared/tls/certificates.hpp"
#include "shared/tls/files.hpp"

#include <openssl/x509v3.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace dl::collector::commands {
namespace {

/// Does the certificate carry this name or address literally?
bool names_it(X509& certificate, const std::string& name)
{
    return Address::parse(name).has_value()
               ? X509_check_ip_asc(&certificate, name.c_str(), 0) == 1
               : X509_check_host(&certificate, name.data(), name.size(), X509_CHECK_FLAG_NO_WILDCARDS, nullptr) == 1;
}

Result<intake::ServerIdentity> stored_identity(const DataDirectory& data, const pki::CertificateAuthority& authority,
                                               const std::vector<std::string>& names, Timestamp now)
{
    auto key_pem = tls::read_whole_file(data.server_key());
    if (!key_pem) return key_pem.error();
    auto certificate_pem = tls::read_whole_file(data.server_certificate());
    if (!certificate_pem) return certificate_pem.error();
    const auto key = tls::key_from_pem(*key_pem);
    if (!key) return key.error();
    const auto certificate = tls::certificate_from_pem(*certificate_pem);
    if (!certificate) return certificate.error();
    if (!tls::belongs_together(**certificate, **key)) return invalid_input("key and certificate are of different age");
    if (!authority.issued(**certificate)) return invalid_input("it is of another certificate authority");
    const auto end = tls::not_after(**certificate);
    if (!end || *end - now < server_renewal) return invalid_input("it ends soon");
    for (const std::string& name : names)
        if (!names_it(**certificate, name)) return invalid_input("it does not name " + name);
    return intake::ServerIdentity{std::move(*certificate_pem), std::move(*key_pem), authority.pem()};
}

}    // namespace

std::vector<std::string> server_names(const std::vector<std::string>& configured)
{
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    for (std::string name : configured) {
        if (name.size() >= 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
        add(name);
    }
    for (const char* name : {"localhost", "127.0.0.1", "::1"})
        add(name);
    return names;
}

Result<intake::ServerIdentity> current_server_identity(const DataDirectory& data,
                                                       const pki::CertificateAuthority& authority,
                                                       const std::vector<std::string>& configured, Timestamp now)
{
    const std::vector<std::string> names = server_names(configured);
    auto stored = stored_identity(data, authority, names, now);
    if (stored) return stored;
    if (stored.error().kind != Failure::Kind::not_found)
        spdlog::info("making a new server certificate: {}", stored.error().message);

    const auto key = tls::make_key();
    if (!key) return key.error();
    const auto issued = authority.issue_server(**key, names, now, server_lifetime);
    if (!issued) return issued.error();
    auto key_pem = tls::key_to_pem(**key);
    if (!key_pem) return key_pem.error();
    if (auto written = tls::write_file_durably(data.server_key(), *key_pem, tls::Visibility::secret); !written)
        return written.error();
    if (auto written = tls::write_file_durably(data.server_certificate(), issued->pem, tls::Visibility::shared);
        !written)
        return written.error();
    return intake::ServerIdentity{issued->pem, std::move(*key_pem), authority.pem()};
}

}    // namespace dl::collector::commands
