#include "agent/uplink/https_client.hpp"

#include "generated/version.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <fmt/format.h>
#include <openssl/err.h>

#include <charconv>
#include <utility>

namespace dl::agent::uplink {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Error = boost::system::error_code;
using Stream = asio::ssl::stream<beast::tcp_stream>;
constexpr auto outcome = asio::as_tuple(asio::use_awaitable);

constexpr std::uint64_t largest_body = 8 << 20;
constexpr std::uint32_t largest_header = 16 << 10;

std::string reason(const Error& error)
{
    if (error == beast::error::timeout) return "no answer in time";
    if (error == http::error::end_of_stream || error == asio::error::eof || error == asio::ssl::error::stream_truncated)
        return "the connection was closed";
    return error.message();
}

std::optional<std::chrono::seconds> seconds_from(std::string_view text)
{
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return std::chrono::seconds(seconds);
}

Endpoint endpoint_of(const tcp::endpoint& peer)
{
    const auto address = peer.address();
    if (address.is_v4()) return {Address::v4(address.to_v4().to_bytes()), peer.port()};
    return {Address::v6(address.to_v6().to_bytes()), peer.port()};
}

class BeastClient final : public HttpsClient {
public:
    BeastClient(asio::any_io_executor executor, Route route, TlsContext context, Patience patience,
                std::shared_ptr<flow::OwnConnections> own)
        : executor_(std::move(executor)),
          route_(std::move(route)),
          context_(std::move(context)),
          patience_(patience),
          own_(std::move(own))
    {}

    asio::awaitable<Result<Response>> post(Request request) override
    {
        http::request<http::string_body> message(http::verb::post, request.path, 11);
        message.set(http::field::host, route_.collector.authority());
        message.set(http::field::user_agent, std::string("daylight-agent/") + dl::version);
        message.set(http::field::content_type, request.content_type);
        message.set(http::field::accept, "application/json");
        message.body() = std::move(request.body);
        message.prepare_payload();

        const bool kept = stream_ != nullptr;
        if (kept) {
            Result<Response> answer = co_await exchange(message);
            if (answer) co_return answer;
            close();    // it may have been closed while idle: once more on a fresh one; reports are idempotent
        }
        Result<void> connected = co_await connect();
        if (!connected) {
            close();
            co_return connected.error();
        }
        Result<Response> answer = co_await exchange(message);
        if (!answer) close();
        co_return answer;
    }

    asio::awaitable<Result<void>> reach() override
    {
        close();
        Result<void> connected = co_await connect();
        close();
        co_return connected;
    }

    void use(TlsContext context) override
    {
        close();
        context_ = std::move(context);
    }

    void close() override { stream_.reset(); }

private:
    Failure failed(const char* step, const Error& error) const
    {
        const std::string through =
            route_.proxy ? " through the proxy " + route_.proxy->peer.authority() : std::string();
        return unavailable(fmt::format("{}{}: {}: {}; check that it runs and can be reached from here",
                                       route_.collector.authority(), through, step, reason(error)));
    }

    asio::awaitable<Result<void>> connect()
    {
        const Peer& first = route_.proxy ? route_.proxy->peer : route_.collector;
        tcp::resolver resolver(executor_);
        const std::string port = std::to_string(first.port);
        auto [resolve_error, addresses] = co_await resolver.async_resolve(first.host, port, outcome);
        if (resolve_error) co_return failed("the name can't be resolved", resolve_error);

        stream_ = std::make_unique<Stream>(executor_, *context_.context);
        auto& transport = beast::get_lowest_layer(*stream_);
        Error connect_error = asio::error::host_not_found;
        for (const auto& address : addresses) {
            const tcp::endpoint peer = address.endpoint();
            connect_error = prepare(transport, peer);
            if (connect_error) continue;
            transport.expires_after(patience_.connect);
            auto [error] = co_await transport.async_connect(peer, outcome);
            connect_error = error;
            if (!connect_error) break;
        }
        if (connect_error) co_return failed("no connection", connect_error);

        if (route_.proxy) {
            Result<void> tunnel = co_await open_tunnel(transport);
            if (!tunnel) co_return tunnel;
        }
        SSL* const connection = stream_->native_handle();
        if (!expect_host(connection, route_.collector.host))
            co_return invalid_input(fmt::format(
                "{}: is no name that a certificate can have; check the collector's address", route_.collector.host));
        ERR_clear_error();
        context_.distrust->why.clear();
        context_.distrust->issuer.clear();
        transport.expires_after(patience_.connect);
        auto [handshake_error] = co_await stream_->async_handshake(asio::ssl::stream_base::client, outcome);
        if (handshake_error) {
            const std::string why = explain_distrust(connection, *context_.distrust, route_.collector);
            if (!why.empty()) co_return denied(fmt::format("{}: {}", route_.collector.authority(), why));
            co_return failed("no TLS 1.3 connection", handshake_error);
        }
        co_return Result<void>();
    }

    /// Takes a local port and tells it to whoever watches, before the first packet can leave from it.
    [[nodiscard]] Error prepare(beast::tcp_stream& transport, const tcp::endpoint& peer)
    {
        Error error;
        auto& socket = transport.socket();
        socket.close(error);
        socket.open(peer.protocol(), error);
        if (error || !own_) return error;
        socket.bind(tcp::endpoint(peer.protocol(), 0), error);
        if (error) return error;
        const tcp::endpoint local = socket.local_endpoint(error);
        if (!error) own_->about_to_open(local.port(), endpoint_of(peer));
        return error;
    }

    asio::awaitable<Result<void>> open_tunnel(beast::tcp_stream& transport)
    {
        http::request<http::empty_body> ask(http::verb::connect, route_.collector.authority(), 11);
        ask.set(http::field::host, route_.collector.authority());
        if (!route_.proxy->authorization.empty())
            ask.set(http::field::proxy_authorization, route_.proxy->authorization);
        transport.expires_after(patience_.connect);
        auto [write_error, written] = co_await http::async_write(transport, ask, outcome);
        if (write_error) co_return failed("the proxy took no request", write_error);
        beast::flat_buffer buffer;
        http::response_parser<http::empty_body> parser;
        parser.skip(true);    // a 2xx answer to CONNECT has no body (RFC 9110 section 9.3.6)
        parser.header_limit(largest_header);
        auto [read_error, got] = co_await http::async_read_header(transport, buffer, parser, outcome);
        if (read_error) co_return failed("the proxy gave no answer", read_error);
        const unsigned status = parser.get().result_int();
        if (status == 407)
            co_return denied(fmt::format("the proxy {} {} HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT in the agent's "
                                         "environment, and start the agent again",
                                         route_.proxy->peer.authority(),
                                         route_.proxy->authorization.empty()
                                             ? "wants a user and a password; set"
                                             : "does not take the user and password that it was given; mend"));
        if (status < 200 || status > 299)
            co_return unavailable(
                fmt::format("the proxy {} refused to connect to {} (HTTP {}); allow this destination there",
                            route_.proxy->peer.authority(), route_.collector.authority(), status));
        if (buffer.size() != 0)
            co_return unavailable(fmt::format("the proxy {} sent data before TLS began; check what it is",
                                              route_.proxy->peer.authority()));
        co_return Result<void>();
    }

    asio::awaitable<Result<Response>> exchange(http::request<http::string_body>& message)
    {
        beast::get_lowest_layer(*stream_).expires_after(patience_.answer);
        auto [write_error, written] = co_await http::async_write(*stream_, message, outcome);
        // A server that refuses early closes its side: its answer may still be there to read.
        const Error not_written = write_error;
        beast::flat_buffer buffer;
        http::response_parser<http::string_body> parser;
        parser.body_limit(largest_body);
        parser.header_limit(largest_header);
        auto [read_error, got] = co_await http::async_read(*stream_, buffer, parser, outcome);
        if (read_error) co_return failed("no answer", not_written ? not_written : read_error);
        auto& reply = parser.get();
        Response response;
        response.status = reply.result_int();
        const auto text = [](auto view) { return std::string(view.data(), view.size()); };
        response.content_type = text(reply[http::field::content_type]);
        response.retry_after = seconds_from(text(reply[http::field::retry_after]));
        const bool keep = parser.keep_alive();
        response.body = std::move(reply.body());
        if (!keep) close();
        co_return response;
    }

    asio::any_io_executor executor_;
    Route route_;
    TlsContext context_;
    Patience patience_;
    std::shared_ptr<flow::OwnConnections> own_;
    std::unique_ptr<Stream> stream_;
};

}    // namespace

std::unique_ptr<HttpsClient> create_https_client(asio::any_io_executor executor, Route route, TlsContext context,
                                                 Patience patience, std::shared_ptr<flow::OwnConnections> own)
{
    return std::make_unique<BeastClient>(std::move(executor), std::move(route), std::move(context), patience,
                                         std::move(own));
}

}    // namespace dl::agent::uplink
