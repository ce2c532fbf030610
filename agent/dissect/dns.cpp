#include "agent/dissect/dns.hpp"

namespace dl::agent::dissect::dns {
namespace {

constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_aaaa = 28;
constexpr std::uint16_t type_svcb = 64;
constexpr std::uint16_t type_https = 65;
constexpr int most_pointers = 64;

/// ECHConfigList: length 16, then configurations of version 16, length 16 and, where the version is 0xfe0d: id 8, KEM
/// 16, public key (length 16), cipher suites (length 16), longest name 8, public name (length 8), extensions
/// (draft-ietf-tls-esni section 4).
std::string_view public_name_of(Bytes configurations)
{
    Cursor list(configurations);
    list.skip(2);
    while (list.left() >= 4) {
        const std::uint16_t version = list.u16();
        Cursor contents(list.take(list.u16()));
        if (version != 0xfe0d) continue;
        contents.skip(3);
        contents.skip(contents.u16());
        contents.skip(contents.u16());
        contents.skip(1);
        const Bytes name = contents.take(contents.u8());
        if (contents.ok()) return {reinterpret_cast<const char*>(name.data()), name.size()};
    }
    return {};
}

}    // namespace

bool Name::append_label(Bytes label)
{
    const std::size_t dot = length_ == 0 ? 0 : 1;
    if (label.size() + dot > capacity - length_) return false;
    if (dot != 0) text_[length_++] = '.';
    for (const std::uint8_t octet : label)
        text_[length_++] = static_cast<char>(octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet);
    return true;
}

/// ID; QR, OPCODE 4, AA, TC, RD, RA, Z 3, RCODE 4; QDCOUNT; ANCOUNT; NSCOUNT; ARCOUNT.
std::optional<Reader> Reader::open(Bytes message)
{
    if (message.size() < 12) return std::nullopt;
    Reader reader(message);
    reader.header_.id = u16_at(message, 0);
    reader.header_.response = (message[2] & 0x80U) != 0;
    reader.header_.opcode = message[2] >> 3U & 15U;
    reader.header_.rcode = message[3] & 15U;
    reader.header_.questions = u16_at(message, 4);
    reader.header_.answers = u16_at(message, 6);
    reader.header_.authorities = u16_at(message, 8);
    reader.header_.additionals = u16_at(message, 10);
    reader.at_ = 12;
    return reader;
}

/// Labels of 6 bits of length, or a pointer of 14 bits (RFC 1035 section 4.1.4), which must point backwards.
bool Reader::read_name(Name& name)
{
    name.clear();
    std::size_t at = at_;
    bool jumped = false;
    for (int pointers = 0; pointers <= most_pointers;) {
        if (at >= message_.size()) break;
        const std::uint8_t length = message_[at];
        if ((length & 0xc0U) == 0xc0U) {
            if (message_.size() - at < 2) break;
            const std::size_t target = (length & 0x3fU) << 8U | message_[at + 1];
            if (!jumped) at_ = at + 2;
            if (target >= at) break;
            jumped = true;
            at = target;
            ++pointers;
            continue;
        }
        if ((length & 0xc0U) != 0) break;
        if (length == 0) {
            if (!jumped) at_ = at + 1;
            return true;
        }
        if (message_.size() - at - 1 < length || !name.append_label(message_.subspan(at + 1, length))) break;
        at += length + std::size_t{1};
    }
    failed_ = true;
    return false;
}

bool Reader::next_question(Question& question)
{
    if (failed_ || questions_read_ == header_.questions || !read_name(question.name)) return false;
    if (message_.size() - at_ < 4) {
        failed_ = true;
        return false;
    }
    question.type = u16_at(message_, at_);
    question.klass = u16_at(message_, at_ + 2);
    at_ += 4;
    ++questions_read_;
    return true;
}

/// Priority 16, target name (never compressed), then parameters of key 16, length 16, value (RFC 9460 section 2.2).
void Reader::read_service(Bytes data, Record& record)
{
    constexpr std::uint16_t key_ipv4_hint = 4;
    constexpr std::uint16_t key_ech = 5;
    constexpr std::uint16_t key_ipv6_hint = 6;
    record.kind = Record::Kind::service;
    record.ipv4_hints = {};
    record.ipv6_hints = {};
    record.ech_name = {};
    Cursor cursor(data);
    cursor.skip(2);
    for (std::uint8_t label = cursor.u8(); label != 0 && cursor.ok(); label = cursor.u8())
        cursor.skip(label);
    while (cursor.left() >= 4) {
        const std::uint16_t key = cursor.u16();
        const Bytes value = cursor.take(cursor.u16());
        if (key == key_ipv4_hint) record.ipv4_hints = value.first(value.size() / 4 * 4);
        if (key == key_ipv6_hint) record.ipv6_hints = value.first(value.size() / 16 * 16);
        if (key == key_ech) record.ech_name = public_name_of(value);
    }
}

/// NAME, TYPE, CLASS, TTL 32, RDLENGTH, RDATA.
bool Reader::next_answer(Record& record)
{
    if (failed_ || answers_read_ == header_.answers || !read_name(record.owner)) return false;
    if (message_.size() - at_ < 10) {
        failed_ = true;
        return false;
    }
    record.type = u16_at(message_, at_);
    record.ttl = u32_at(message_, at_ + 4);
    const std::size_t length = u16_at(message_, at_ + 8);
    at_ += 10;
    if (message_.size() - at_ < length) {
        failed_ = true;
        return false;
    }
    const std::size_t end = at_ + length;
    record.kind = Record::Kind::other;
    if (record.type == type_a && length == 4) {
        record.kind = Record::Kind::address;
        record.address = Address::v4(message_.subspan(at_).first<4>());
    } else if (record.type == type_aaaa && length == 16) {
        record.kind = Record::Kind::address;
        record.address = Address::v6(message_.subspan(at_).first<16>());
    } else if (record.type == type_cname) {
        if (!read_name(record.target)) return false;
        record.kind = Record::Kind::alias;
    } else if (record.type == type_svcb || record.type == type_https) {
        read_service(message_.subspan(at_, length), record);
    }
    at_ = end;
    ++answers_read_;
    return true;
}

bool is_plausible(Bytes message)
{
    auto reader = Reader::open(message);
    if (!reader) return false;
    const Header& header = reader->header();
    if (header.opcode != 0 || header.questions != 1 || (message[3] & 0x40U) != 0) return false;
    if (!header.response && (header.answers != 0 || header.authorities != 0 || header.additionals > 2)) return false;
    if (header.answers > 64 || header.authorities > 64 || header.additionals > 64) return false;
    Question question;
    if (!reader->next_question(question) || question.name.text().empty()) return false;
    if (question.klass != 1 || question.type == 0 || question.type > 260) return false;
    for (const char c : question.name.text())
        if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) > '~') return false;
    if (!header.response && header.additionals == 0) return reader->position() == message.size();
    Record record;
    while (reader->next_answer(record)) {
    }
    return !reader->failed();
}

}    // namespace dl::agent::dissect::dns
