// The columns decoder, over the input as a zstd frame and, so that the fuzzer reaches the CBOR, over the input framed.
#include "shared/wire/columns.hpp"
#include "shared/wire/json.hpp"
#include "shared/wire/zstd_frame.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::wire;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    (void)decode_columns(bytes);
    const dl::Result<Report> report = decode_columns(compress_frame(bytes).value());
    if (!report) {
        if (report.error().message.empty() || report.error().message.find('\n') != std::string::npos) std::abort();
        return 0;
    }
    if (decode_columns(encode_columns(*report).value()).value() != *report) std::abort();
    if (decode_json<Report>(encode_json(*report)).value() != *report) std::abort();
    return 0;
}
