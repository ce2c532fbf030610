// Internationalised names: what comes out is UTF-8 without signs that could hide or fake a part of the name.
#include "shared/names/readable_host.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

/// RFC 3629 section 3: shortest forms, no surrogates; nothing above the last code point.
bool is_utf8(std::string_view text)
{
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text.front());
        const std::size_t size = first < 0x80                     ? 1
                                 : first >= 0xc2 && first <= 0xdf ? 2
                                 : first >= 0xe0 && first <= 0xef ? 3
                                 : first >= 0xf0 && first <= 0xf4 ? 4
                                                                  : 0;
        if (size == 0 || text.size() < size) return false;
        char32_t code = size == 1 ? first : first & (0x7f >> size);
        for (std::size_t at = 1; at < size; ++at) {
            const auto next = static_cast<unsigned char>(text[at]);
            if ((next & 0xc0) != 0x80) return false;
            code = code << 6 | (next & 0x3f);
        }
        const bool longer = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
        if (longer || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return false;
        // Zero-width and direction signs, blanks, and what looks like a dot.
        if ((code >= 0x80 && code < 0xc0) || (code >= 0x2000 && code <= 0x206f) || code == 0x3002 || code == 0xff0e)
            return false;
        text.remove_prefix(size);
    }
    return true;
}

}    // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view host(reinterpret_cast<const char*>(data), size);
    const std::string shown = dl::names::readable_host(host);
    if (shown != host && !is_utf8(shown)) std::abort();
    if (shown != host && host.find("xn--") == std::string_view::npos) std::abort();
    return 0;
}
