// ClientHellos, in records and bare.
#include "agent/dissect/tls.hpp"

#include <array>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::agent::dissect;
    static std::array<std::uint8_t, tls::largest_hello> scratch;
    const Bytes bytes(data, size);
    for (const bool at_end : {false, true}) {
        const auto in_records = tls::look_at_stream(bytes, scratch, at_end);
        if (at_end && in_records.look == tls::Look::more) std::abort();
        if (in_records.look == tls::Look::more && in_records.needed <= size) std::abort();
        const auto bare = tls::look_at_handshake(bytes, at_end);
        if (bare.look == tls::Look::more && bare.needed <= size) std::abort();
        std::size_t sum = 0;    // every octet of a view must be there
        for (const char c : in_records.hello.server_name)
            sum += static_cast<unsigned char>(c);
        for (const std::uint8_t c : bare.hello.protocols)
            sum += c;
        if (sum == SIZE_MAX) std::abort();
    }
    return 0;
}
