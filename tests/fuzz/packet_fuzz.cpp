// Frames of every link type: link layer, IP, fragments, tunnels, TCP, UDP. The first two octets choose the link type;
// the rest is cut into frames of at most 255 octets, each with its length before it, so that fragments meet.
#include "agent/dissect/link.hpp"
#include "agent/dissect/packet.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::agent::dissect;
    if (size < 2) return 0;
    const std::uint32_t link_type = u16_at({data, size}, 0) % 512U;
    PacketDissector dissector;
    Cursor cursor(Bytes(data, size).subspan(2));
    for (int second = 0; cursor.left() > 0; ++second) {
        const Bytes frame = cursor.take_at_most(cursor.u8());
        const auto segment = dissector.dissect(link_type, frame, dl::Timestamp{std::chrono::seconds(second)});
        if (segment && segment->length < segment->payload.size()) std::abort();
    }
    (void)dissector.dissect(link_type, Bytes(data, size).subspan(2), {});
    return 0;
}
