#include "agent/flow/names_in_stream.hpp"

#include "agent/dissect/dns.hpp"
#include "agent/dissect/http2.hpp"

#include <algorithm>
#include <utility>

namespace dl::agent::flow {

using dissect::Bytes;

namespace {

constexpr std::size_t tds_header = 8;

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
    if (fits < bytes.size() || !budget_->take(bytes.size())) {
        if (state_ == State::unknown || state_ == State::http) {    // too large: its beginning may tell
            kept_.insert(kept_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(fits));
            const std::vector<std::uint8_t> beginning = std::exchange(kept_, {});
            budget_->give_back(beginning.size() - fits);
            (void)look(beginning, true);
        }
        forget_kept();
        if (state_ == State::dns) state_ = State::done;
        return;
    }
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
}

void NamesInStream::forget_kept()
{
    budget_->give_back(kept_.size());
    kept_.clear();
    needed_ = 0;
}

void NamesInStream::on_bytes(Bytes bytes, bool after_gap)
{
    if (state_ == State::done) return;
    if (after_gap) {
        if (!kept_.empty()) {
            const std::vector<std::uint8_t> before = kept_;
            (void)look(before, true);
            forget_kept();
        }
        if (state_ == State::body || state_ == State::chunked) state_ = State::http;
        if (state_ == State::dns) state_ = State::done;
    }
    if (kept_.empty()) {
        const std::size_t used = look(bytes, false);
        if (used < bytes.size() && state_ != State::done) keep(bytes.subspan(used));
        return;
    }
    const State before = state_;
    keep(bytes);
    if (kept_.empty()) {    // too much was kept: perhaps something begins here
        if (state_ != before) return;
        const std::size_t used = look(bytes, false);
        if (used < bytes.size() && state_ != State::done) keep(bytes.subspan(used));
        return;
    }
    if (kept_.size() < needed_) return;
    const std::size_t used = look(kept_, false);
    if (used == kept_.size() || state_ == State::done) {
        forget_kept();
    } else if (used > 0) {
        budget_->give_back(used);
        kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(used));
    }
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
    const std::size_t wrapped = is_wrapped_in_tds(bytes) ? tds_header : 0;
    dissect::tls::Finding hello = dissect::tls::look_at_stream(bytes.subspan(wrapped), scratch_, at_end);
    hello.needed += wrapped;
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
        case dissect::http1::Look::more: needed_ = 0; return 0;
        case dissect::http1::Look::response: listener_->on_server_speech(); break;
        case dissect::http1::Look::no: break;
    }
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
        case dissect::http1::Look::more: needed_ = 0; return 0;
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
