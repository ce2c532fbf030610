// Where a listener binds, as the settings write it.
#pragma once

#include "shared/base/failure.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace dl::collector::intake {

/// "127.0.0.1:8443" or "[::1]:8443": an address literal and a port.
[[nodiscard]] Result<boost::asio::ip::tcp::endpoint> parse_listen_address(const std::string& text);
[[nodiscard]] std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint);

}    // namespace dl::collector::intake
