// Where the collector is and by which way it is reached: URLs of settings and environment, made into values.
#pragma once

#include "shared/base/failure.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace dl::agent::uplink {

struct Peer {
    std::string host;    ///< name or address, without brackets
    std::uint16_t port = 443;

    /// host:port as in a URL, brackets around IPv6 addresses.
    [[nodiscard]] std::string authority() const;
    friend bool operator==(const Peer&, const Peer&) = default;
};

struct Proxy {
    Peer peer;
    std::string authorization;    ///< value of Proxy-Authorization (RFC 7617); empty: none

    friend bool operator==(const Proxy&, const Proxy&) = default;
};

struct Route {
    Peer collector;
    std::optional<Proxy> proxy;
};

/// https://HOST[:PORT], nothing behind it.
[[nodiscard]] Result<Peer> parse_collector(std::string_view url);
/// http://[USER:PASSWORD@]HOST[:PORT]; the port defaults to 3128.
[[nodiscard]] Result<Proxy> parse_proxy(std::string_view url);
/// True where `host` is in the comma-separated list of NO_PROXY: equal, below a listed domain, or the list is *.
[[nodiscard]] bool bypasses_proxy(std::string_view host, std::string_view no_proxy);

/// What a settings file or a command line may name: http://HOST[:PORT], or "none" (no proxy). Both can be read by
/// others, so a name and password are refused: their place is HTTPS_PROXY.
[[nodiscard]] Result<void> parse_named_proxy(std::string_view text);

using Environment = std::function<std::optional<std::string>(const char* name)>;
[[nodiscard]] Environment process_environment();

/// The named proxy where there is one (the word "none": no proxy at all), else HTTPS_PROXY or https_proxy unless
/// NO_PROXY or no_proxy excepts the collector.
[[nodiscard]] Result<Route> route_to(std::string_view collector_url, std::string_view proxy_url,
                                     const Environment& environment);

}    // namespace dl::agent::uplink
