// A host name for people: internationalised labels (RFC 5890 section 2.3.2.1, "xn--") in the letters that they stand
// for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dl::names {

/// What an ASCII-compatible label without its "xn--" stands for (RFC 3492 section 6.2); nothing where it is none:
/// overflow, a code point that is no character, or one that plain ASCII would have said.
[[nodiscard]] std::optional<std::u32string> decode_punycode(std::string_view label);

/// "münchen.example" for "xn--mnchen-3ya.example". Where letters of several scripts stand in one name, as in a name
/// that imitates another ("аррӏе.com" in Cyrillic), the ASCII form stands beside it in parentheses with a caution. The
/// host itself where no label is internationalised, or where one can't be decoded or holds what is no letter, digit,
/// mark or hyphen: invisible characters and signs that look like dots or slashes never come out.
[[nodiscard]] std::string readable_host(std::string_view host);

}    // namespace dl::names
