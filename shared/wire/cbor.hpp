// The part of CBOR (RFC 8949) that the columns need: definite lengths only. The writer makes the shortest form of every
// integer (section 4.2.1); the reader takes any. The reader's first mistake sticks: after it every read gives an empty
// value.
#pragma once

#include "shared/base/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dl::wire {

enum class CborMajor : std::uint8_t { unsigned_integer = 0, negative_integer, bytes, text, array, map, tag, simple };

class CborWriter {
public:
    void unsigned_integer(std::uint64_t value) { head(CborMajor::unsigned_integer, value); }
    void integer(std::int64_t value);
    void bytes(std::span<const std::uint8_t> value);
    void text(std::string_view value);
    /// `count` values must follow; after a map twice as many.
    void array(std::size_t count) { head(CborMajor::array, count); }
    void map(std::size_t count) { head(CborMajor::map, count); }
    void tag(std::uint64_t number) { head(CborMajor::tag, number); }

    [[nodiscard]] const std::string& written() const { return out_; }

private:
    void head(CborMajor major, std::uint64_t argument);

    std::string out_;
};

class CborReader {
public:
    /// The bytes outlive the reader; texts are views into them.
    explicit CborReader(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] bool ok() const { return message_.empty(); }
    [[nodiscard]] const std::string& message() const { return message_; }
    /// "octet N: WHAT"; the first one stays.
    void fail(std::string_view what);

    [[nodiscard]] std::uint64_t unsigned_integer();
    [[nodiscard]] std::int64_t integer();
    [[nodiscard]] std::string_view bytes();
    [[nodiscard]] std::string_view text();
    [[nodiscard]] std::uint64_t tag();
    /// The number of items, at most `limit` and never more than octets are left: what it sizes is bounded.
    [[nodiscard]] std::size_t array(std::size_t limit);
    /// The number of pairs, with the same bounds.
    [[nodiscard]] std::size_t map(std::size_t limit);
    /// Consumes one value of any shape, nested up to 16 levels.
    void skip();
    [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }

private:
    struct Head {
        CborMajor major = CborMajor::simple;
        std::uint64_t argument = 0;
    };
    [[nodiscard]] Head head();
    [[nodiscard]] std::uint64_t expect(CborMajor major, std::string_view what);
    [[nodiscard]] std::string_view string(CborMajor major, std::string_view what);
    [[nodiscard]] std::size_t container(CborMajor major, std::string_view what, std::size_t limit,
                                        std::size_t least_octets);

    std::string_view bytes_;
    std::size_t at_ = 0;
    std::string message_;
};

}    // namespace dl::wire
