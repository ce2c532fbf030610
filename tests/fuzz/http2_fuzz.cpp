// HTTP/2 without TLS: frames up to the first request, header blocks and Huffman codes.
#include "agent/dissect/hpack.hpp"
#include "agent/dissect/http2.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::agent::dissect;
    const Bytes bytes(data, size);
    for (const bool at_end : {false, true}) {
        const auto finding = http2::look_at(bytes, at_end);
        if (finding.look == http2::Look::more && (finding.needed <= size || finding.needed > http2::most_octets))
            std::abort();
        if (at_end && finding.look == http2::Look::more) std::abort();
        if (finding.host.size() > hpack::longest_value) std::abort();
    }
    hpack::Reader reader(bytes);
    std::size_t fields = 0;
    while (const auto field = reader.next()) {
        if (++fields > size || field->value.size() > hpack::longest_value) std::abort();
    }
    std::string text;
    (void)hpack::decode_huffman(bytes, 100, text);
    if (text.size() > 100) std::abort();
    return 0;
}
