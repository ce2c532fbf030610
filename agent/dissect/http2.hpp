// What a client says first over HTTP/2 without TLS, with prior knowledge or after an upgrade (RFC 9113 section 3): for
// whom its first request is.
#pragma once

#include "agent/dissect/bytes.hpp"

#include <cstddef>
#include <string>

namespace dl::agent::dissect::http2 {

enum class Look {
    request,    ///< the first request's header block, whole or all that will come of it
    more,       ///< the start of HTTP/2; `needed` octets in all are the least that tells more
    no,         ///< no HTTP/2, or none that tells
};

struct Finding {
    Look look = Look::no;
    std::size_t needed = 0;
    std::string host;    ///< of :authority, else of Host, without port; empty: none
    bool connect = false;
};

/// The most that is looked at: settings and one header block of the size that every peer takes (RFC 9113 section 4.2).
inline constexpr std::size_t most_octets = 32768;

/// `bytes` begin where the connection preface may begin. `at_end`: no more will come, so that a cut header block counts
/// as far as its fields are whole.
[[nodiscard]] Finding look_at(Bytes bytes, bool at_end);

}    // namespace dl::agent::dissect::http2
