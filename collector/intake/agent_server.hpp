// The listener for agents: TLS 1.3, HTTP/1.1 with keep-alive, every wait and every size bounded. One io_context per
// thread; a connection lives on one of them from accept to close.
#pragma once

#include "collector/intake/endpoints.hpp"
#include "collector/intake/tls_context.hpp"
#include "shared/base/failure.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace dl::collector::intake {

struct ServerLimits {
    std::size_t connections = 10'000;    ///< above it, strangers make room; a tenth more and newcomers are turned away
    std::size_t header_bytes = 16 * 1024;
    std::size_t bodies_in_memory = 256 * 1024 * 1024;    ///< announced bodies of all connections together
    std::chrono::milliseconds handshake = std::chrono::seconds(10);
    std::chrono::milliseconds header = std::chrono::seconds(10);
    std::chrono::milliseconds body = std::chrono::seconds(60);
    std::chrono::milliseconds write = std::chrono::seconds(30);
    std::chrono::milliseconds idle = std::chrono::seconds(75);
    std::chrono::milliseconds drain = std::chrono::seconds(10);    ///< for requests that are being answered at stop()
};

struct ServerCounters {
    std::uint64_t connections = 0;
    std::uint64_t turned_away = 0;    ///< too many connections
    std::uint64_t failed_handshakes = 0;
    std::uint64_t requests = 0;
    std::uint64_t refused = 0;     ///< answered with 4xx or 5xx
    std::uint64_t broken = 0;      ///< ended by a time limit or the peer in the middle of a request
    std::uint64_t gave_way = 0;    ///< without a certificate, ended to make room for another
};

class AgentServer {
public:
    virtual ~AgentServer() = default;
    /// As bound: "127.0.0.1:8443", the port chosen where 0 was asked for.
    [[nodiscard]] virtual std::string address() const = 0;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    [[nodiscard]] virtual ServerCounters counters() const = 0;
    /// Accepts no more, lets running requests be answered, closes, joins the threads. Idempotent.
    virtual void stop() = 0;
};

/// Binds and serves at once. `address` is "host:port" with an address literal ("[::1]:8443"). All references outlive
/// the server.
[[nodiscard]] Result<std::unique_ptr<AgentServer>> start_agent_server(const std::string& address, unsigned threads,
                                                                      CurrentContext& context,
                                                                      const pki::CertificateAuthority& authority,
                                                                      Endpoints& endpoints, ServerLimits limits = {});

}    // namespace dl::collector::intake
