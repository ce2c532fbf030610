// Bytes of a file, a pipe, or what a gzip (RFC 1952) or zstd (RFC 8878) file unpacks to, through one buffer that
// records are looked at in place. The buffer grows only to the size of the record that is asked for. Files are read and
// not mapped: pages of a mapped file would count as this process's memory, and reading costs less than the floor
// already.
#pragma once

#include "shared/base/failure.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dl::agent::capture {

/// Delivers bytes in order.
class ByteSource {
public:
    virtual ~ByteSource() = default;
    /// Fills at most `out`; 0 at the end.
    [[nodiscard]] virtual Result<std::size_t> read(std::span<std::uint8_t> out) = 0;
};

class BufferedBytes {
public:
    static constexpr std::size_t usual_size = 256UL * 1024;

    BufferedBytes(std::unique_ptr<ByteSource> source, std::string name);

    /// Up to `count` bytes at the present place, fewer only at the end. Valid until the next call.
    [[nodiscard]] Result<std::span<const std::uint8_t>> peek(std::size_t count)
    {
        if (end_ - begin_ >= count) return std::span<const std::uint8_t>(buffer_).subspan(begin_, count);
        return fill_and_peek(count);
    }
    /// Steps over bytes that were peeked at.
    void advance(std::size_t count)
    {
        begin_ += count;
        position_ += count;
    }
    [[nodiscard]] std::uint64_t position() const { return position_; }
    [[nodiscard]] const std::string& name() const { return name_; }

private:
    Result<std::span<const std::uint8_t>> fill_and_peek(std::size_t count);

    std::unique_ptr<ByteSource> source_;
    std::string name_;
    std::vector<std::uint8_t> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::uint64_t position_ = 0;
    bool ended_ = false;
};

/// `path`, or standard input for "-"; gzip and zstd are noticed by their first bytes.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_bytes(const std::string& path);
/// Bytes in memory (tests, fuzzing), unpacked in the same way.
[[nodiscard]] std::unique_ptr<ByteSource> bytes_in_memory(std::span<const std::uint8_t> bytes);

}    // namespace dl::agent::capture
