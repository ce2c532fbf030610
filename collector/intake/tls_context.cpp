#include "collector/intake/tls_context.hpp"

#include <boost/asio/buffer.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace dl::collector::intake {
namespace {

namespace ssl = boost::asio::ssl;

/// Takes every certificate into the connection: holder_of() judges it, with better words than an alert has.
int take_any_certificate(X509_STORE_CTX*, void*) { return 1; }

}    // namespace

Result<std::shared_ptr<ssl::context>> make_server_context(const ServerIdentity& identity)
{
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    SSL_CTX* native = context->native_handle();
    if (SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION) != 1)
        return Failure{Failure::Kind::internal, "this OpenSSL offers no TLS 1.3; install OpenSSL 3"};

    boost::system::error_code error;
    const std::string chain = identity.certificate_pem + identity.authority_pem;
    context->use_certificate_chain(boost::asio::buffer(chain), error);
    if (error) return invalid_input("the server's certificate can't be used: " + error.message());
    context->use_private_key(boost::asio::buffer(identity.key_pem), ssl::context::pem, error);
    if (error) return invalid_input("the server's private key can't be used: " + error.message());

    const auto authority = tls::certificate_from_pem(identity.authority_pem);
    if (!authority) return authority.error();
    SSL_CTX_add_client_CA(native, authority->get());
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(native, take_any_certificate, nullptr);
    static constexpr unsigned char session_context[] = "daylight agents";
    SSL_CTX_set_session_id_context(native, session_context, sizeof session_context - 1);
    SSL_CTX_set_num_tickets(native, 1);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_cert_list(native, 16 * 1024);
    ERR_clear_error();
    return context;
}

Result<pki::Holder> holder_of(SSL* connection, const pki::CertificateAuthority& authority)
{
    const tls::Certificate certificate{SSL_get1_peer_certificate(connection)};
    if (!certificate) return denied("no client certificate was shown; enrol with a token first");
    return authority.identify(*certificate);
}

}    // namespace dl::collector::intake
