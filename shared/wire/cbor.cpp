#include "shared/wire/cbor.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>

namespace dl::wire {
namespace {

constexpr std::size_t deepest = 16;
constexpr std::uint64_t largest_signed = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

}    // namespace

void CborWriter::head(CborMajor major, std::uint64_t argument)
{
    const auto first = static_cast<std::uint8_t>(static_cast<std::uint8_t>(major) << 5);
    if (argument < 24) {
        out_ += static_cast<char>(first | argument);
        return;
    }
    const int octets = argument <= 0xff ? 1 : argument <= 0xffff ? 2 : argument <= 0xffffffff ? 4 : 8;
    out_ += static_cast<char>(first | (octets == 1 ? 24 : octets == 2 ? 25 : octets == 4 ? 26 : 27));
    for (int i = octets - 1; i >= 0; --i)
        out_ += static_cast<char>(argument >> (8 * i) & 0xff);
}

void CborWriter::integer(std::int64_t value)
{
    if (value >= 0)
        head(CborMajor::unsigned_integer, static_cast<std::uint64_t>(value));
    else
        head(CborMajor::negative_integer, static_cast<std::uint64_t>(-1 - value));
}

void CborWriter::bytes(std::span<const std::uint8_t> value)
{
    head(CborMajor::bytes, value.size());
    out_.append(reinterpret_cast<const char*>(value.data()), value.size());
}

void CborWriter::text(std::string_view value)
{
    head(CborMajor::text, value.size());
    out_ += value;
}

void CborReader::fail(std::string_view what)
{
    if (ok()) message_ = fmt::format("octet {}: {}", at_, what);
}

/// RFC 8949 section 3. Indefinite lengths (additional information 31) are refused.
CborReader::Head CborReader::head()
{
    if (!ok()) return {};
    if (at_ == bytes_.size()) {
        fail("the data ends where a value must begin; was it cut?");
        return {};
    }
    const auto first = static_cast<std::uint8_t>(bytes_[at_]);
    const auto major = static_cast<CborMajor>(first >> 5);
    const std::uint8_t information = first & 31;
    if (information < 24) {
        ++at_;
        return {major, information};
    }
    if (information > 27) {
        fail("indefinite or reserved lengths are not taken; send definite ones");
        return {};
    }
    const std::size_t octets = std::size_t{1} << (information - 24);
    if (bytes_.size() - at_ - 1 < octets) {
        fail("the data ends inside a value; was it cut?");
        return {};
    }
    ++at_;
    std::uint64_t argument = 0;
    for (std::size_t i = 0; i < octets; ++i)
        argument = argument << 8 | static_cast<std::uint8_t>(bytes_[at_++]);
    return {major, argument};
}

std::uint64_t CborReader::expect(CborMajor major, std::string_view what)
{
    const std::size_t before = at_;
    const Head found = head();
    if (ok() && found.major != major) {
        at_ = before;
        fail(fmt::format("must be {}", what));
    }
    return ok() ? found.argument : 0;
}

std::uint64_t CborReader::unsigned_integer() { return expect(CborMajor::unsigned_integer, "an unsigned integer"); }

std::int64_t CborReader::integer()
{
    const std::size_t before = at_;
    const Head found = head();
    if (!ok()) return 0;
    const bool negative = found.major == CborMajor::negative_integer;
    if ((found.major != CborMajor::unsigned_integer && !negative) || found.argument > largest_signed) {
        at_ = before;
        fail("must be an integer of 64 bits");
        return 0;
    }
    const auto value = static_cast<std::int64_t>(found.argument);
    return negative ? -1 - value : value;
}

std::string_view CborReader::string(CborMajor major, std::string_view what)
{
    const std::uint64_t size = expect(major, what);
    if (size > bytes_.size() - at_) {
        fail("a string is longer than the data; was it cut?");
        return {};
    }
    const std::string_view value = bytes_.substr(at_, static_cast<std::size_t>(size));
    at_ += value.size();
    return value;
}

std::string_view CborReader::bytes() { return string(CborMajor::bytes, "a byte string"); }

std::string_view CborReader::text() { return string(CborMajor::text, "text"); }

std::uint64_t CborReader::tag() { return expect(CborMajor::tag, "a tag"); }

std::size_t CborReader::container(CborMajor major, std::string_view what, std::size_t limit, std::size_t least_octets)
{
    const std::uint64_t count = expect(major, what);
    if (count > limit)
        fail(fmt::format("{} has {} items, more than {}; split the report", what, count, limit));
    else if (count > (bytes_.size() - at_) / least_octets)
        fail(fmt::format("{} has more items than the data can hold; was it cut?", what));
    return ok() ? static_cast<std::size_t>(count) : 0;
}

std::size_t CborReader::array(std::size_t limit) { return container(CborMajor::array, "an array", limit, 1); }

std::size_t CborReader::map(std::size_t limit) { return container(CborMajor::map, "a map", limit, 2); }

void CborReader::skip()
{
    std::array<std::uint64_t, deepest> left{};    // values still to come, of each array, map and tag that is open
    std::size_t depth = 0;
    for (;;) {
        const Head found = head();
        if (!ok()) return;
        std::uint64_t inside = 0;
        switch (found.major) {
            case CborMajor::bytes:
            case CborMajor::text:
                if (found.argument > bytes_.size() - at_) return fail("a string is longer than the data; was it cut?");
                at_ += static_cast<std::size_t>(found.argument);
                break;
            case CborMajor::array: inside = found.argument; break;
            case CborMajor::map:
                if (found.argument > bytes_.size()) return fail("a map has more items than the data can hold");
                inside = 2 * found.argument;
                break;
            case CborMajor::tag: inside = 1; break;
            default: break;
        }
        if (inside > 0) {
            if (depth == deepest) return fail(fmt::format("is nested deeper than {} levels; flatten it", deepest));
            left[depth++] = inside;
            continue;
        }
        while (depth > 0 && --left[depth - 1] == 0)
            --depth;
        if (depth == 0) return;
    }
}

}    // namespace dl::wire
