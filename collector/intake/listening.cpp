#include "collector/intake/listening.hpp"

#include "collector/intake/listen_address.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>

namespace dl::collector::intake {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds accept_pause{200};    ///< when descriptors ran out

}    // namespace

Result<void> listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, const Listening& listening)
{
    boost::system::error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
        return unavailable(fmt::format("can't listen on {} for {}: {}; stop what uses it or change {}",
                                       to_text(endpoint), listening.guests, error.message(), listening.setting));
    return {};
}

asio::awaitable<void> accept_each(tcp::acceptor& acceptor, const Listening& listening, const Reception& reception)
{
    for (;;) {
        asio::io_context& home = reception.home();
        auto [error, socket] = co_await acceptor.async_accept(home, as_result);
        if (error == asio::error::operation_aborted || !acceptor.is_open()) co_return;
        if (error) {
            spdlog::warn("{}: can't accept: {}", listening.guests, error.message());
            asio::steady_timer pause{acceptor.get_executor()};
            pause.expires_after(accept_pause);
            [[maybe_unused]] const auto [woken] = co_await pause.async_wait(as_result);
            if (!acceptor.is_open()) co_return;
            continue;
        }
        reception.take(std::move(socket));
    }
}

void log_bug(const std::exception_ptr& bug, const Listening& listening, std::string_view where)
{
    if (!bug) return;
    try {
        std::rethrow_exception(bug);
    } catch (const std::exception& error) {
        spdlog::error("{}: {}: {}", listening.guests, where, error.what());
    }
}

}    // namespace dl::collector::intake
