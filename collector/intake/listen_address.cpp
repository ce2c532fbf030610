#include "collector/intake/listen_address.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <charconv>

namespace dl::collector::intake {

Result<boost::asio::ip::tcp::endpoint> parse_listen_address(const std::string& text)
{
    const auto wrong = [&] {
        return invalid_input(fmt::format("'{}' is no address to listen on; write 127.0.0.1:8443 or [::1]:8443", text));
    };
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return wrong();
    std::string host = text.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    std::uint16_t port = 0;
    const char* first = text.data() + colon + 1;
    const char* last = text.data() + text.size();
    const auto parsed = std::from_chars(first, last, port);
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(host, error);
    if (error || parsed.ec != std::errc{} || parsed.ptr != last) return wrong();
    return boost::asio::ip::tcp::endpoint{address, port};
}

std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint)
{
    const std::string host = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                      : fmt::format("{}:{}", host, endpoint.port());
}

}    // namespace dl::collector::intake
