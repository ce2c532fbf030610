// Looks for names in one ordered direction of a TCP connection: a TLS ClientHello (at the start, or later after
// STARTTLS, SOCKS or CONNECT), every HTTP/1 request head, the first request of HTTP/2 without TLS, DNS messages with
// their length before them (RFC 1035 section 4.2.2).
#pragma once

#include "agent/dissect/http1.hpp"
#include "agent/dissect/tls.hpp"
#include "agent/flow/stream.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace dl::agent::flow {

/// Receives what is found. Views are valid during the call.
class NameListener {
public:
    virtual ~NameListener() = default;
    virtual void on_client_hello(const dissect::tls::ClientHello& hello) = 0;
    /// `octets_since_start`: octets handed over since the request began, itself included.
    virtual void on_request(const dissect::http1::Request& request, std::size_t octets_since_start) = 0;
    virtual void on_dns_message(dissect::Bytes message) = 0;
    /// These bytes came from a server.
    virtual void on_server_speech() = 0;
};

class NamesInStream final : public StreamReader {
public:
    enum class Protocol { unknown, dns };
    /// Octets and segments of something unknown after which looking ends.
    static constexpr std::size_t most_unknown_octets = 65536;
    static constexpr unsigned most_unknown_segments = 64;
    static constexpr std::size_t most_kept = 34UL * 1024;    ///< a first flight of 32 KiB with its record headers

    /// `scratch`: largest_hello octets, shared by all.
    NamesInStream(Protocol protocol, NameListener& listener, Budget& budget, std::span<std::uint8_t> scratch);
    ~NamesInStream() override;
    NamesInStream(const NamesInStream&) = delete;
    NamesInStream& operator=(const NamesInStream&) = delete;

    void on_bytes(dissect::Bytes bytes, std::uint32_t missing) override;
    /// No more will come: what is kept is looked at once more, as it is.
    void finish();
    /// Nothing more will be found.
    [[nodiscard]] bool done() const { return state_ == State::done; }

private:
    enum class State { unknown, http, body, chunked, dns, done };

    /// Octets of `bytes` that are dealt with; fewer than all: keep the rest until more comes.
    std::size_t look(dissect::Bytes bytes, bool at_end);
    std::size_t look_unknown(dissect::Bytes bytes, bool at_end);
    std::optional<std::size_t> look_http2(dissect::Bytes bytes, bool at_end);
    std::size_t look_http(dissect::Bytes bytes, bool at_end);
    std::size_t look_dns(dissect::Bytes bytes);
    void keep(dissect::Bytes bytes);
    [[nodiscard]] bool make_room(std::size_t size);
    void forget_kept();
    void take_request(const dissect::http1::Finding& finding, std::size_t octets_since_start);

    NameListener* listener_;
    Budget* budget_;
    std::span<std::uint8_t> scratch_;
    State state_;
    std::vector<std::uint8_t> kept_;
    std::size_t paid_ = 0;    ///< what the budget gave for it
    /// What an unfinished HTTP head waits for; else `needed_` tells.
    enum class Awaits { octets, line, head_end };
    [[nodiscard]] bool still_awaits(std::size_t before) const;
    Awaits awaits_ = Awaits::octets;
    std::size_t needed_ = 0;    ///< look again when this much is kept
    std::uint64_t body_left_ = 0;
    dissect::http1::ChunkedBody chunks_;
    std::size_t unknown_octets_ = 0;
    unsigned unknown_segments_ = 0;
};

}    // namespace dl::agent::flow
