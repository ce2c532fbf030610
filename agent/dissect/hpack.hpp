// Header compression of HTTP/2 (RFC 7541), as far as the first header block of a connection needs it: nothing of an
// earlier block can be referred to, so that of the dynamic table only its size matters to nobody.
#pragma once

#include "agent/dissect/bytes.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace dl::agent::dissect::hpack {

/// A header field whose name is one that tells where a request goes.
enum class Name { other, authority, method, host };

struct Field {
    Name name = Name::other;
    std::string value;    ///< of those that tell; cut at longest_value
};

/// A value longer than any host with its port is none of ours.
inline constexpr std::size_t longest_value = 300;

/// Goes over one header block, field by field.
class Reader {
public:
    explicit Reader(Bytes block) : cursor_(block) {}
    /// The next field; nothing at the end, and where the bytes are cut or make no sense (broken()).
    [[nodiscard]] std::optional<Field> next();
    [[nodiscard]] bool broken() const { return broken_; }

private:
    std::optional<std::size_t> integer(std::uint8_t first, unsigned prefix_bits);
    bool string(std::string* out);

    Cursor cursor_;
    bool broken_ = false;
};

/// Appends what the octets stand for (RFC 7541 section 5.2 and appendix B) up to `most` in all; false where the padding
/// is wrong or the end-of-string symbol occurs.
[[nodiscard]] bool decode_huffman(Bytes bytes, std::size_t most, std::string& out);

}    // namespace dl::agent::dissect::hpack
