// The TLS side of the agents' listener: TLS 1.3 only (RFC 8446), a client certificate asked for but not required,
// because enrolment has none. Which certificate is good is decided per request, with a reason that the client can read.
#pragma once

#include "collector/pki/certificate_authority.hpp"
#include "shared/base/failure.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <mutex>
#include <string>

namespace dl::collector::intake {

struct ServerIdentity {
    std::string certificate_pem;
    std::string key_pem;
    std::string authority_pem;    ///< sent along, so that a new agent can compare it with its pin
};

[[nodiscard]] Result<std::shared_ptr<boost::asio::ssl::context>> make_server_context(const ServerIdentity& identity);

/// The certificate of the peer of `connection`: the agent it names, or why it is none. The handshake proved possession.
[[nodiscard]] Result<pki::Holder> holder_of(SSL* connection, const pki::CertificateAuthority& authority);

/// The context that new connections use; replaced when the server's certificate is renewed. Thread-safe.
class CurrentContext {
public:
    explicit CurrentContext(std::shared_ptr<boost::asio::ssl::context> context) : context_(std::move(context)) {}
    [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> get() const
    {
        const std::lock_guard lock{mutex_};
        return context_;
    }
    void set(std::shared_ptr<boost::asio::ssl::context> context)
    {
        const std::lock_guard lock{mutex_};
        context_ = std::move(context);
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<boost::asio::ssl::context> context_;
};

}    // namespace dl::collector::intake
