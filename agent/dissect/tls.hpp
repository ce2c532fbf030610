// The TLS ClientHello (RFC 8446 section 4.1.2), in TLS records however they are split, or bare as QUIC carries it.
#pragma once

#include "agent/dissect/bytes.hpp"

#include <cstdint>
#include <string_view>

namespace dl::agent::dissect::tls {

/// What a ClientHello says about where it goes. Views point into the bytes that were parsed.
struct ClientHello {
    std::string_view server_name;    ///< server_name (RFC 6066 section 3) as sent; empty: none
    Bytes protocols;                 ///< ALPN list (RFC 7301 section 3.1): length 8, name, …
    std::uint16_t version = 0;       ///< highest that is offered, GREASE (RFC 8701) left out; 0: unknown
    bool ech_outer = false;          ///< encrypted_client_hello of type outer: real or GREASE, they look the same
    bool whole = false;              ///< false: the bytes ended before the ClientHello did
};

enum class Look {
    client_hello,    ///< `hello` is filled
    more,            ///< so far it may be one: `needed` octets in all are the least that tells more
    other_side,      ///< a ServerHello: what comes from here is the server's
    no,              ///< something else
};

struct Finding {
    Look look = Look::no;
    std::size_t needed = 0;
    ClientHello hello;
};

/// The largest ClientHello that is put together, and with it the bound of a first flight.
inline constexpr std::size_t largest_hello = 32768;

/// The start of one direction of a TCP stream: TLSPlaintext records of type handshake. `scratch` receives the handshake
/// message where records split it, and views may point into it; its size bounds what is put together. `at_end`: no more
/// bytes will come, so take what a cut ClientHello tells.
[[nodiscard]] Finding look_at_stream(Bytes stream, std::span<std::uint8_t> scratch, bool at_end);

/// A bare handshake message (type, length 24, body), as in QUIC CRYPTO frames.
[[nodiscard]] Finding look_at_handshake(Bytes message, bool at_end);

}    // namespace dl::agent::dissect::tls
