#include "collector/api/api_server.hpp"

#include "collector/intake/listen_address.hpp"
#include "collector/intake/listening.hpp"
#include "collector/intake/problem.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <optional>
#include <thread>

namespace dl::collector::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr intake::Listening page_and_api{"page and API", "api.listen"};

class Server final : public ApiServer {
public:
    Server(std::function<Response(const Request&)> handle, ApiServerLimits limits)
        : handle_(std::move(handle)), limits_(limits)
    {}
    ~Server() override { stop(); }

    Result<void> bind(const tcp::endpoint& endpoint)
    {
        if (auto listening = intake::listen(acceptor_, endpoint, page_and_api); !listening) return listening.error();
        boost::system::error_code error;
        bound_ = acceptor_.local_endpoint(error);
        return {};
    }

    void start()
    {
        asio::co_spawn(context_, intake::accept_each(acceptor_, page_and_api, reception_),
                       [](std::exception_ptr bug) { intake::log_bug(bug, page_and_api, "accepting"); });
        thread_ = std::thread([this] { context_.run(); });
    }

    std::string address() const override { return intake::to_text(bound_); }
    std::uint16_t port() const override { return bound_.port(); }
    void post(std::function<void()> work) override { asio::post(context_, std::move(work)); }

    void stop() override
    {
        // A request is handled in one go on this thread, so none is cut in the middle.
        context_.stop();
        if (thread_.joinable()) thread_.join();
    }

private:
    void take(tcp::socket socket)
    {
        if (connections_ >= limits_.connections) return;    // the socket closes
        asio::co_spawn(context_, serve(std::move(socket)),
                       [](std::exception_ptr bug) { intake::log_bug(bug, page_and_api, "connection"); });
    }

    asio::awaitable<void> serve(tcp::socket socket)
    {
        struct Count {
            std::size_t& connections;
            explicit Count(std::size_t& all) : connections(all) { ++connections; }
            ~Count() { --connections; }
        };
        const Count count{connections_};
        beast::tcp_stream stream{std::move(socket)};
        beast::flat_buffer buffer{limits_.header_bytes + largest_body};
        for (bool keep_alive = true; keep_alive;) {
            if (buffer.size() == 0) {
                stream.expires_after(limits_.idle);
                const auto space = buffer.prepare(4096);
                const auto [silent, size] = co_await stream.async_read_some(space, as_result);
                if (silent) break;
                buffer.commit(size);
            }
            http::request_parser<http::string_body> parser;
            parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
            parser.body_limit(largest_body);
            stream.expires_after(limits_.request);
            const auto [unread, size] = co_await http::async_read(stream, buffer, parser, as_result);
            if (unread == http::error::end_of_stream || unread == beast::error::timeout) break;
            Response response;
            if (unread) {
                response = intake::problem(http::status::bad_request,
                                           "no request that this server reads: " + unread.message());
                keep_alive = false;
            } else {
                response = answer(parser.get());
                keep_alive = parser.keep_alive();
            }
            response.keep_alive(keep_alive);
            stream.expires_after(limits_.write);
            const auto [unsent, sent] = co_await http::async_write(stream, response, as_result);
            if (unsent) break;
        }
        boost::system::error_code ignored;
        stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    }

    Response answer(const Request& request)
    {
        try {
            return handle_(request);
        } catch (const std::exception& bug) {
            spdlog::error("api: {} {}: {}", std::string(request.method_string()), std::string(request.target()),
                          bug.what());
            return intake::problem(http::status::internal_server_error, "the collector failed; its log says why");
        }
    }

    std::function<Response(const Request&)> handle_;
    const ApiServerLimits limits_;
    std::size_t connections_ = 0;
    asio::io_context context_{1};
    tcp::acceptor acceptor_{context_};
    const intake::Reception reception_{[this]() -> asio::io_context& { return context_; },
                                       [this](tcp::socket socket) { take(std::move(socket)); }};
    tcp::endpoint bound_;
    std::thread thread_;
};

}    // namespace

Result<std::unique_ptr<ApiServer>>
start_api_server(const std::string& address, std::function<Response(const Request&)> handle, ApiServerLimits limits)
{
    const auto endpoint = intake::parse_listen_address(address);
    if (!endpoint) return endpoint.error();
    if (!endpoint->address().is_loopback())
        return denied(
            fmt::format("api.listen is {}, but page and API are plain HTTP: listen on 127.0.0.1 and put a TLS proxy "
                        "in front",
                        address));
    auto server = std::make_unique<Server>(std::move(handle), limits);
    if (auto bound = server->bind(*endpoint); !bound) return bound.error();
    server->start();
    return std::unique_ptr<ApiServer>(std::move(server));
}

}    // namespace dl::collector::api
