// QUIC datagrams, and the frames within as if they had been decrypted; Google's client hello.
#include "agent/dissect/quic.hpp"
#include "agent/flow/names_in_quic.hpp"

#include "tests/unit/agent/quic_bytes.hpp"

#include <array>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::agent::dissect;
    static std::array<std::uint8_t, 65536> plain;
    const Bytes bytes(data, size < plain.size() ? size : plain.size());
    dl::agent::flow::Budget budget(1U << 20U);
    dl::agent::flow::KeyTrials trials;
    {
        (void)budget.take(dl::agent::flow::NamesInQuic::cost());
        dl::agent::flow::NamesInQuic names(budget, trials);
        (void)names.add(bytes, plain);
        (void)names.finish();
    }
    {
        // The same octets as what is sealed within: each datagram a choice of dialect and id, a length, frames.
        constexpr std::array<std::uint32_t, 8> versions{1,          0x6b3343cf, 0xff00001d, 0xff00001c,
                                                        0xff000016, 0x51303530, 0x54303530, 0x54303531};
        (void)budget.take(dl::agent::flow::NamesInQuic::cost());
        dl::agent::flow::NamesInQuic names(budget, trials);
        Cursor cursor(bytes);
        for (int datagrams = 0; cursor.left() > 2 && datagrams < 8; ++datagrams) {
            const std::uint8_t choice = cursor.u8();
            const Bytes frames = cursor.take_at_most(cursor.u8());
            const dl::agent::testing::Data datagram =
                dl::agent::testing::quic_initial(versions[choice & 7U], choice & 7U, {frames.begin(), frames.end()},
                                                 (choice & 8U) != 0 ? "otherid" : "someid");
            if (const auto hello = names.add(datagram, plain); hello && hello->server_name.size() > 65536) std::abort();
        }
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
