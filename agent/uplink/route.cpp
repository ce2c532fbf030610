#include "agent/uplink/route.hpp"

#include <boost/beast/core/detail/base64.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

namespace dl::agent::uplink {
namespace {

constexpr std::uint16_t port_https = 443;
constexpr std::uint16_t port_proxy = 3128;

std::string lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

/// Host and port of a URL that has nothing but them.
std::optional<Peer> peer_of(const boost::urls::url_view& url, std::uint16_t otherwise)
{
    if (url.encoded_host_address().empty() || url.has_query() || url.has_fragment()) return std::nullopt;
    if (!url.encoded_path().empty() && url.encoded_path() != "/") return std::nullopt;
    Peer peer{lower(url.host_address()), otherwise};
    if (url.has_port()) {
        const std::string text(url.port().data(), url.port().size());
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), peer.port);
        if (error != std::errc{} || end != text.data() + text.size() || peer.port == 0) return std::nullopt;
    }
    return peer;
}

std::string base64(std::string_view text)
{
    std::string out(boost::beast::detail::base64::encoded_size(text.size()), '\0');
    out.resize(boost::beast::detail::base64::encode(out.data(), text.data(), text.size()));
    return out;
}

}    // namespace

std::string Peer::authority() const
{
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

Result<Peer> parse_collector(std::string_view text)
{
    const auto url = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
    if (url && url->scheme() == "https" && !url->has_userinfo())
        if (auto peer = peer_of(*url, port_https)) return *peer;
    return invalid_input(fmt::format("'{}' is no address of a collector; write it as https://HOST:PORT", text));
}

Result<Proxy> parse_proxy(std::string_view text)
{
    const auto url = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
    if (url && url->scheme() == "http")
        if (auto peer = peer_of(*url, port_proxy)) {
            Proxy proxy{*peer, {}};
            if (url->has_userinfo()) proxy.authorization = "Basic " + base64(url->user() + ":" + url->password());
            return proxy;
        }
    // The text may hold a password: it is not repeated.
    return invalid_input("the proxy's address can't be read; write it as http://[USER:PASSWORD@]HOST:PORT");
}

Result<void> parse_named_proxy(std::string_view text)
{
    if (text == "none") return {};
    const auto proxy = parse_proxy(text);
    if (proxy && proxy->authorization.empty()) return {};
    if (!proxy) return invalid_input("the proxy's address can't be read; write it as http://HOST:PORT, or none");
    return invalid_input("others can read a password here; set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT in the "
                         "agent's environment instead, from a file that only root reads");
}

bool bypasses_proxy(std::string_view host, std::string_view no_proxy)
{
    while (!no_proxy.empty()) {
        const auto comma = no_proxy.find(',');
        std::string entry = lower(trimmed(no_proxy.substr(0, comma)));
        no_proxy = comma == std::string_view::npos ? std::string_view() : no_proxy.substr(comma + 1);
        if (entry == "*") return true;
        if (entry.starts_with('*')) entry.erase(0, 1);
        if (entry.starts_with('.')) entry.erase(0, 1);
        if (entry.empty() || !host.ends_with(entry)) continue;
        if (host.size() == entry.size() || host[host.size() - entry.size() - 1] == '.') return true;
    }
    return false;
}

Environment process_environment()
{
    return [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        if (!value || !*value) return std::nullopt;
        return std::string(value);
    };
}

Result<Route> route_to(std::string_view collector_url, std::string_view proxy_url, const Environment& environment)
{
    auto collector = parse_collector(collector_url);
    if (!collector) return collector.error();
    Route route{*collector, std::nullopt};
    std::string wanted(proxy_url);
    if (wanted == "none") return route;
    if (wanted.empty()) {
        const auto either = [&](const char* upper_case, const char* lower_case) {
            auto value = environment(lower_case);
            return value ? value : environment(upper_case);
        };
        const auto no_proxy = either("NO_PROXY", "no_proxy");
        if (no_proxy && bypasses_proxy(route.collector.host, *no_proxy)) return route;
        wanted = either("HTTPS_PROXY", "https_proxy").value_or("");
    }
    if (wanted.empty()) return route;
    auto proxy = parse_proxy(wanted);
    if (!proxy) return proxy.error();
    route.proxy = *proxy;
    return route;
}

}    // namespace dl::agent::uplink
