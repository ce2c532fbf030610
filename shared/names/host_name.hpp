// Host names as they come off the wire, made comparable; and their registrable domain by the Public Suffix List.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dl::names {

/// Lower case, no trailing dot; nothing where it is no host name (RFC 1123 section 2.1, underscores allowed; labels up to
/// 63, 253 in all; no address literal).
[[nodiscard]] std::optional<std::string> normalise_host(std::string_view host);
/// True for an IPv4 or IPv6 literal, with or without brackets.
[[nodiscard]] bool is_address_literal(std::string_view host);
/// The registrable domain of a normalised host (www.example.co.uk: example.co.uk); the host itself where it has none (a
/// single label, or a public suffix). Thread-safe.
[[nodiscard]] std::string_view registrable_domain(std::string_view host);

}    // namespace dl::names
