// HTTP/1.x request heads (RFC 9112): whom each request is for, and how long its body is, so that the next can be found.
#pragma once

#include "agent/dissect/bytes.hpp"

#include <cstdint>
#include <string_view>

namespace dl::agent::dissect::http1 {

struct Request {
    std::string_view host;         ///< value of Host, without port; empty: none
    std::string_view authority;    ///< host of an absolute-form target, or of CONNECT's, without port; empty: none
    bool connect = false;
    bool upgrade = false;    ///< asks for another protocol on this connection
    bool chunked = false;
    std::uint64_t content_length = 0;
};

inline constexpr std::size_t longest_request_line = 16384;

enum class Look {
    request,     ///< a whole head; `length` octets, its empty line included
    more,        ///< the start of a request that is not whole yet
    response,    ///< a status line: what comes from here is the server's
    no,          ///< no HTTP/1
};

struct Finding {
    Look look = Look::no;
    std::size_t length = 0;
    bool line_whole = false;    ///< the request line is there: only an empty line tells more
    Request request;
};

/// `bytes` begin where a request may begin. `at_end`: no more will come; a head that lacks only its end counts as far
/// as its lines are whole.
[[nodiscard]] Finding look_at(Bytes bytes, bool at_end);

/// "host:port", "[v6]:port", "user@host": the host alone, brackets removed.
[[nodiscard]] std::string_view host_of_authority(std::string_view authority);

/// Goes over a chunked body (RFC 9112 section 7.1).
class ChunkedBody {
public:
    /// How many of `bytes` belong to the body; done() tells whether it ended within. broken(): not chunked at all.
    std::size_t consume(Bytes bytes);
    [[nodiscard]] bool done() const { return state_ == State::done; }
    [[nodiscard]] bool broken() const { return state_ == State::broken; }

private:
    enum class State { size, extension, data, data_end, trailer, done, broken };
    State state_ = State::size;
    std::uint64_t left_ = 0;
    unsigned digits_ = 0;
    std::size_t line_ = 0;    ///< octets in this trailer line
};

}    // namespace dl::agent::dissect::http1
