#include "agent/capture/byte_stream.hpp"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dl::agent::capture {
namespace {

class FileBytes final : public ByteSource {
public:
    FileBytes(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
    ~FileBytes() override { ::close(descriptor_); }
    FileBytes(const FileBytes&) = delete;
    FileBytes& operator=(const FileBytes&) = delete;

    Result<std::size_t> read(std::span<std::uint8_t> out) override
    {
        for (;;) {
            const ssize_t got = ::read(descriptor_, out.data(), out.size());
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR)
                return io_failure(fmt::format("{}: can't be read ({}); check the disk or copy the file", name_,
                                              std::strerror(errno)));
        }
    }

private:
    int descriptor_;
    std::string name_;
};

class MemoryBytes final : public ByteSource {
public:
    explicit MemoryBytes(std::span<const std::uint8_t> bytes) : left_(bytes) {}
    Result<std::size_t> read(std::span<std::uint8_t> out) override
    {
        const std::size_t count = std::min(out.size(), left_.size());
        std::copy_n(left_.begin(), count, out.begin());
        left_ = left_.subspan(count);
        return count;
    }

private:
    std::span<const std::uint8_t> left_;
};

/// Gives first what was looked at to find the format, then the rest.
class PrefixedBytes final : public ByteSource {
public:
    PrefixedBytes(std::vector<std::uint8_t> prefix, std::unique_ptr<ByteSource> rest)
        : prefix_(std::move(prefix)), rest_(std::move(rest))
    {}
    Result<std::size_t> read(std::span<std::uint8_t> out) override
    {
        if (at_ == prefix_.size()) return rest_->read(out);
        const std::size_t count = std::min(out.size(), prefix_.size() - at_);
        std::copy_n(prefix_.begin() + static_cast<std::ptrdiff_t>(at_), count, out.begin());
        at_ += count;
        return count;
    }

private:
    std::vector<std::uint8_t> prefix_;
    std::unique_ptr<ByteSource> rest_;
    std::size_t at_ = 0;
};

constexpr std::size_t packed_chunk = 64UL * 1024;
constexpr int most_window_log = 27;    // 128 MiB, what `zstd` itself takes without --long

Failure damaged(const std::string& name, const char* format, const char* why)
{
    return invalid_input(fmt::format(
        "{}: its {} data is damaged ({}); what came before it was read, get the file again", name, format, why));
}

class GzipBytes final : public ByteSource {
public:
    GzipBytes(std::unique_ptr<ByteSource> packed, std::string name)
        : packed_(std::move(packed)), name_(std::move(name)), input_(packed_chunk)
    {
        ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK;
    }
    ~GzipBytes() override { inflateEnd(&stream_); }
    GzipBytes(const GzipBytes&) = delete;
    GzipBytes& operator=(const GzipBytes&) = delete;

    /// A cut archive ends like a cut file: what came before it counts.
    Result<std::size_t> read(std::span<std::uint8_t> out) override
    {
        stream_.next_out = out.data();
        stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(out.size(), 1U << 30U));
        const auto wanted = stream_.avail_out;
        while (ready_ && stream_.avail_out == wanted) {
            if (stream_.avail_in == 0) {
                auto got = packed_->read(input_);
                if (!got) return got.error();
                if (*got == 0) break;
                stream_.next_in = input_.data();
                stream_.avail_in = static_cast<uInt>(*got);
            }
            const int state = inflate(&stream_, Z_NO_FLUSH);
            if (state == Z_STREAM_END) {
                ready_ = inflateReset(&stream_) == Z_OK;    // the next member, if any
                members_ = true;
            } else if (state != Z_OK) {
                ready_ = false;
                // What follows the last member and does not begin as one is padding, as gzip(1) sees it.
                if (members_ && stream_.total_in <= 2) break;
                broken_ = stream_.msg != nullptr ? stream_.msg : "not readable";
            }
        }
        if (stream_.avail_out == wanted && broken_ != nullptr) return damaged(name_, "gzip", broken_);
        return static_cast<std::size_t>(wanted - stream_.avail_out);
    }

private:
    std::unique_ptr<ByteSource> packed_;
    std::string name_;
    std::vector<std::uint8_t> input_;
    z_stream stream_{};
    bool ready_ = false;
    bool members_ = false;            ///< one was read to its end
    const char* broken_ = nullptr;    ///< told when all that came before it was taken
};

struct FreeZstd {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

class ZstdBytes final : public ByteSource {
public:
    ZstdBytes(std::unique_ptr<ByteSource> packed, std::string name)
        : packed_(std::move(packed)), name_(std::move(name)), input_(packed_chunk), context_(ZSTD_createDCtx())
    {
        ready_ = context_ != nullptr &&
                 ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, most_window_log)) == 0;
    }
    /// Frames one after the other, skippable ones among them; a cut one ends like a cut file.
    Result<std::size_t> read(std::span<std::uint8_t> out) override
    {
        ZSTD_outBuffer target{out.data(), out.size(), 0};
        while (ready_ && target.pos == 0) {
            if (chunk_.pos == chunk_.size) {
                auto got = packed_->read(input_);
                if (!got) return got.error();
                if (*got == 0) break;
                chunk_ = {input_.data(), *got, 0};
            }
            const std::size_t state = ZSTD_decompressStream(context_.get(), &target, &chunk_);
            if (ZSTD_isError(state) != 0) {
                ready_ = false;
                broken_ = state;
            }
        }
        if (target.pos == 0 && ZSTD_isError(broken_) != 0) return why_broken();
        return target.pos;
    }

private:
    [[nodiscard]] Failure why_broken() const
    {
        if (ZSTD_getErrorCode(broken_) == ZSTD_error_frameParameter_windowTooLarge)
            return invalid_input(fmt::format("{}: was packed with a window of more than {} MiB, which unpacking would "
                                             "need as memory; unpack it first (zstd -d --long=31) or pack it with a "
                                             "smaller --long",
                                             name_, 1U << (most_window_log - 20)));
        return damaged(name_, "zstd", ZSTD_getErrorName(broken_));
    }

    std::unique_ptr<ByteSource> packed_;
    std::string name_;
    std::vector<std::uint8_t> input_;
    std::unique_ptr<ZSTD_DCtx, FreeZstd> context_;
    ZSTD_inBuffer chunk_{nullptr, 0, 0};
    bool ready_ = false;
    std::size_t broken_ = 0;    ///< told when all that came before it was taken
};

Result<std::unique_ptr<ByteSource>> unpack(std::unique_ptr<ByteSource> source, std::string name)
{
    std::vector<std::uint8_t> magic(4);
    std::size_t have = 0;
    while (have < magic.size()) {
        auto got = source->read(std::span(magic).subspan(have));
        if (!got) return got.error();
        if (*got == 0) break;
        have += *got;
    }
    magic.resize(have);
    const bool gzip = have >= 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    // A frame, or a skippable one before it (RFC 8878 section 3.1.2), as parallel packers write them.
    const bool zstd =
        have == 4 && ((magic[0] == 0x28 && magic[1] == 0xb5 && magic[2] == 0x2f && magic[3] == 0xfd) ||
                      ((magic[0] & 0xf0U) == 0x50 && magic[1] == 0x2a && magic[2] == 0x4d && magic[3] == 0x18));
    std::unique_ptr<ByteSource> whole = std::make_unique<PrefixedBytes>(std::move(magic), std::move(source));
    if (gzip) whole = std::make_unique<GzipBytes>(std::move(whole), std::move(name));
    if (zstd) whole = std::make_unique<ZstdBytes>(std::move(whole), std::move(name));
    return whole;
}

}    // namespace

BufferedBytes::BufferedBytes(std::unique_ptr<ByteSource> source, std::string name)
    : source_(std::move(source)), name_(std::move(name)), buffer_(usual_size)
{}

Result<std::span<const std::uint8_t>> BufferedBytes::fill_and_peek(std::size_t count)
{
    if (begin_ != 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    while (end_ < count && !ended_) {
        // Grows as bytes come, so that a length that lies costs nothing.
        if (end_ == buffer_.size()) buffer_.resize(std::min(count, buffer_.size() * 2));
        auto got = source_->read(std::span(buffer_).subspan(end_));
        if (!got) return got.error();
        ended_ = *got == 0;
        end_ += *got;
    }
    return std::span<const std::uint8_t>(buffer_).first(std::min(end_, count));
}

Result<std::unique_ptr<ByteSource>> open_bytes(const std::string& path)
{
    if (path == "-")
        return unpack(std::make_unique<FileBytes>(::dup(STDIN_FILENO), "standard input"), "standard input");
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        const int reason = errno;
        const std::string message =
            fmt::format("{}: can't be opened ({}); check the path and its permissions", path, std::strerror(reason));
        return Failure{reason == ENOENT ? Failure::Kind::not_found : Failure::Kind::io, message};
    }
    struct stat status {};
    if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
        ::close(descriptor);
        return invalid_input(path + ": is a directory; name a capture file in it");
    }
    ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
    return unpack(std::make_unique<FileBytes>(descriptor, path), path);
}

std::unique_ptr<ByteSource> bytes_in_memory(std::span<const std::uint8_t> bytes)
{
    auto source = unpack(std::make_unique<MemoryBytes>(bytes), "the capture");
    return source ? std::move(*source) : nullptr;
}

}    // namespace dl::agent::capture
