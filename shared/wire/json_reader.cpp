#include "shared/wire/json_reader.hpp"

#include "shared/wire/utf8.hpp"

#include <fmt/format.h>

#include <limits>

namespace dl::wire {
namespace {

constexpr std::size_t deepest = 32;
constexpr std::size_t longest_key = 255;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& out, std::uint32_t point)
{
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xc0 | point >> 6);
        put(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        put(0xe0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3f));
        put(0x80 | (point & 0x3f));
    } else {
        put(0xf0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3f));
        put(0x80 | (point >> 6 & 0x3f));
        put(0x80 | (point & 0x3f));
    }
}

}    // namespace

void JsonReader::fail(std::string_view what)
{
    if (!ok()) return;
    std::string path;
    for (const Step& step : path_) {
        if (step.index != not_an_index)
            path += fmt::format("[{}]", step.index);
        else {
            if (!path.empty()) path += '.';
            for (const char c : step.key.substr(0, 64))    // an unknown key is a stranger's text
                path += c >= 0x20 && c < 0x7f ? c : '?';
        }
    }
    message_ = path.empty() ? fmt::format("{}: {}", subject_, what) : fmt::format("{}: {}: {}", subject_, path, what);
}

std::string_view JsonReader::next_type() const
{
    if (at_ >= text_.size()) return "the end of the text";
    switch (text_[at_]) {
        case '"': return "text";
        case '{': return "an object";
        case '[': return "a list";
        case 't':
        case 'f': return "a boolean";
        case 'n': return "null";
        case '-': return "a negative number";
        default: return is_digit(text_[at_]) ? "a number" : "no JSON value";
    }
}

void JsonReader::skip_blanks()
{
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
        ++at_;
}

bool JsonReader::begin(char opening, std::string_view what)
{
    if (!ok()) return false;
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == opening) {
        ++at_;
        return true;
    }
    fail(fmt::format("must be {}, but is {}", what, next_type()));
    return false;
}

bool JsonReader::more(char closing, std::size_t count)
{
    if (!ok()) return false;
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == closing) {
        ++at_;
        return false;
    }
    if (count == 0) return true;
    if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        return true;
    }
    fail(fmt::format("is no JSON: ',' or '{}' must follow, not {}; mend it", closing, next_type()));
    return false;
}

std::string JsonReader::key()
{
    skip_blanks();
    std::string name = quoted(longest_key, false);
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == ':')
        ++at_;
    else
        fail(fmt::format("is no JSON: ':' must follow a key, not {}; mend it", next_type()));
    return name;
}

bool JsonReader::null()
{
    if (!ok()) return false;
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != 'n') return false;
    skip_word("null");
    return ok();
}

std::string JsonReader::text(std::size_t limit) { return quoted(limit, false); }

std::string JsonReader::lines(std::size_t limit) { return quoted(limit, true); }

std::string JsonReader::quoted(std::size_t limit, bool line_breaks)
{
    std::string out;
    if (!begin('"', "text")) return out;
    while (ok()) {
        if (at_ >= text_.size()) {
            fail("is no JSON: the text ends inside quotes; was it cut?");
            break;
        }
        const char c = text_[at_];
        const std::size_t before = out.size();
        if (c == '"') {
            ++at_;
            return out;
        }
        if (c == '\\') {
            ++at_;
            append_escape(out);
        } else {
            const std::size_t size = utf8_sequence(text_.substr(at_, 4));
            if (size == 0 || static_cast<unsigned char>(c) < 0x20) {
                fail(size == 0 ? "is not UTF-8; encode it"
                               : "is no JSON: a control character stands in quotes; escape it");
                break;
            }
            out.append(text_, at_, size);
            at_ += size;
        }
        if (ok() && out.size() == before + 1) {
            const char put = out.back();
            const bool control = static_cast<unsigned char>(put) < 0x20 || put == 0x7f;
            if (control && !(line_breaks && (put == '\n' || put == '\r'))) fail("holds a control character; remove it");
        }
        if (out.size() > limit) fail(fmt::format("is longer than {} octets; shorten it", limit));
    }
    return {};
}

std::uint32_t JsonReader::four_hex_digits()
{
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
        const char c = at_ < text_.size() ? text_[at_] : '\0';
        if (is_digit(c))
            value = value << 4 | static_cast<std::uint32_t>(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value << 4 | static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
        else {
            fail("is no JSON: \\u needs four hex digits; mend it");
            return 0;
        }
    }
    return value;
}

void JsonReader::append_escape(std::string& out)
{
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    switch (c) {
        case '"':
        case '\\':
        case '/': out += c; return;
        case 'b': out += '\b'; return;
        case 'f': out += '\f'; return;
        case 'n': out += '\n'; return;
        case 'r': out += '\r'; return;
        case 't': out += '\t'; return;
        case 'u': break;
        default: fail("is no JSON: unknown escape in text; mend it"); return;
    }
    std::uint32_t point = four_hex_digits();
    if (point >= 0xd800 && point < 0xdc00 && text_.substr(at_, 2) == "\\u") {
        at_ += 2;
        const std::uint32_t low = four_hex_digits();
        point = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : 0xd800;
    }
    if (point >= 0xd800 && point < 0xe000) return fail("holds half a surrogate pair; encode the character whole");
    append_utf8(out, point);
}

std::uint64_t JsonReader::unsigned_integer(std::uint64_t most)
{
    if (!ok()) return 0;
    skip_blanks();
    if (at_ >= text_.size() || !is_digit(text_[at_])) {
        fail(fmt::format("must be a whole number, not negative, but is {}", next_type()));
        return 0;
    }
    const bool leading_zero = text_[at_] == '0' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]);
    std::uint64_t value = 0;
    for (; at_ < text_.size() && is_digit(text_[at_]); ++at_) {
        const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
        if (value > (most - std::min(digit, most)) / 10 || digit > most) {
            fail(fmt::format("is larger than {}; check the number", most));
            return 0;
        }
        value = value * 10 + digit;
    }
    const char next = at_ < text_.size() ? text_[at_] : '\0';
    if (leading_zero || next == '.' || next == 'e' || next == 'E') {
        fail("must be a whole number without leading zero, fraction or exponent");
        return 0;
    }
    return value;
}

void JsonReader::skip_word(std::string_view word)
{
    if (text_.substr(at_, word.size()) == word)
        at_ += word.size();
    else
        fail(fmt::format("is no JSON: '{}' was expected; mend it", word));
}

/// RFC 8259 section 6.
void JsonReader::skip_number()
{
    const auto digits = [this] {
        const std::size_t first = at_;
        while (at_ < text_.size() && is_digit(text_[at_]))
            ++at_;
        return at_ - first;
    };
    const auto next_is = [this](char c) { return at_ < text_.size() && (text_[at_] | 0x20) == (c | 0x20); };
    if (next_is('-')) ++at_;
    const bool zero = at_ < text_.size() && text_[at_] == '0';
    const std::size_t whole = digits();
    bool good = whole > 0 && !(zero && whole > 1);
    if (at_ < text_.size() && text_[at_] == '.') {
        ++at_;
        good = digits() > 0 && good;
    }
    if (next_is('e')) {
        ++at_;
        if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
        good = digits() > 0 && good;
    }
    if (!good) fail("is no JSON: a number is malformed; mend it");
}

void JsonReader::skip()
{
    std::string closings;    // of the lists and objects that are open
    bool fresh = true;       // just opened, so that no comma is due
    while (ok()) {
        skip_blanks();
        if (!closings.empty()) {
            if (!more(closings.back(), fresh ? 0 : 1)) {
                if (!ok()) return;
                closings.pop_back();
                fresh = false;
                if (closings.empty()) return;
                continue;
            }
            if (closings.back() == '}') (void)key();
            skip_blanks();
        }
        fresh = false;
        const char c = at_ < text_.size() ? text_[at_] : '\0';
        if (c == '{' || c == '[') {
            if (closings.size() == deepest)
                return fail(fmt::format("is nested deeper than {} levels; flatten it", deepest));
            ++at_;
            closings += c == '{' ? '}' : ']';
            fresh = true;
            continue;
        }
        if (c == '"') {
            // Longer than any text that is read: what is skipped is not kept, only checked.
            for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
                if (static_cast<unsigned char>(text_[at_]) < 0x20)
                    return fail("is no JSON: a control character stands in quotes; escape it");
                else if (text_[at_] == '\\')
                    ++at_;
            if (at_ >= text_.size()) return fail("is no JSON: the text ends inside quotes; was it cut?");
            ++at_;
        } else if (c == 't') {
            skip_word("true");
        } else if (c == 'f') {
            skip_word("false");
        } else if (c == 'n') {
            skip_word("null");
        } else if (c == '-' || is_digit(c)) {
            skip_number();
        } else {
            return fail(fmt::format("is no JSON: {} stands where a value must be; mend it", next_type()));
        }
        if (closings.empty()) return;
    }
}

void JsonReader::finish()
{
    skip_blanks();
    if (ok() && at_ != text_.size()) fail("is no JSON: more follows after the end; send one value");
}

}    // namespace dl::wire
