// What a ClientHello offers, in the words of the wire: an attribute of the program that sent it.
#pragma once

#include "agent/dissect/tls.hpp"
#include "shared/wire/report.hpp"

namespace dl::agent::flow {

struct TlsOffer {
    wire::TlsVersion version = wire::TlsVersion::tls_1_3;
    wire::Protocols protocols = wire::Protocols::none;

    friend bool operator==(const TlsOffer&, const TlsOffer&) = default;
};

/// Names of the ALPN list (RFC 7301 section 3.1: length 8, name, …) up to where it makes no sense.
[[nodiscard]] wire::Protocols protocols_in(dissect::Bytes list);
/// Only of a whole ClientHello: of a cut one nobody knows whether `supported_versions` was to come.
[[nodiscard]] std::optional<TlsOffer> offer_of(const dissect::tls::ClientHello& hello);

}    // namespace dl::agent::flow
