#include "shared/base/address.hpp"

#include <arpa/inet.h>

namespace dl {

std::string Address::to_string() const
{
    if (family == Family::none) return {};
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

const char* to_string(Transport transport)
{
    switch (transport) {
        case Transport::tcp: return "tcp";
        case Transport::udp: return "udp";
        case Transport::other: break;
    }
    return "other";
}

}    // namespace dl
