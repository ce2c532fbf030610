// QUIC datagrams, and the frames within as if they had been decrypted; Google's client hello.
#include "agent/dissect/quic.hpp"
#include "agent/flow/names_in_quic.hpp"

#include <array>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::agent::dissect;
    static std::array<std::uint8_t, 65536> plain;
    const Bytes bytes(data, size < plain.size() ? size : plain.size());
    dl::agent::flow::Budget budget(1U << 20U);
    {
        dl::agent::flow::NamesInQuic names(budget);
        (void)names.add(bytes, plain);
        (void)names.finish();
    }
    for (Bytes left = bytes; !left.empty();)
        if (!quic::next_packet(left)) break;
    Cursor frames(bytes);
    while (const auto crypto = quic::next_crypto(frames))
        if (crypto->data.size() > bytes.size()) std::abort();
    if (quic::gquic_server_name(bytes).size() > bytes.size()) std::abort();
    return 0;
}
