// DNS messages (RFC 1035 section 4): questions, and the address, alias and service (RFC 9460) records of answers. Names
// come as text of fixed capacity, so nothing is allocated.
#pragma once

#include "agent/dissect/bytes.hpp"
#include "shared/base/address.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dl::agent::dissect::dns {

/// A domain name in lower case, labels joined by dots, without the trailing dot; the root is empty. Octets are as they
/// came, save upper-case ASCII.
class Name {
public:
    static constexpr std::size_t capacity = 255;
    [[nodiscard]] std::string_view text() const { return {text_.data(), length_}; }
    void clear() { length_ = 0; }
    /// False where it would exceed RFC 1035's 255 octets.
    bool append_label(Bytes label);

private:
    std::array<char, capacity> text_;
    std::uint16_t length_ = 0;
};

struct Header {
    std::uint16_t id = 0;
    bool response = false;
    std::uint8_t opcode = 0;
    std::uint8_t rcode = 0;
    std::uint16_t questions = 0;
    std::uint16_t answers = 0;
    std::uint16_t authorities = 0;
    std::uint16_t additionals = 0;
};

struct Question {
    Name name;
    std::uint16_t type = 0;
    std::uint16_t klass = 0;
};

struct Record {
    enum class Kind { other, address, alias, service };
    Name owner;
    std::uint16_t type = 0;
    std::uint32_t ttl = 0;    ///< seconds
    Kind kind = Kind::other;
    Address address;    ///< A, AAAA
    Name target;        ///< CNAME

    // SVCB and HTTPS; views into the message.
    Bytes ipv4_hints;             ///< of 4 octets each
    Bytes ipv6_hints;             ///< of 16 octets each
    std::string_view ech_name;    ///< public name of its Encrypted ClientHello configuration; empty: none
};

/// Reads one message front to back: all questions, then records while there are any.
class Reader {
public:
    /// Nothing where there is no whole header.
    [[nodiscard]] static std::optional<Reader> open(Bytes message);

    [[nodiscard]] const Header& header() const { return header_; }
    /// False at the end of the questions, or where the message is cut or wrong (then failed() is true).
    bool next_question(Question& question);
    /// Answer section only. Call after the questions are read.
    bool next_answer(Record& record);
    [[nodiscard]] bool failed() const { return failed_; }
    /// Octets read so far.
    [[nodiscard]] std::size_t position() const { return at_; }

private:
    explicit Reader(Bytes message) : message_(message) {}
    bool read_name(Name& name);
    static void read_service(Bytes data, Record& record);

    Bytes message_;
    Header header_;
    std::size_t at_ = 0;
    std::uint32_t questions_read_ = 0;
    std::uint32_t answers_read_ = 0;
    bool failed_ = false;
};

/// True where the bytes are a DNS message beyond doubt though the port does not say so: one question of a known class,
/// sane counts, a query that ends where the message ends.
[[nodiscard]] bool is_plausible(Bytes message);

}    // namespace dl::agent::dissect::dns
