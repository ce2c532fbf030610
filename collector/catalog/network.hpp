// A network of the organisation, as internal-hosts.csv writes it: 10.20.0.0/16, 2001:db8::/32, or one address.
#pragma once

#include "shared/base/address.hpp"
#include "shared/base/failure.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace dl::collector::catalog {

struct Network {
    Address base;
    unsigned bits = 0;    ///< of the prefix
    std::string text;     ///< as written

    [[nodiscard]] bool contains(const Address& address) const;
};

/// Nothing where the text is no address at all (it may be a host name); a failure where the prefix is wrong or the base
/// has bits behind it.
[[nodiscard]] Result<std::optional<Network>> parse_network(std::string_view text);

}    // namespace dl::collector::catalog
