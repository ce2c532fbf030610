// Host names as they come off the wire, made comparable; and their registrable domain by the Public Suffix List.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dl::names {

/// Lower case, no trailing dot; nothing where it is no host name (RFC 1123 section 2.1, underscores allowed; labels up
/// to 63, 253 in all; no address literal).
[[nodiscard]] std::optional<std::string> normalise_host(std::string_view host);
/// The host in what a person or a log wrote: NAME, NAME:PORT, [ADDRESS]:PORT, SCHEME://[USER@]HOST[:PORT]/PATH, blanks
/// around it, a trailing dot. Never fails: what is none of these comes back without its blanks. A view into `text`.
[[nodiscard]] std::string_view host_in(std::string_view text);
/// True for an IPv4 or IPv6 literal, with or without brackets.
[[nodiscard]] bool is_address_literal(std::string_view host);
/// The registrable domain of a normalised host (www.example.co.uk: example.co.uk); the host itself where it has none (a
/// single label, or a public suffix). Thread-safe.
[[nodiscard]] std::string_view registrable_domain(std::string_view host);

}    // namespace dl::names
