// A non-owning walk over a stranger's bytes. Every read checks what is left by subtraction; after the first read that
// does not fit the cursor is void, every further read gives zero or nothing, and ok() is false. No allocation, no
// exceptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dl::agent::dissect {

using Bytes = std::span<const std::uint8_t>;

class Cursor {
public:
    explicit Cursor(Bytes bytes) : left_(bytes) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t left() const { return left_.size(); }
    [[nodiscard]] Bytes rest() const { return left_; }

    /// The next `count` bytes, or nothing and void.
    Bytes take(std::size_t count)
    {
        if (count > left_.size()) {
            fail();
            return {};
        }
        const Bytes taken = left_.first(count);
        left_ = left_.subspan(count);
        return taken;
    }
    /// The next `count` bytes or as many as there are: for lengths that a short capture may have cut.
    Bytes take_at_most(std::size_t count) { return take(count < left_.size() ? count : left_.size()); }
    void skip(std::size_t count) { (void)take(count); }

    /// Network byte order.
    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u24() { return static_cast<std::uint32_t>(number(3)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }

    void fail()
    {
        ok_ = false;
        left_ = {};
    }

private:
    std::uint64_t number(std::size_t count)
    {
        std::uint64_t value = 0;
        for (const std::uint8_t octet : take(count))
            value = value << 8U | octet;
        return value;
    }

    Bytes left_;
    bool ok_ = true;
};

/// Big-endian numbers at a place that the caller has checked to be within `bytes`.
[[nodiscard]] inline std::uint16_t u16_at(Bytes bytes, std::size_t at)
{
    return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}
[[nodiscard]] inline std::uint32_t u32_at(Bytes bytes, std::size_t at)
{
    return static_cast<std::uint32_t>(bytes[at]) << 24U | static_cast<std::uint32_t>(bytes[at + 1]) << 16U |
           static_cast<std::uint32_t>(bytes[at + 2]) << 8U | bytes[at + 3];
}

}    // namespace dl::agent::dissect
