// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dl::wire {

/// Octets of the well-formed sequence that `text` begins with; 0 where there is none.
[[nodiscard]] inline std::size_t utf8_sequence(std::string_view text)
{
    const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const auto continues = [&](std::size_t i, std::uint8_t low = 0x80, std::uint8_t high = 0xbf) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    if (text.empty()) return 0;
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead < 0xc2) return 0;
    if (lead < 0xe0) return continues(1) ? 2 : 0;
    if (lead < 0xf0) {
        const std::uint8_t low = lead == 0xe0 ? 0xa0 : 0x80;
        const std::uint8_t high = lead == 0xed ? 0x9f : 0xbf;
        return continues(1, low, high) && continues(2) ? 3 : 0;
    }
    if (lead < 0xf5) {
        const std::uint8_t low = lead == 0xf0 ? 0x90 : 0x80;
        const std::uint8_t high = lead == 0xf4 ? 0x8f : 0xbf;
        return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

/// Octets before the first that is no UTF-8; npos where all of `text` is well-formed.
[[nodiscard]] inline std::size_t find_malformed_utf8(std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = utf8_sequence(text.substr(at));
        if (size == 0) return at;
        at += size;
    }
    return std::string_view::npos;
}

/// True for well-formed UTF-8 without control characters (C0 and DEL).
[[nodiscard]] inline bool is_plain_text(std::string_view text)
{
    while (!text.empty()) {
        const std::size_t size = utf8_sequence(text);
        if (size == 0 || static_cast<std::uint8_t>(text[0]) < 0x20 || text[0] == 0x7f) return false;
        text.remove_prefix(size);
    }
    return true;
}

}    // namespace dl::wire
