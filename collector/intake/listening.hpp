// What every listener of the collector does alike: taking an address, accepting until it is closed, and naming the bug
// that ended a coroutine.
#pragma once

#include "shared/base/failure.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <exception>
#include <functional>
#include <string>
#include <string_view>

namespace dl::collector::intake {

/// For whom a listener is there, in words for logs and failures, and which setting holds its address.
struct Listening {
    std::string_view guests;     ///< "agents"
    std::string_view setting;    ///< "agents.listen"
};

/// Opens, binds and listens. Unavailable when the address is taken or not this machine's.
[[nodiscard]] Result<void> listen(boost::asio::ip::tcp::acceptor& acceptor,
                                  const boost::asio::ip::tcp::endpoint& endpoint, const Listening& listening);

/// Where the next connection is to live, and what takes it there. Both are called on the acceptor's thread.
struct Reception {
    std::function<boost::asio::io_context&()> home;
    std::function<void(boost::asio::ip::tcp::socket)> take;
};

/// Accepts until the acceptor is closed. When accepting fails (descriptors ran out) it says so, waits and goes on.
/// Everything given outlives the coroutine.
boost::asio::awaitable<void> accept_each(boost::asio::ip::tcp::acceptor& acceptor, const Listening& listening,
                                         const Reception& reception);

/// For co_spawn's completion: logs what a coroutine threw; nothing where it ended well.
void log_bug(const std::exception_ptr& bug, const Listening& listening, std::string_view where);

}    // namespace dl::collector::intake
