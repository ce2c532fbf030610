#include "shared/wire/zstd_frame.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <memory>

namespace dl::wire {
namespace {

constexpr int level = 1;

struct FreeContext {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

}    // namespace

Result<std::string> compress_frame(std::string_view content)
{
    // One per thread: making a context costs more than compressing a usual report.
    thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context{ZSTD_createCCtx()};
    std::string frame(ZSTD_compressBound(content.size()), '\0');
    if (!context || ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1)))
        return Failure{Failure::Kind::internal, "zstd: could not be set up; check its library"};
    const std::size_t size = ZSTD_compress2(context.get(), frame.data(), frame.size(), content.data(), content.size());
    if (ZSTD_isError(size))
        return Failure{Failure::Kind::internal, fmt::format("zstd: {}; check its library", ZSTD_getErrorName(size))};
    frame.resize(size);
    return frame;
}

Result<std::string> decompress_frame(std::string_view frame, std::size_t limit)
{
    const std::size_t framed = ZSTD_findFrameCompressedSize(frame.data(), frame.size());
    if (ZSTD_isError(framed))
        return invalid_input(fmt::format("is no whole zstd frame ({}); was it cut?", ZSTD_getErrorName(framed)));
    if (framed != frame.size()) return invalid_input("more follows after the zstd frame; send exactly one");
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR)
        return invalid_input("the zstd frame does not declare its content size; declare it");
    if (size > limit)
        return invalid_input(fmt::format("unpacks to {} octets, more than {}; split the report", size, limit));

    thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context{ZSTD_createDCtx()};
    if (!context) return Failure{Failure::Kind::internal, "zstd: could not be set up; check its library"};
    std::string content(static_cast<std::size_t>(size), '\0');
    const std::size_t written =
        ZSTD_decompressDCtx(context.get(), content.data(), content.size(), frame.data(), frame.size());
    if (ZSTD_isError(written))
        return invalid_input(fmt::format("the zstd frame is broken ({}); send it again", ZSTD_getErrorName(written)));
    if (written != content.size()) return invalid_input("the zstd frame holds less than it declares; send it again");
    return content;
}

}    // namespace dl::wire
