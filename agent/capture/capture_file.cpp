#include "agent/capture/capture_file.hpp"

#include "agent/capture/formats.hpp"
#include "agent/dissect/link.hpp"

#include <fmt/format.h>

namespace dl::agent::capture {

Failure truncated(const BufferedBytes& bytes)
{
    return invalid_input(
        fmt::format("{}: truncated at byte {} in the middle of a record; what came before it was read, get the whole "
                    "file for the rest",
                    bytes.name(), bytes.position()));
}

Failure unknown_link_type(const BufferedBytes& bytes, std::uint32_t link_type)
{
    return invalid_input(
        fmt::format("{}: link type {} ({}) is not known; capture on another interface or convert the file to Ethernet",
                    bytes.name(), link_type, dissect::link::name_of(link_type)));
}

Result<std::unique_ptr<PacketSource>> open_capture(std::unique_ptr<ByteSource> source, std::string name)
{
    BufferedBytes bytes(std::move(source), std::move(name));
    auto magic = bytes.peek(4);
    if (!magic) return magic.error();
    if (magic->size() == 4) {
        switch (u32_in(*magic, 0, ByteOrder::big)) {
            case 0xa1b2c3d4:
            case 0xd4c3b2a1:
            case 0xa1b23c4d:
            case 0x4d3cb2a1: return open_pcap(std::move(bytes));
            case 0x0a0d0d0a: return open_pcapng(std::move(bytes));
            default: break;
        }
    }
    return invalid_input(bytes.name() +
                         (magic->empty()
                              ? ": empty, neither pcap nor pcapng; record it again or name another file"
                              : ": neither pcap nor pcapng; name a capture file, plain or packed with gzip or zstd"));
}

Result<std::unique_ptr<PacketSource>> open_capture_file(const std::string& path)
{
    auto bytes = open_bytes(path);
    if (!bytes) return bytes.error();
    return open_capture(std::move(*bytes), path == "-" ? "standard input" : path);
}

Result<std::unique_ptr<PacketSource>> resume_capture_file(const std::string& path, std::uint64_t position)
{
    auto source = open_capture_file(path);
    if (!source) return source;
    Packet packet;
    while ((*source)->position() < position) {
        auto event = (*source)->next(packet);
        if (!event) return event.error();
        if (*event == Event::end) break;
    }
    return source;
}

}    // namespace dl::agent::capture
