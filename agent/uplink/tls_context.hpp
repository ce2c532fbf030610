// The TLS side of the uplink: TLS 1.3 only (RFC 8446), the collector verified by name against the enrolled CA, or,
// before enrolment, against a pin.
#pragma once

#include "agent/uplink/route.hpp"
#include "shared/base/digest.hpp"
#include "shared/base/failure.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace dl::agent::uplink {

/// Why the peer was not trusted, filled during a handshake. Lives as long as its context.
struct Distrust {
    std::string why;
    std::string issuer;    ///< who issued the certificate that was shown, one line; empty: none was, or it is trusted
};

struct TlsContext {
    std::shared_ptr<boost::asio::ssl::context> context;
    std::shared_ptr<Distrust> distrust;
};

/// Trusts `ca_pem` alone and shows the agent's certificate.
[[nodiscard]] Result<TlsContext> enrolled_context(const std::string& ca_pem, const std::string& certificate_pem,
                                                  const std::string& key_pem);
/// Trusts the CA in the peer's chain whose public key has this fingerprint, and nothing where there is none.
[[nodiscard]] Result<TlsContext> pinned_context(const Digest& ca_pin);

/// Requires the certificate to name `host` (name or address), and says the name to the peer (RFC 6066 section 3).
[[nodiscard]] bool expect_host(SSL* connection, const std::string& host);

/// Why the handshake failed, for the person who has to act; empty where it was not the certificate. Of a certificate of
/// a foreign CA it names the issuer, and what to exempt where that is an inspecting proxy.
[[nodiscard]] std::string explain_distrust(SSL* connection, const Distrust& distrust, const Peer& collector);

}    // namespace dl::agent::uplink
