#include "shared/rows/cell_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace dl::rows {
namespace {

struct CodePoint {
    char32_t value = 0;
    std::size_t bytes = 1;
};

/// The first code point of non-empty text that nlohmann's replacing serializer or display_text() made valid.
CodePoint first_code_point(std::string_view text)
{
    const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size == 1 || text.size() < size) return {lead, 1};
    char32_t value = lead & (0x7f >> size);
    for (std::size_t i = 1; i < size; ++i)
        value = value << 6 | (byte(i) & 0x3f);
    return {value, size};
}

std::size_t width_of(char32_t c)
{
    struct Range {
        char32_t first, last;
    };
    static constexpr Range none[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},
                                     {0x610, 0x61a},   {0x64b, 0x65f},   {0x200b, 0x200f},
                                     {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
    static constexpr Range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},  {0xac00, 0xd7a3},
                                     {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6},
                                     {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    if (c < 0x300) return 1;
    for (const Range& range : none)
        if (c >= range.first && c <= range.last) return 0;
    for (const Range& range : wide)
        if (c >= range.first && c <= range.last) return 2;
    return 1;
}

bool reorders_text(char32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x061c;
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

std::string valid_utf8(const std::string& text)
{
    for (const char c : text)
        if (static_cast<unsigned char>(c) >= 0x80 || static_cast<unsigned char>(c) < 0x20) {
            // Only the serializer knows how to replace invalid sequences; parsing its output undoes the escaping.
            const nlohmann::json value = text;
            return nlohmann::json::parse(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
                .get<std::string>();
        }
    return text;
}

}    // namespace

std::string plain_text(const nlohmann::json& value)
{
    if (value.is_null()) return {};
    if (value.is_string()) return valid_utf8(value.get_ref<const std::string&>());
    if (value.is_array()) {
        std::string joined;
        for (const nlohmann::json& item : value) {
            if (!joined.empty()) joined += ", ";
            joined += plain_text(item);
        }
        return joined;
    }
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string harmless_text(std::string_view text, std::string_view keep)
{
    const auto plain = [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f;
    };
    if (std::all_of(text.begin(), text.end(), plain)) return std::string(text);
    std::string shown;
    shown.reserve(text.size());
    for (std::string_view rest = text; !rest.empty();) {
        const CodePoint point = first_code_point(rest);
        if (is_control(point.value) && keep.find(rest.front()) == std::string_view::npos)
            shown += fmt::format("\\x{:02x}", static_cast<unsigned>(point.value));
        else if (reorders_text(point.value))
            shown += fmt::format("\\u{{{:x}}}", static_cast<unsigned>(point.value));
        else
            shown += rest.substr(0, point.bytes);
        rest.remove_prefix(point.bytes);
    }
    return shown;
}

std::string harmless_json(std::string json)
{
    // DEL, and how C1 and the bidirectional characters begin in UTF-8.
    if (json.find_first_of("\x7f\xc2\xd8\xe2") == std::string::npos) return json;
    std::string shown;
    shown.reserve(json.size());
    for (std::string_view rest = json; !rest.empty();) {
        const CodePoint point = first_code_point(rest);
        if (is_control(point.value) || reorders_text(point.value))
            shown += fmt::format("\\u{:04x}", static_cast<unsigned>(point.value));
        else
            shown += rest.substr(0, point.bytes);
        rest.remove_prefix(point.bytes);
    }
    return shown;
}

std::string display_text(const nlohmann::json& value)
{
    if (value.is_number_float()) return fmt::format("{:.2f}", value.get<double>());
    return harmless_text(plain_text(value));
}

std::size_t display_width(std::string_view text)
{
    std::size_t width = 0;
    while (!text.empty()) {
        const CodePoint point = first_code_point(text);
        width += width_of(point.value);
        text.remove_prefix(point.bytes);
    }
    return width;
}

std::string cut_to_width(std::string_view text, std::size_t width)
{
    if (display_width(text) <= width) return std::string{text};
    if (width == 0) return {};
    std::string cut;
    std::size_t used = 0;
    while (!text.empty()) {
        const CodePoint point = first_code_point(text);
        const std::size_t next = width_of(point.value);
        if (used + next > width - 1) break;
        used += next;
        cut += text.substr(0, point.bytes);
        text.remove_prefix(point.bytes);
    }
    return cut + "…";
}

}    // namespace dl::rows
