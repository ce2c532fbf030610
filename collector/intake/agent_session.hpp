// One connection of an agent, from TLS handshake to close.
#pragma once

#include "collector/intake/agent_server.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <atomic>
#include <memory>
#include <optional>

namespace dl::collector::intake {

/// What the connections of all threads share.
struct ServerState {
    const pki::CertificateAuthority& authority;
    Endpoints& endpoints;
    const ServerLimits limits;
    std::atomic<bool> draining{false};
    std::atomic<std::size_t> open_connections{0};
    std::atomic<std::size_t> bodies_in_memory{0};
    std::atomic<std::uint64_t> connections{0}, turned_away{0}, failed_handshakes{0}, requests{0}, refused{0}, broken{0},
        gave_way{0};
};

/// Lives on the thread of its socket's executor.
class AgentSession {
public:
    AgentSession(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> context,
                 ServerState& state);
    ~AgentSession();
    AgentSession(const AgentSession&) = delete;
    AgentSession& operator=(const AgentSession&) = delete;

    /// Until the connection ends. Throws only for bugs.
    [[nodiscard]] boost::asio::awaitable<void> run();
    /// Ends the connection if no request is being answered; else it ends after the answer.
    void end_when_idle();
    /// Ends the connection at once.
    void end() { stream_.next_layer().cancel(); }
    /// Showed a certificate of our authority.
    [[nodiscard]] bool is_known() const { return holder_ && *holder_; }

private:
    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
    enum class Next { another_request, close, linger };

    [[nodiscard]] boost::asio::awaitable<bool> wait_for_request();
    [[nodiscard]] boost::asio::awaitable<Next> serve_request();
    [[nodiscard]] boost::asio::awaitable<bool> read_body(Parser& parser);
    [[nodiscard]] boost::asio::awaitable<Next> respond(Response response, bool keep_alive, Next otherwise);
    [[nodiscard]] boost::asio::awaitable<void> close(Next how);

    ServerState& state_;
    std::shared_ptr<boost::asio::ssl::context> context_;
    boost::asio::ssl::stream<boost::beast::tcp_stream> stream_;
    boost::beast::flat_buffer buffer_;
    std::optional<Result<pki::Holder>> holder_;
    bool first_request_ = true;
    bool idle_ = false;
};

}    // namespace dl::collector::intake
