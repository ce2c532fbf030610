#include "shared/names/host_name.hpp"

#include <libpsl.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace dl::names {
namespace {

constexpr std::size_t longest_name = 253;    // RFC 1035 section 3.1, in text without the trailing dot
constexpr std::size_t longest_label = 63;    // RFC 1035 section 2.3.4

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A last label that a resolver would read as part of an IPv4 address (RFC 1123 section 2.1: the highest-level label is
/// alphabetic), among them hexadecimal ones, which inet_aton takes.
bool looks_like_number(std::string_view label)
{
    if (label.size() > 1 && label[0] == '0' && label[1] == 'x')
        return label.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
    for (const char c : label)
        if (!is_digit(c)) return false;
    return true;
}

/// RFC 1123 section 2.1 with underscores, which service labels (RFC 8552) and many real hosts have.
bool is_label(std::string_view label)
{
    if (label.empty() || label.size() > longest_label) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    for (const char c : label)
        if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-' && c != '_') return false;
    return true;
}

template <class Binary>
bool parses_as(int family, std::string_view text)
{
    std::array<char, 64> copy{};
    if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return false;
    text.copy(copy.data(), text.size());    // where memcpy forbids the null of an empty view
    Binary ignored;
    return inet_pton(family, copy.data(), &ignored) == 1;
}

const psl_ctx_t* public_suffixes()
{
    static const psl_ctx_t* const list = [] {
        const psl_ctx_t* builtin = psl_builtin();
        if (!builtin)
            throw std::runtime_error("libpsl was built without a Public Suffix List; install Debian's libpsl5");
        return builtin;
    }();
    return list;
}

/// Where the registrable domain begins in `host`.
std::size_t find_registrable(std::string_view host)
{
    std::array<char, longest_name + 1> copy{};
    host.copy(copy.data(), host.size());
    const char* found = psl_registrable_domain(public_suffixes(), copy.data());
    return found ? static_cast<std::size_t>(found - copy.data()) : 0;
}

/// Answers of this thread: the hosts of a report or a log repeat, and a look-up walks the list once per label.
struct Remembered {
    std::array<char, longest_name> host;
    std::uint8_t size = 0;    // 0: nothing here
    std::uint8_t offset = 0;
};
constexpr std::size_t remembered_hosts = 1024;

bool is_port(std::string_view text) { return text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit); }

std::string_view without_blanks(std::string_view text)
{
    const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    while (!text.empty() && blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && blank(text.back()))
        text.remove_suffix(1);
    return text;
}

/// What stands between "//" and the path (RFC 3986 section 3.2), without the user information; `text` where there is no
/// "//" after nothing but a scheme.
std::string_view authority_in(std::string_view text)
{
    const std::size_t slashes = text.find("//");
    const bool has_scheme = slashes == 0 || (slashes != std::string_view::npos && text[slashes - 1] == ':' &&
                                             text.find_first_of("/?#@[") == slashes);
    if (has_scheme) text.remove_prefix(slashes + 2);
    text = text.substr(0, text.find_first_of("/?#"));
    if (has_scheme)
        if (const auto at = text.rfind('@'); at != std::string_view::npos) text.remove_prefix(at + 1);
    return text;
}

}    // namespace

std::string_view host_in(std::string_view text)
{
    text = without_blanks(text);
    std::string_view host = authority_in(text);
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        if (end == std::string_view::npos || !is_address_literal(host.substr(0, end + 1))) return text;
        const std::string_view behind = host.substr(end + 1);
        if (!behind.empty() && !(behind.front() == ':' && is_port(behind.substr(1)))) return text;
        return host.substr(1, end - 1);
    }
    if (is_address_literal(host)) return host;
    if (const auto colon = host.find(':'); colon != std::string_view::npos && is_port(host.substr(colon + 1)))
        host = host.substr(0, colon);
    if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
    return host;
}

bool is_address_literal(std::string_view host)
{
    const bool bracketed = host.size() > 1 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (!bracketed && parses_as<in_addr>(AF_INET, host)) return true;
    return parses_as<in6_addr>(AF_INET6, host.substr(0, host.find('%')));    // zone: RFC 4007 section 11
}

std::optional<std::string> normalise_host(std::string_view host)
{
    if (!host.empty() && host.back() == '.') host.remove_suffix(1);
    if (host.empty() || host.size() > longest_name) return std::nullopt;
    std::string name{host};
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');

    std::string_view rest = name;
    for (;;) {
        const std::size_t dot = rest.find('.');
        const std::string_view label = rest.substr(0, dot);
        if (!is_label(label)) return std::nullopt;
        if (dot == std::string_view::npos) return looks_like_number(label) ? std::nullopt : std::optional{name};
        rest.remove_prefix(dot + 1);
    }
}

std::string_view registrable_domain(std::string_view host)
{
    if (host.empty() || host.size() > longest_name) return host;
    const std::size_t first_dot = host.find('.');
    if (first_dot == std::string_view::npos) return host;

    thread_local std::array<Remembered, remembered_hosts> memory;
    Remembered& slot = memory[std::hash<std::string_view>{}(host) % remembered_hosts];
    if (slot.size != host.size() || std::memcmp(slot.host.data(), host.data(), host.size()) != 0) {
        const std::size_t offset = find_registrable(host);
        std::memcpy(slot.host.data(), host.data(), host.size());
        slot.size = static_cast<std::uint8_t>(host.size());
        slot.offset = static_cast<std::uint8_t>(offset);
    }
    return host.substr(slot.offset);
}

}    // namespace dl::names
