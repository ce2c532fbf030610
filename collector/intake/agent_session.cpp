#include "collector/intake/agent_session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <spdlog/spdlog.h>

#include <openssl/err.h>

namespace dl::collector::intake {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds farewell{2};                 ///< for the peer's close_notify
constexpr std::size_t most_lingering = 16 * 1024 * 1024;    ///< of a refused body, read and thrown away

/// Memory for announced bodies, taken from one budget and given back.
class BodyShare {
public:
    BodyShare(std::atomic<std::size_t>& used, std::size_t size, std::size_t budget) : used_(used), size_(size)
    {
        granted_ = used_.fetch_add(size_) <= budget - std::min(size_, budget);
        if (!granted_) used_.fetch_sub(size_);
    }
    ~BodyShare()
    {
        if (granted_) used_.fetch_sub(size_);
    }
    BodyShare(const BodyShare&) = delete;
    BodyShare& operator=(const BodyShare&) = delete;
    [[nodiscard]] bool granted() const { return granted_; }

private:
    std::atomic<std::size_t>& used_;
    std::size_t size_;
    bool granted_ = false;
};

std::optional<Response> answer_to(const boost::system::error_code& error)
{
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return problem(http::status::request_header_fields_too_large, "the request's head is longer than 16 KiB");
    if (error == http::error::body_limit)
        return problem(http::status::payload_too_large, "the body is longer than 8 MiB; send fewer cells at a time");
    if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
    if (error.category() == beast::http::make_error_code(http::error::end_of_stream).category())
        return problem(http::status::bad_request, "no HTTP/1.1 request: " + error.message());
    return std::nullopt;
}

}    // namespace

AgentSession::AgentSession(asio::ip::tcp::socket socket, std::shared_ptr<asio::ssl::context> context,
                           ServerState& state)
    : state_(state),
      context_(std::move(context)),
      stream_(beast::tcp_stream(std::move(socket)), *context_),
      buffer_(state.limits.header_bytes)
{
    ++state_.connections;
}

AgentSession::~AgentSession() { --state_.open_connections; }

void AgentSession::end_when_idle()
{
    if (idle_) stream_.next_layer().cancel();
}

asio::awaitable<void> AgentSession::run()
{
    stream_.next_layer().expires_after(state_.limits.handshake);
    const auto [failed] = co_await stream_.async_handshake(asio::ssl::stream_base::server, as_result);
    if (failed) {
        ++state_.failed_handshakes;
        ERR_clear_error();
        spdlog::debug("agents: handshake failed: {}", failed.message());
        co_return;
    }
    holder_ = holder_of(stream_.native_handle(), state_.authority);

    Next next = Next::another_request;
    while (next == Next::another_request) {
        const bool comes = co_await wait_for_request();
        if (!comes) break;
        next = co_await serve_request();
        first_request_ = false;
    }
    co_await close(next);
}

/// Until the first byte of a request is in the buffer; false when none will come.
asio::awaitable<bool> AgentSession::wait_for_request()
{
    if (buffer_.size() > 0) co_return true;
    if (state_.draining) co_return false;
    buffer_.shrink_to_fit();
    idle_ = true;
    stream_.next_layer().expires_after(first_request_ ? state_.limits.header : state_.limits.idle);
    const auto space = buffer_.prepare(4096);
    const auto [error, size] = co_await stream_.async_read_some(space, as_result);
    idle_ = false;
    if (error) co_return false;
    buffer_.commit(size);
    co_return true;
}

asio::awaitable<AgentSession::Next> AgentSession::serve_request()
{
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(state_.limits.header_bytes));
    parser.body_limit(report_limit);
    stream_.next_layer().expires_after(state_.limits.header);
    const auto [error, header_size] = co_await http::async_read_header(stream_, buffer_, parser, as_result);
    if (error) {
        std::optional<Response> refusal = answer_to(error);
        if (!refusal) {
            ++state_.broken;
            co_return Next::close;
        }
        co_return co_await respond(std::move(*refusal), false, Next::linger);
    }
    ++state_.requests;

    std::optional<std::uint64_t> announced;
    if (const auto length = parser.content_length()) announced = *length;
    auto opened = state_.endpoints.open(parser.get(), *holder_, announced);
    if (Response* refusal = std::get_if<Response>(&opened)) {
        const bool no_body = announced.value_or(0) == 0 && !parser.chunked();
        const bool keep = no_body && parser.keep_alive();
        co_return co_await respond(std::move(*refusal), keep, Next::linger);
    }
    Opening opening = std::get<Opening>(opened);
    parser.body_limit(opening.body_limit);

    const BodyShare share{state_.bodies_in_memory, announced.value_or(opening.body_limit),
                          state_.limits.bodies_in_memory};
    if (!share.granted()) {
        Response busy =
            problem(http::status::service_unavailable, "the collector reads too many reports at once; try again later");
        co_return co_await respond(std::move(busy), false, Next::linger);
    }
    const bool complete = co_await read_body(parser);
    if (!complete) co_return Next::close;

    const bool keep_alive = parser.keep_alive();
    std::string body = std::move(parser.get().body());
    // No time limit while the store works: it answers or refuses, and the kernel tells a dead peer when we write.
    stream_.next_layer().expires_never();
    Response response = co_await state_.endpoints.answer(opening, std::move(body));
    co_return co_await respond(std::move(response), keep_alive, Next::close);
}

/// True when the whole body came; else the connection is over (a refusal was sent where it helps).
asio::awaitable<bool> AgentSession::read_body(Parser& parser)
{
    stream_.next_layer().expires_after(state_.limits.body);
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        http::response<http::empty_body> go_on{http::status::continue_, 11};
        const auto [unsent, sent] = co_await http::async_write(stream_, go_on, as_result);
        if (unsent) co_return false;
    }
    const auto [error, size] = co_await http::async_read(stream_, buffer_, parser, as_result);
    if (!error) co_return true;
    ++state_.broken;
    std::optional<Response> refusal = answer_to(error);
    if (refusal) {
        const Next next = co_await respond(std::move(*refusal), false, Next::linger);
        co_await close(next);
    }
    co_return false;
}

asio::awaitable<AgentSession::Next> AgentSession::respond(Response response, bool keep_alive, Next otherwise)
{
    keep_alive = keep_alive && !state_.draining;
    if (response.result_int() >= 400) ++state_.refused;
    response.keep_alive(keep_alive);
    stream_.next_layer().expires_after(state_.limits.write);
    const auto [error, size] = co_await http::async_write(stream_, response, as_result);
    if (error) {
        ++state_.broken;
        co_return Next::close;
    }
    co_return keep_alive ? Next::another_request : otherwise;
}

/// Closes in an order that lets the peer read the last answer: close_notify, FIN, then what the peer still sends is
/// read and thrown away for a moment (a reset would destroy the answer on its way).
asio::awaitable<void> AgentSession::close(Next how)
{
    beast::tcp_stream& tcp = stream_.next_layer();
    if (!tcp.socket().is_open()) co_return;
    tcp.expires_after(farewell);
    [[maybe_unused]] const auto [ended] = co_await stream_.async_shutdown(as_result);
    ERR_clear_error();
    if (how == Next::linger) {
        boost::system::error_code ignored;
        tcp.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
        std::array<char, 16384> thrown_away{};
        const asio::mutable_buffer space{thrown_away.data(), thrown_away.size()};
        for (std::size_t total = 0; total < most_lingering;) {
            const auto [error, size] = co_await tcp.async_read_some(space, as_result);
            if (error) break;
            total += size;
        }
    }
    tcp.close();
}

}    // namespace dl::collector::intake
