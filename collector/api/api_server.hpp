// The listener for page and API: plain HTTP/1.1 on loopback, one thread, every wait and size bounded. What is answered
// is the router's business (router.hpp), which lives on this thread alone.
#pragma once

#include "collector/api/router.hpp"
#include "shared/base/failure.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace dl::collector::api {

struct ApiServerLimits {
    std::size_t connections = 512;
    std::size_t header_bytes = 16 * 1024;
    std::chrono::milliseconds request = std::chrono::seconds(10);    ///< from a request's first byte to its last
    std::chrono::milliseconds write = std::chrono::seconds(30);
    std::chrono::milliseconds idle = std::chrono::seconds(75);
};

class ApiServer {
public:
    virtual ~ApiServer() = default;
    /// As bound: "127.0.0.1:8480".
    [[nodiscard]] virtual std::string address() const = 0;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    /// Runs `work` on the server's thread, between two requests: how a new router takes the place of the old.
    virtual void post(std::function<void()> work) = 0;
    /// Closes all and joins the thread. Idempotent.
    virtual void stop() = 0;
};

/// `handle` is called on the server's thread. Denied when the address is not loopback: there is no TLS here.
[[nodiscard]] Result<std::unique_ptr<ApiServer>> start_api_server(const std::string& address,
                                                                  std::function<Response(const Request&)> handle,
                                                                  ApiServerLimits limits = {});

}    // namespace dl::collector::api
