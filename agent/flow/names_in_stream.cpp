#include "agent/flow/names_in_stream.hpp"

#include "agent/dissect/dns.hpp"
#include "agent/dissect/http2.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace dl::agent::flow {

using dissect::Bytes;

namespace {

constexpr std::size_t tds_header = 8;

/// Octets of a whole TLS record at the front that may come before a ClientHello: an alert (RFC 8446 section 6) or a
/// HelloRequest (RFC 5246 section 7.4.1.1); 0: there is none.
std::size_t record_before_hello(Bytes bytes)
{
    constexpr std::size_t alert = 7;
    constexpr std::size_t hello_request = 9;
    if (bytes.size() < alert || bytes[1] != 3) return 0;
    const std::size_t length = dissect::u16_at(bytes, 3);
    if (bytes[0] == 21 && length == 2) return alert;
    const bool request =
        bytes.size() >= hello_request && bytes[0] == 22 && length == 4 && dissect::u32_at(bytes, 5) == 0;
    return request ? hello_request : 0;
}

/// SQL Server's clients shake hands within packets of type PRELOGIN: type 0x12, status, length 16, process 16, number,
/// window (MS-TDS section 2.2.3.1), then a TLS record.
bool is_wrapped_in_tds(Bytes bytes)
{
    return bytes.size() > tds_header + 2 && bytes[0] == 0x12 && bytes[1] <= 1 && bytes[8] == 22 && bytes[9] == 3;
}

}    // namespace

NamesInStream::NamesInStream(Protocol protocol, NameListener& listener, Budget& budget, std::span<std::uint8_t> scratch)
    : listener_(&listener),
      budget_(&budget),
      scratch_(scratch),
      state_(protocol == Protocol::dns ? State::dns : State::unknown)
{}

NamesInStream::~NamesInStream() { forget_kept(); }

void NamesInStream::keep(Bytes bytes)
{
    const std::size_t fits = std::min(bytes.size(), most_kept - kept_.size());
    const std::size_t size = kept_.size() + fits;
    if (fits < bytes.size() || !make_room(size)) {
        if (state_ == State::unknown || state_ == State::http) {    // too large: its beginning may tell
            kept_.insert(kept_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(fits));
            const std::vector<std::uint8_t> beginning = std::exchange(kept_, {});
            (void)look(beginning, true);
        }
        forget_kept();
        if (state_ == State::dns) state_ = State::done;
        return;
    }
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
}

/// Many small segments must neither copy what is kept each time nor take much more than it.
bool NamesInStream::make_room(std::size_t size)
{
    if (size <= kept_.capacity()) return true;
    const std::size_t wanted =
        std::min(most_kept, std::max({size, std::min(needed_, size * 8), kept_.capacity() + kept_.capacity() / 2}));
    const std::size_t cost = wanted + Budget::allocation_overhead;
    if (!budget_->take(cost - std::min(cost, paid_))) return false;
    paid_ = std::max(paid_, cost);
    kept_.reserve(wanted);
    return true;
}

void NamesInStream::forget_kept()
{
    budget_->give_back(std::exchange(paid_, 0));
    kept_ = {};
    needed_ = 0;
}

void NamesInStream::on_bytes(Bytes bytes, std::uint32_t missing)
{
    if (state_ == State::done) return;
    if (missing > 0) {
        if (!kept_.empty()) {
            const std::vector<std::uint8_t> before = kept_;
            (void)look(before, true);
            forget_kept();
        }
        if (state_ == State::body && missing < body_left_) {    // the next request begins where this body ends
            body_left_ -= missing;
        } else if (state_ == State::body || state_ == State::chunked) {
            state_ = State::http;
        }
        if (state_ == State::dns) state_ = State::done;
    }
    if (kept_.empty()) {
        const std::size_t used = look(bytes, false);
        if (used < bytes.size() && state_ != State::done) keep(bytes.subspan(used));
        return;
    }
    const State before = state_;
    const std::size_t kept_before = kept_.size();
    keep(bytes);
    if (kept_.empty()) {    // too much was kept: perhaps something begins here
        if (state_ != before) return;
        const std::size_t used = look(bytes, false);
        if (used < bytes.size() && state_ != State::done) keep(bytes.subspan(used));
        return;
    }
    if (kept_.size() < needed_ || still_awaits(kept_before)) return;
    const std::size_t used = look(kept_, false);
    if (used == kept_.size() || state_ == State::done) {
        forget_kept();
    } else if (used > 0) {
        kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(used));
    }
}

/// A head in many small segments is not gone over for each of them: only when a line that matters has ended.
bool NamesInStream::still_awaits(std::size_t before) const
{
    constexpr std::size_t certain = 32;    // beginnings that may still turn out to be no request
    if (awaits_ == Awaits::octets || kept_.size() <= certain) return false;
    const Bytes kept(kept_);
    if (awaits_ == Awaits::line) {
        const Bytes fresh = kept.subspan(before);
        return kept_.size() < dissect::http1::longest_request_line &&
               std::find(fresh.begin(), fresh.end(), '\n') == fresh.end();
    }
    for (std::size_t at = before; at < kept.size(); ++at) {
        if (kept[at] != '\n') continue;
        if (at >= 1 && kept[at - 1] == '\n') return false;
        if (at >= 2 && kept[at - 1] == '\r' && kept[at - 2] == '\n') return false;
    }
    return true;
}

void NamesInStream::finish()
{
    // A request whose head was not finished was not asked; a ClientHello may only have been captured in part.
    if (!kept_.empty() && state_ == State::unknown) {
        const auto hello = dissect::tls::look_at_stream(kept_, scratch_, true);
        if (hello.look == dissect::tls::Look::client_hello) listener_->on_client_hello(hello.hello);
    }
    forget_kept();
    state_ = State::done;
}

std::size_t NamesInStream::look(Bytes bytes, bool at_end)
{
    awaits_ = Awaits::octets;
    std::size_t used = 0;
    while (used < bytes.size()) {
        const Bytes left = bytes.subspan(used);
        std::size_t step = 0;
        switch (state_) {
            case State::unknown: step = look_unknown(left, at_end); break;
            case State::http: step = look_http(left, at_end); break;
            case State::body:
                step = std::min<std::uint64_t>(left.size(), body_left_);
                body_left_ -= step;
                if (body_left_ == 0) state_ = State::http;
                break;
            case State::chunked:
                step = chunks_.consume(left);
                if (chunks_.done()) state_ = State::http;
                if (chunks_.broken()) {
                    state_ = State::http;
                    step = left.size();
                }
                break;
            case State::dns: step = look_dns(left); break;
            case State::done: return bytes.size();
        }
        if (step == 0) break;
        used += step;
    }
    return used;
}

std::size_t NamesInStream::look_unknown(Bytes bytes, bool at_end)
{
    if (const std::size_t record = record_before_hello(bytes)) return record;
    const std::size_t wrapped = is_wrapped_in_tds(bytes) ? tds_header : 0;
    dissect::tls::Finding hello = dissect::tls::look_at_stream(bytes.subspan(wrapped), scratch_, at_end);
    hello.needed += wrapped;
    awaits_ = Awaits::octets;
    switch (hello.look) {
        case dissect::tls::Look::client_hello:
            state_ = State::done;
            listener_->on_client_hello(hello.hello);
            return bytes.size();
        case dissect::tls::Look::more: needed_ = hello.needed; return 0;
        case dissect::tls::Look::other_side:
            state_ = State::done;
            listener_->on_server_speech();
            return bytes.size();
        case dissect::tls::Look::no: break;
    }
    if (const auto used = look_http2(bytes, at_end)) return *used;
    const dissect::http1::Finding request = dissect::http1::look_at(bytes, at_end);
    switch (request.look) {
        case dissect::http1::Look::request: state_ = State::http; return look_http(bytes, at_end);
        case dissect::http1::Look::more:
            needed_ = 0;
            awaits_ = request.line_whole ? Awaits::head_end : Awaits::line;
            return 0;
        case dissect::http1::Look::response: listener_->on_server_speech(); break;
        case dissect::http1::Look::no: break;
    }
    // The line that asks for TLS may come in one segment with the ClientHello.
    static constexpr std::array<std::uint8_t, 3> hello_behind_line{'\n', 22, 3};
    const auto line_end = std::search(bytes.begin(), bytes.end(), hello_behind_line.begin(), hello_behind_line.end());
    if (line_end != bytes.end()) return static_cast<std::size_t>(line_end - bytes.begin()) + 1;
    unknown_octets_ += bytes.size();
    if (++unknown_segments_ >= most_unknown_segments || unknown_octets_ >= most_unknown_octets) state_ = State::done;
    return bytes.size();
}

/// With prior knowledge, or after the upgrade of an HTTP/1 connection. Nothing: it is no HTTP/2.
std::optional<std::size_t> NamesInStream::look_http2(Bytes bytes, bool at_end)
{
    const dissect::http2::Finding found = dissect::http2::look_at(bytes, at_end);
    if (found.look == dissect::http2::Look::no) return std::nullopt;
    if (found.look == dissect::http2::Look::more) {
        needed_ = found.needed;
        return 0;
    }
    dissect::http1::Request request;
    request.connect = found.connect;
    (found.connect ? request.authority : request.host) = found.host;
    state_ = State::done;    // its later requests refer to what was said before
    listener_->on_request(request, bytes.size());
    return bytes.size();
}

void NamesInStream::take_request(const dissect::http1::Finding& finding, std::size_t octets_since_start)
{
    listener_->on_request(finding.request, octets_since_start);
    if (state_ == State::done) return;
    if (finding.request.connect) {
        state_ = State::unknown;
        unknown_octets_ = 0;
        unknown_segments_ = 0;
    } else if (finding.request.chunked) {
        state_ = State::chunked;
        chunks_ = {};
    } else if (finding.request.content_length > 0) {
        state_ = State::body;
        body_left_ = finding.request.content_length;
    }
}

std::size_t NamesInStream::look_http(Bytes bytes, bool at_end)
{
    std::size_t blank = 0;    // RFC 9112 section 2.2: empty lines before a request are ignored
    while (blank < bytes.size() && (bytes[blank] == '\r' || bytes[blank] == '\n'))
        ++blank;
    if (blank > 0) return blank;
    const dissect::http1::Finding request = dissect::http1::look_at(bytes, at_end);
    switch (request.look) {
        case dissect::http1::Look::request: take_request(request, bytes.size()); return request.length;
        case dissect::http1::Look::more:
            needed_ = 0;
            awaits_ = request.line_whole ? Awaits::head_end : Awaits::line;
            return 0;
        case dissect::http1::Look::response:
        case dissect::http1::Look::no: break;
    }
    state_ = State::unknown;
    return look_unknown(bytes, at_end);
}

std::size_t NamesInStream::look_dns(Bytes bytes)
{
    if (bytes.size() < 2) return 0;
    const std::size_t length = dissect::u16_at(bytes, 0);
    if (length < 12) {
        state_ = State::unknown;
        return look_unknown(bytes, false);
    }
    if (bytes.size() - 2 < length) {
        needed_ = length + 2;
        return 0;
    }
    listener_->on_dns_message(bytes.subspan(2, length));
    return length + 2;
}

}    // namespace dl::agent::flow
