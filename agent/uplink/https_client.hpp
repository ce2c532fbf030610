// One HTTPS connection to the collector, direct or through a CONNECT proxy (RFC 9110 section 9.3.6): opened for the
// first request, kept for those that follow, closed by close(). Every step has a time limit. One executor, one request
// at a time.
#pragma once

#include "agent/flow/own_connections.hpp"
#include "agent/uplink/route.hpp"
#include "agent/uplink/tls_context.hpp"
#include "shared/base/failure.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace dl::agent::uplink {

struct Request {
    std::string path;
    std::string content_type;
    std::string body;
};

struct Response {
    unsigned status = 0;
    std::string content_type;
    std::optional<std::chrono::seconds> retry_after;
    std::string body;    ///< at most 8 MiB
};

struct Patience {
    std::chrono::milliseconds connect =
        std::chrono::seconds(15);    ///< each of resolve, connect (of each address), proxy, handshake
    std::chrono::milliseconds answer = std::chrono::seconds(60);    ///< request sent to response read
};

class HttpsClient {
public:
    virtual ~HttpsClient() = default;
    /// POSTs; a connection that was kept and has died meanwhile is opened anew once. A failure says which step failed,
    /// with whom and why: `unavailable` where trying again may help, `denied` where the peer is not the collector.
    [[nodiscard]] virtual boost::asio::awaitable<Result<Response>> post(Request request) = 0;
    /// Connects and shakes hands, sends nothing.
    [[nodiscard]] virtual boost::asio::awaitable<Result<void>> reach() = 0;
    /// Other credentials from the next connection on.
    virtual void use(TlsContext context) = 0;
    virtual void close() = 0;
};

/// Each connection is told to `own` before its first packet leaves; null: nobody watches.
[[nodiscard]] std::unique_ptr<HttpsClient> create_https_client(boost::asio::any_io_executor executor, Route route,
                                                               TlsContext context, Patience patience = {},
                                                               std::shared_ptr<flow::OwnConnections> own = nullptr);

}    // namespace dl::agent::uplink
