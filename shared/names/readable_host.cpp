#include "shared/names/readable_host.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>

namespace dl::names {
namespace {

constexpr std::size_t longest_label = 63;

// RFC 3492 section 5.
constexpr std::uint32_t base = 36, tmin = 1, tmax = 26, skew = 38, damp = 700, first_bias = 72, first_code = 0x80;

std::uint32_t adapt(std::uint32_t delta, std::uint32_t points, bool first)
{
    delta = first ? delta / damp : delta / 2;
    delta += delta / points;
    std::uint32_t k = 0;
    for (; delta > ((base - tmin) * tmax) / 2; k += base)
        delta /= base - tmin;
    return k + (base - tmin + 1) * delta / (delta + skew);
}

std::uint32_t digit_of(char c)
{
    if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a');
    if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
    if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0') + 26;
    return base;
}

enum class Script {
    none,
    latin,
    greek,
    cyrillic,
    armenian,
    hebrew,
    arabic,
    indic,
    thai,
    georgian,
    japanese,
    korean,
    han
};

struct Range {
    char32_t from, to;
    Script script;
};

/// Letters, marks and digits of the scripts that domains are registered in; what lies in no range is not shown as such.
constexpr Range ranges[] = {
    {U'-', U'-', Script::none},         {U'0', U'9', Script::none},         {U'A', U'Z', Script::latin},
    {U'a', U'z', Script::latin},        {0x00df, 0x00f6, Script::latin},    {0x00f8, 0x024f, Script::latin},
    {0x0250, 0x02af, Script::latin},    {0x0300, 0x036f, Script::none},     {0x0370, 0x0373, Script::greek},
    {0x0376, 0x0377, Script::greek},    {0x037b, 0x037d, Script::greek},    {0x0386, 0x0386, Script::greek},
    {0x0388, 0x03ff, Script::greek},    {0x0400, 0x0481, Script::cyrillic}, {0x048a, 0x052f, Script::cyrillic},
    {0x0531, 0x0556, Script::armenian}, {0x0561, 0x0587, Script::armenian}, {0x05d0, 0x05ea, Script::hebrew},
    {0x0620, 0x064a, Script::arabic},   {0x0660, 0x0669, Script::arabic},   {0x0671, 0x06d3, Script::arabic},
    {0x0750, 0x077f, Script::arabic},   {0x0900, 0x0963, Script::indic},    {0x0966, 0x096f, Script::indic},
    {0x0980, 0x0dff, Script::indic},    {0x0e01, 0x0e3a, Script::thai},     {0x0e40, 0x0e4e, Script::thai},
    {0x0e50, 0x0e59, Script::thai},     {0x10a0, 0x10fa, Script::georgian}, {0x10fd, 0x10ff, Script::georgian},
    {0x1e00, 0x1eff, Script::latin},    {0x1f00, 0x1fbc, Script::greek},    {0x3005, 0x3007, Script::japanese},
    {0x3041, 0x3096, Script::japanese}, {0x30a1, 0x30fa, Script::japanese}, {0x30fc, 0x30fe, Script::japanese},
    {0x3400, 0x4dbf, Script::han},      {0x4e00, 0x9fff, Script::han},      {0xac00, 0xd7a3, Script::korean},
    {0x20000, 0x2fa1d, Script::han},
};

const Range* range_of(char32_t c)
{
    const auto* const found =
        std::find_if(std::begin(ranges), std::end(ranges), [&](const Range& r) { return c >= r.from && c <= r.to; });
    return found == std::end(ranges) ? nullptr : found;
}

void append_utf8(std::string& out, char32_t c)
{
    const auto put = [&](char32_t bits) { out += static_cast<char>(static_cast<unsigned char>(bits)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xc0 | c >> 6);
        put(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        put(0xe0 | c >> 12);
        put(0x80 | (c >> 6 & 0x3f));
        put(0x80 | (c & 0x3f));
    } else {
        put(0xf0 | c >> 18);
        put(0x80 | (c >> 12 & 0x3f));
        put(0x80 | (c >> 6 & 0x3f));
        put(0x80 | (c & 0x3f));
    }
}

/// Languages write some scripts together: Japanese and Korean use Han, and both stand beside Latin every day.
bool is_mixture(std::set<Script> scripts)
{
    scripts.erase(Script::none);
    const bool east = scripts.contains(Script::japanese) || scripts.contains(Script::korean);
    if (east) scripts.erase(Script::han);
    if (east || scripts.contains(Script::han)) scripts.erase(Script::latin);
    return scripts.size() > 1;
}

}    // namespace

std::optional<std::u32string> decode_punycode(std::string_view label)
{
    constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
    if (label.empty() || label.size() > longest_label) return std::nullopt;
    std::u32string out;
    std::size_t at = 0;
    if (const std::size_t delimiter = label.rfind('-'); delimiter != std::string_view::npos && delimiter > 0) {
        for (const char c : label.substr(0, delimiter)) {
            if (static_cast<unsigned char>(c) >= first_code) return std::nullopt;
            out += static_cast<char32_t>(c);
        }
        at = delimiter + 1;
    }
    std::uint32_t code = first_code, i = 0, bias = first_bias;
    while (at < label.size()) {
        const std::uint32_t before = i;
        for (std::uint32_t weight = 1, k = base;; k += base) {
            if (at == label.size()) return std::nullopt;
            const std::uint32_t digit = digit_of(label[at++]);
            if (digit >= base || digit > (most - i) / weight) return std::nullopt;
            i += digit * weight;
            const std::uint32_t threshold = k <= bias ? tmin : k >= bias + tmax ? tmax : k - bias;
            if (digit < threshold) break;
            if (weight > most / (base - threshold)) return std::nullopt;
            weight *= base - threshold;
        }
        const auto points = static_cast<std::uint32_t>(out.size()) + 1;
        bias = adapt(i - before, points, before == 0);
        if (i / points > 0x10ffff - code) return std::nullopt;
        code += i / points;
        i %= points;
        if (code >= 0xd800 && code <= 0xdfff) return std::nullopt;
        out.insert(out.begin() + i, static_cast<char32_t>(code));
        ++i;
    }
    if (std::all_of(out.begin(), out.end(), [](char32_t c) { return c < first_code; })) return std::nullopt;
    return out;
}

std::string readable_host(std::string_view host)
{
    std::string out;
    std::set<Script> scripts;
    bool internationalised = false;
    for (std::string_view rest = host; !rest.empty();) {
        const std::size_t dot = rest.find('.');
        const std::string_view label = rest.substr(0, dot);
        std::u32string letters(label.begin(), label.end());
        if (label.starts_with("xn--")) {
            auto decoded = decode_punycode(label.substr(4));
            if (!decoded) return std::string(host);
            letters = std::move(*decoded);
            internationalised = true;
        }
        for (const char32_t c : letters) {
            const Range* const range = range_of(c);
            if (range == nullptr && c >= first_code) return std::string(host);
            if (range != nullptr) scripts.insert(range->script);
            append_utf8(out, c);
        }
        if (dot == std::string_view::npos) break;
        out += '.';
        rest.remove_prefix(dot + 1);
    }
    if (!internationalised) return std::string(host);
    if (is_mixture(scripts))
        out += " (" + std::string(host) + ", letters of several scripts: may imitate another name)";
    return out;
}

}    // namespace dl::names
