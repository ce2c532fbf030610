#include "agent/dissect/hpack.hpp"

#include <array>
#include <cstdint>

namespace dl::agent::dissect::hpack {
namespace {

constexpr std::size_t symbols = 257;
constexpr std::uint16_t end_of_string = 256;
constexpr unsigned longest_code = 30;

/// Bits of each symbol's code (RFC 7541 appendix B). The code is canonical: the lengths tell all of it.
constexpr std::array<std::uint8_t, symbols> code_lengths{
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,  5,  5,  5,  6,  6,  6,  6,  6,  6,  6,
    7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
    7,  8,  7,  8,  13, 19, 13, 14, 6,  15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,
    5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24,
    24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22,
    23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26,
    27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23,
    22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30};

/// By length: the first code, and where its symbols begin among all in the order of their codes.
struct Canonical {
    std::array<std::uint32_t, longest_code + 2> first_code{};
    std::array<std::uint16_t, longest_code + 2> first_place{};
    std::array<std::uint16_t, longest_code + 1> count{};
    std::array<std::uint16_t, symbols> in_order{};
};

constexpr Canonical canonical()
{
    Canonical made;
    for (const std::uint8_t length : code_lengths)
        ++made.count[length];
    std::uint32_t code = 0;
    std::uint16_t place = 0;
    for (unsigned length = 1; length <= longest_code; ++length) {
        code <<= 1U;
        made.first_code[length] = code;
        made.first_place[length] = place;
        for (std::uint16_t symbol = 0; symbol < symbols; ++symbol)
            if (code_lengths[symbol] == length) made.in_order[place++] = symbol;
        code += made.count[length];
    }
    made.first_code[longest_code + 1] = code;
    return made;
}
constexpr Canonical table = canonical();
static_assert(table.first_code[longest_code + 1] == std::uint32_t{1} << longest_code, "every code stands for a symbol");

// Places in the static table (RFC 7541 appendix A).
constexpr std::size_t static_authority = 1;
constexpr std::size_t static_get = 2;
constexpr std::size_t static_post = 3;
constexpr std::size_t static_host = 38;

Name name_of(std::size_t place)
{
    switch (place) {
        case static_authority: return Name::authority;
        case static_get:
        case static_post: return Name::method;
        case static_host: return Name::host;
        default: return Name::other;
    }
}

Name name_of(const std::string& text)
{
    if (text == ":authority") return Name::authority;
    if (text == ":method") return Name::method;
    return text == "host" ? Name::host : Name::other;
}

}    // namespace

bool decode_huffman(Bytes bytes, std::size_t most, std::string& out)
{
    std::uint32_t code = 0;
    unsigned length = 0;
    for (const std::uint8_t octet : bytes)
        for (unsigned bit = 8; bit-- > 0;) {
            code = code << 1U | (octet >> bit & 1U);
            if (++length > longest_code) return false;
            const std::uint32_t offset = code - table.first_code[length];
            if (code < table.first_code[length] || offset >= table.count[length]) continue;
            const std::uint16_t symbol = table.in_order[table.first_place[length] + offset];
            if (symbol == end_of_string) return false;
            if (out.size() < most) out.push_back(static_cast<char>(symbol));
            code = 0;
            length = 0;
        }
    return length < 8 && code + 1 == std::uint32_t{1} << length;    // the rest is the start of the end-of-string symbol
}

/// Section 5.1: what fits into the prefix, else the prefix full of ones and seven bits in each octet that follows.
std::optional<std::size_t> Reader::integer(std::uint8_t first, unsigned prefix_bits)
{
    const std::size_t most_in_prefix = (std::size_t{1} << prefix_bits) - 1;
    std::size_t value = first & most_in_prefix;
    if (value < most_in_prefix) return value;
    for (unsigned shift = 0; shift <= 21; shift += 7) {    // 28 bits more are beyond any block
        const std::uint8_t octet = cursor_.u8();
        if (!cursor_.ok()) return std::nullopt;
        value += std::size_t{octet & 0x7fU} << shift;
        if ((octet & 0x80U) == 0) return value;
    }
    return std::nullopt;
}

/// Section 5.2: bit 7 tells Huffman, the rest and what follows the length. Into nothing: passed over.
bool Reader::string(std::string* out)
{
    const std::uint8_t first = cursor_.u8();
    if (!cursor_.ok()) return false;
    const auto length = integer(first, 7);
    if (!length) return false;
    const Bytes bytes = cursor_.take(*length);
    if (!cursor_.ok()) return false;
    if (out == nullptr) return true;
    if ((first & 0x80U) != 0) return decode_huffman(bytes, longest_value, *out);
    out->assign(reinterpret_cast<const char*>(bytes.data()),
                bytes.size() < longest_value ? bytes.size() : longest_value);
    return true;
}

/// Section 6: indexed 1, literal with indexing 01, size update 001, literal without 0000 and never 0001.
std::optional<Field> Reader::next()
{
    while (cursor_.left() > 0) {
        broken_ = true;    // until the field is whole
        const std::uint8_t first = cursor_.u8();
        Field field;
        if ((first & 0x80U) != 0) {
            const auto place = integer(first, 7);
            if (!place || *place == 0) return std::nullopt;
            broken_ = false;
            field.name = name_of(*place);
            if (field.name == Name::method) field.value = *place == static_get ? "GET" : "POST";
            return field;
        }
        if ((first & 0xe0U) == 0x20) {
            if (!integer(first, 5)) return std::nullopt;
            broken_ = false;
            continue;
        }
        const auto place = integer(first, (first & 0x40U) != 0 ? 6 : 4);
        if (!place) return std::nullopt;
        if (*place == 0) {
            std::string name;
            if (!string(&name)) return std::nullopt;
            field.name = name_of(name);
        } else {
            field.name = name_of(*place);
        }
        if (!string(field.name == Name::other ? nullptr : &field.value)) return std::nullopt;
        broken_ = false;
        return field;
    }
    return std::nullopt;
}

}    // namespace dl::agent::dissect::hpack
