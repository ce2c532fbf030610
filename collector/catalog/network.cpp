#include "collector/catalog/network.hpp"

#include <charconv>

namespace dl::collector::catalog {
namespace {

unsigned width(const Address& address) { return address.family == Address::Family::v4 ? 32 : 128; }

bool bit(const Address& address, unsigned at) { return (address.bytes[at / 8] >> (7 - at % 8) & 1U) != 0; }

}    // namespace

bool Network::contains(const Address& address) const
{
    if (address.family != base.family) return false;
    for (unsigned at = 0; at < bits; ++at)
        if (bit(address, at) != bit(base, at)) return false;
    return true;
}

Result<std::optional<Network>> parse_network(std::string_view text)
{
    const std::size_t slash = text.find('/');
    const auto base = Address::parse(text.substr(0, slash));
    if (!base) return std::optional<Network>();
    Network network{*base, width(*base), std::string(text)};
    if (slash == std::string_view::npos) return std::optional(std::move(network));
    const std::string_view prefix = text.substr(slash + 1);
    const auto [end, wrong] = std::from_chars(prefix.data(), prefix.data() + prefix.size(), network.bits);
    if (prefix.empty() || wrong != std::errc() || end != prefix.data() + prefix.size() || network.bits > width(*base))
        return invalid_input("'" + network.text + "' has no prefix from 0 to " + std::to_string(width(*base)) +
                             " behind its slash; write a network as 10.20.0.0/16");
    for (unsigned at = network.bits; at < width(*base); ++at)
        if (bit(*base, at))
            return invalid_input("'" + network.text +
                                 "' has an address bit behind its prefix; write the network's first address");
    return std::optional(std::move(network));
}

}    // namespace dl::collector::catalog
