// HTTP/1 request heads and chunked bodies.
#include "agent/dissect/http1.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::agent::dissect;
    const Bytes bytes(data, size);
    for (const bool at_end : {false, true}) {
        const auto finding = http1::look_at(bytes, at_end);
        if (finding.look == http1::Look::request && (finding.length == 0 || finding.length > size)) std::abort();
        if (at_end && finding.look == http1::Look::more && finding.request.host.size() > size) std::abort();
    }
    http1::ChunkedBody whole;
    const std::size_t used = whole.consume(bytes);
    http1::ChunkedBody pieces;    // the same octet by octet
    std::size_t used_in_pieces = 0;
    for (std::size_t at = 0; at < size && !pieces.done() && !pieces.broken(); ++at)
        used_in_pieces += pieces.consume(bytes.subspan(at, 1));
    if (whole.done() != pieces.done() || whole.broken() != pieces.broken()) std::abort();
    if (whole.done() && used != used_in_pieces) std::abort();
    return 0;
}
