#include "agent/uplink/tls_context.hpp"

#include "shared/names/host_name.hpp"
#include "shared/tls/certificates.hpp"

#include <boost/asio/buffer.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>

namespace dl::agent::uplink {
namespace {

namespace ssl = boost::asio::ssl;

struct FreeStore {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
struct FreeStoreContext {
    void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};

/// What the verification of a pinned connection needs; owned by the context's holder.
struct Pinned : Distrust {
    Digest pin{};
};

std::shared_ptr<ssl::context> bare_context()
{
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
    SSL_CTX_set_verify(context->native_handle(), SSL_VERIFY_PEER, nullptr);
    return context;
}

struct FreeBio {
    void operator()(BIO* memory) const { BIO_free(memory); }
};

/// Who issued a stranger's certificate, for a terminal: control characters and all beyond ASCII escaped, of bounded
/// length.
std::string issuer_of(const X509* certificate)
{
    constexpr std::size_t longest_issuer = 200;
    const std::unique_ptr<BIO, FreeBio> memory(BIO_new(BIO_s_mem()));
    constexpr unsigned long how = XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ;
    if (!certificate || !memory || X509_NAME_print_ex(memory.get(), X509_get_issuer_name(certificate), 0, how) < 0)
        return "nobody";
    std::string name(longest_issuer, '\0');
    const int length = BIO_read(memory.get(), name.data(), static_cast<int>(name.size()));
    name.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return name.empty() ? "nobody" : name;
}

/// OpenSSL's own verification; what it does not trust is remembered by its issuer.
int verify_enrolled(X509_STORE_CTX* asked, void* argument)
{
    const int good = X509_verify_cert(asked);
    if (good != 1) static_cast<Distrust*>(argument)->issuer = issuer_of(X509_STORE_CTX_get0_cert(asked));
    return good == 1 ? 1 : 0;
}

/// The certificate of the chain that carries the pinned key; null where none does.
X509* pinned_in(STACK_OF(X509) * chain, Pinned& pinned)
{
    std::string last;
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        X509* certificate = sk_X509_value(chain, i);
        const auto fingerprint = tls::public_key_fingerprint(*certificate);
        if (!fingerprint) continue;
        if (equal_in_constant_time(*fingerprint, pinned.pin)) return certificate;
        last = tls::to_pin(*fingerprint);
    }
    pinned.why = fmt::format(
        "its CA is not the pinned one (the last certificate of its chain has {}); compare with the pin that "
        "`daylight-collector init` printed",
        last);
    return nullptr;
}

/// In place of OpenSSL's own verification: the pinned certificate is the only one that is trusted.
int verify_pinned(X509_STORE_CTX* asked, void* argument)
{
    auto& pinned = *static_cast<Pinned*>(argument);
    X509_STORE_CTX_set_error(asked, X509_V_ERR_CERT_UNTRUSTED);
    STACK_OF(X509)* chain = X509_STORE_CTX_get0_untrusted(asked);
    X509* anchor = pinned_in(chain, pinned);
    if (!anchor) {
        pinned.issuer = issuer_of(X509_STORE_CTX_get0_cert(asked));
        return 0;
    }

    const std::unique_ptr<X509_STORE, FreeStore> trusted(X509_STORE_new());
    const std::unique_ptr<X509_STORE_CTX, FreeStoreContext> check(X509_STORE_CTX_new());
    if (!trusted || !check || X509_STORE_add_cert(trusted.get(), anchor) != 1) return 0;
    if (X509_STORE_CTX_init(check.get(), trusted.get(), X509_STORE_CTX_get0_cert(asked), chain) != 1) return 0;
    X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(check.get()), X509_STORE_CTX_get0_param(asked));
    const int good = X509_verify_cert(check.get());
    X509_STORE_CTX_set_error(asked, X509_STORE_CTX_get_error(check.get()));
    return good == 1 ? 1 : 0;
}

}    // namespace

Result<TlsContext> enrolled_context(const std::string& ca_pem, const std::string& certificate_pem,
                                    const std::string& key_pem)
{
    auto context = bare_context();
    boost::system::error_code error;
    context->add_certificate_authority(boost::asio::buffer(ca_pem), error);
    if (!error) context->use_certificate_chain(boost::asio::buffer(certificate_pem), error);
    if (!error) context->use_private_key(boost::asio::buffer(key_pem), ssl::context::pem, error);
    if (error)
        return invalid_input(
            fmt::format("the stored key or certificates are not usable: {}; enrol again", error.message()));
    auto distrust = std::make_shared<Distrust>();
    SSL_CTX_set_cert_verify_callback(context->native_handle(), verify_enrolled, distrust.get());
    return TlsContext{std::move(context), std::move(distrust)};
}

Result<TlsContext> pinned_context(const Digest& ca_pin)
{
    auto context = bare_context();
    auto pinned = std::make_shared<Pinned>();
    pinned->pin = ca_pin;
    SSL_CTX_set_cert_verify_callback(context->native_handle(), verify_pinned, pinned.get());
    return TlsContext{std::move(context), std::move(pinned)};
}

bool expect_host(SSL* connection, const std::string& host)
{
    X509_VERIFY_PARAM* expected = SSL_get0_param(connection);
    if (names::is_address_literal(host)) return X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // SSL_set_tlsext_host_name() is a macro with an old-style cast.
    return X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1 &&
           SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    const_cast<char*>(host.c_str())) == 1;
}

std::string explain_distrust(SSL* connection, const Distrust& distrust, const Peer& collector)
{
    const std::string exempt =
        distrust.issuer.empty()
            ? std::string()
            : fmt::format(
                  "; it was issued by {}: if that is a proxy that inspects TLS, exempt {} from inspection there",
                  distrust.issuer, collector.authority());
    if (!distrust.why.empty()) return distrust.why + exempt;
    switch (const long code = SSL_get_verify_result(connection)) {
        case X509_V_OK: return {};
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return "its certificate has expired; check this host's clock, then the collector's certificate";
        case X509_V_ERR_CERT_NOT_YET_VALID: return "its certificate is not valid yet; check this host's clock";
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return fmt::format(
                "its certificate does not name {}; use a name that it has, or add this one to agents_names",
                collector.host);
        default:
            return fmt::format("its certificate is not of the enrolled CA ({}); check the address, or enrol again{}",
                               X509_verify_cert_error_string(code), exempt);
    }
}

}    // namespace dl::agent::uplink
