// Capture files: pcap, pcapng, packed or plain.
#include "agent/capture/capture_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::agent::capture;
    auto source = open_capture(bytes_in_memory({data, size}), "fuzz");
    if (!source) return 0;
    Packet packet;
    for (int packets = 0; packets < 10000; ++packets) {
        const auto event = (*source)->next(packet);
        if (!event || *event == Event::end) break;
    }
    return 0;
}
