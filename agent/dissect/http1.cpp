#include "agent/dissect/http1.hpp"

#include <algorithm>
#include <cstring>

namespace dl::agent::dissect::http1 {
namespace {

constexpr std::size_t longest_method = 20;

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equals(std::string_view text, std::string_view lower_case)
{
    return text.size() == lower_case.size() &&
           std::equal(text.begin(), text.end(), lower_case.begin(), [](char a, char b) { return lower(a) == b; });
}

bool contains(std::string_view text, std::string_view lower_case)
{
    return std::search(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                       [](char a, char b) { return lower(a) == b; }) != text.end();
}

std::string_view trim(std::string_view text)
{
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && blank(text.back()))
        text.remove_suffix(1);
    return text;
}

/// token of RFC 9110 section 5.6.2, as far as methods use it.
bool is_method_character(char c)
{
    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// authority of "http://authority/…", or nothing.
std::string_view authority_of_target(std::string_view target)
{
    const std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos || scheme > 8) return {};
    target.remove_prefix(scheme + 3);
    return target.substr(0, target.find_first_of("/?#"));
}

void read_field(std::string_view line, Request& request)
{
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (equals(name, "host")) {
        if (request.host.empty()) request.host = host_of_authority(value);
    } else if (equals(name, "content-length")) {
        std::uint64_t length = 0;
        for (const char c : value) {
            if (c < '0' || c > '9' || length > (std::uint64_t{1} << 56U)) {
                length = 0;
                break;
            }
            length = length * 10 + static_cast<std::uint64_t>(c - '0');
        }
        request.content_length = length;
    } else if (equals(name, "transfer-encoding")) {
        request.chunked = contains(value, "chunked");
    } else if (equals(name, "upgrade")) {
        request.upgrade = true;
    }
}

/// A host, or host and port, as CONNECT names it (RFC 9112 section 3.2.3).
bool is_authority(std::string_view target)
{
    return !target.empty() && target.find_first_of("/?#") == std::string_view::npos;
}

/// method SP request-target SP HTTP/1.x; false where the line is none. A missing target is forgiven, as servers do.
bool read_request_line(std::string_view line, Request& request)
{
    line = trim(line);
    const std::size_t method_end = line.find(' ');
    const std::size_t version_begin = line.rfind(' ');
    if (method_end == std::string_view::npos || line.substr(version_begin + 1, 7) != "HTTP/1.") return false;
    const std::string_view method = line.substr(0, method_end);
    std::string_view target;
    if (version_begin > method_end) target = trim(line.substr(method_end + 1, version_begin - method_end - 1));
    target = target.substr(0, target.find(' '));
    request.connect = method == "CONNECT";
    if (!request.connect) target = authority_of_target(target);
    if (is_authority(target)) request.authority = host_of_authority(target);
    return true;
}

/// Whether `text` can become a request: as much of a method as there is, then a space.
bool may_be_request(std::string_view text)
{
    std::size_t at = 0;
    while (at < text.size() && at < longest_method && is_method_character(text[at]))
        ++at;
    if (at == 0 || !(text[0] >= 'A' && text[0] <= 'Z')) return false;
    return at == text.size() || (at >= 3 && text[at] == ' ');
}

}    // namespace

std::string_view host_of_authority(std::string_view authority)
{
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
    if (!authority.empty() && authority.front() == '[') {
        const std::size_t close = authority.find(']');
        return close == std::string_view::npos ? authority : authority.substr(1, close - 1);
    }
    const std::size_t colon = authority.rfind(':');
    if (colon == std::string_view::npos || authority.find(':') != colon)
        return authority;    // none, or a bare v6 address
    const std::string_view port = authority.substr(colon + 1);
    const bool digits = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
    return digits ? authority.substr(0, colon) : authority;
}

Finding look_at(Bytes bytes, bool at_end)
{
    Finding finding;
    const std::string_view text = text_of(bytes);
    const std::string_view version = "HTTP/1.";
    const std::size_t compared = std::min(text.size(), version.size());
    if (text.substr(0, compared) == version.substr(0, compared) && !text.empty()) {
        finding.look = compared == version.size() ? Look::response : Look::more;
        return finding;
    }
    if (!may_be_request(text)) return finding;
    std::size_t line_end = text.find('\n');
    if (line_end == std::string_view::npos) {
        if (text.size() < longest_request_line && !at_end) finding.look = Look::more;
        return finding;
    }
    if (!read_request_line(text.substr(0, line_end), finding.request)) return finding;
    finding.line_whole = true;
    for (std::size_t at = line_end + 1;;) {
        line_end = text.find('\n', at);
        if (line_end == std::string_view::npos) break;
        const std::string_view line = text.substr(at, line_end - at);
        at = line_end + 1;
        if (line.empty() || line == "\r") {
            finding.look = Look::request;
            finding.length = at;
            return finding;
        }
        read_field(line, finding.request);
    }
    finding.look = at_end ? Look::request : Look::more;
    finding.length = bytes.size();
    return finding;
}

/// chunk-size in hex, extensions, CRLF, data, CRLF; a size of 0 ends it, after which trailer lines up to an empty one.
std::size_t ChunkedBody::consume(Bytes bytes)
{
    std::size_t at = 0;
    while (at < bytes.size() && state_ != State::done && state_ != State::broken) {
        const char c = static_cast<char>(bytes[at]);
        switch (state_) {
            case State::size: {
                const char digit = lower(c);
                const bool hex = (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
                if (hex && digits_ < 15) {
                    left_ = left_ * 16 + static_cast<std::uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
                    ++digits_;
                    ++at;
                } else if (digits_ == 0 || (c != '\r' && c != '\n' && c != ';' && c != ' ')) {
                    state_ = State::broken;
                } else {
                    state_ = State::extension;
                }
                break;
            }
            case State::extension:
                if (c == '\n') {
                    state_ = left_ == 0 ? State::trailer : State::data;
                    line_ = 0;
                }
                ++at;
                break;
            case State::data: {
                const std::size_t step = std::min<std::uint64_t>(left_, bytes.size() - at);
                at += step;
                left_ -= step;
                if (left_ == 0) state_ = State::data_end;
                break;
            }
            case State::data_end:
                if (c == '\n') {
                    state_ = State::size;
                    digits_ = 0;
                } else if (c != '\r') {
                    state_ = State::broken;
                    break;
                }
                ++at;
                break;
            case State::trailer:
                ++at;
                if (c == '\n') {
                    if (line_ == 0) state_ = State::done;
                    line_ = 0;
                } else if (c != '\r') {
                    ++line_;
                }
                break;
            case State::done:
            case State::broken: break;
        }
    }
    return at;
}

}    // namespace dl::agent::dissect::http1
