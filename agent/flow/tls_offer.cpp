#include "agent/flow/tls_offer.hpp"

#include <algorithm>
#include <string_view>

namespace dl::agent::flow {
namespace {

using wire::Protocols;

Protocols protocol_of(std::string_view name)
{
    if (name == "http/1.1" || name == "http/1.0" || name == "http/0.9") return Protocols::http_1;
    if (name == "h2" || name.starts_with("h2-")) return Protocols::http_2;
    if (name == "h3" || name.starts_with("h3-")) return Protocols::http_3;
    if (name == "dot" || name == "doq" || name.starts_with("doq-")) return Protocols::encrypted_dns;
    return Protocols::other;
}

/// RFC 8701: values that stand for nothing, two equal octets of which the lower half is 10.
bool is_grease(std::string_view name)
{
    return name.size() == 2 && name[0] == name[1] && (static_cast<unsigned char>(name[0]) & 0x0fU) == 0x0a;
}

}    // namespace

Protocols protocols_in(dissect::Bytes list)
{
    Protocols all = Protocols::none;
    dissect::Cursor cursor(list);
    while (cursor.left() > 0) {
        const dissect::Bytes name = cursor.take(cursor.u8());
        if (!cursor.ok() || name.empty()) break;
        const std::string_view text(reinterpret_cast<const char*>(name.data()), name.size());
        if (!is_grease(text)) all = all | protocol_of(text);
    }
    return all;
}

std::optional<TlsOffer> offer_of(const dissect::tls::ClientHello& hello)
{
    using wire::TlsVersion;
    if (!hello.whole) return std::nullopt;
    const auto lowest = static_cast<std::uint16_t>(TlsVersion::ssl_3);
    const auto highest = static_cast<std::uint16_t>(TlsVersion::tls_1_3);
    return TlsOffer{static_cast<TlsVersion>(std::clamp(hello.version, lowest, highest)), protocols_in(hello.protocols)};
}

}    // namespace dl::agent::flow
