// The two file formats behind open_capture().
#pragma once

#include "agent/capture/byte_stream.hpp"
#include "agent/capture/packet_source.hpp"

#include <memory>

namespace dl::agent::capture {

[[nodiscard]] Result<std::unique_ptr<PacketSource>> open_pcap(BufferedBytes bytes);
[[nodiscard]] Result<std::unique_ptr<PacketSource>> open_pcapng(BufferedBytes bytes);

[[nodiscard]] Failure truncated(const BufferedBytes& bytes);
[[nodiscard]] Failure unknown_link_type(const BufferedBytes& bytes, std::uint32_t link_type);

/// Numbers in the byte order of the file.
enum class ByteOrder { little, big };
[[nodiscard]] inline std::uint32_t u32_in(std::span<const std::uint8_t> bytes, std::size_t at, ByteOrder order)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value = value << 8U | bytes[at + (order == ByteOrder::big ? i : 3 - i)];
    return value;
}
[[nodiscard]] inline std::uint16_t u16_in(std::span<const std::uint8_t> bytes, std::size_t at, ByteOrder order)
{
    return static_cast<std::uint16_t>(order == ByteOrder::big ? bytes[at] << 8U | bytes[at + 1]
                                                              : bytes[at + 1] << 8U | bytes[at]);
}

}    // namespace dl::agent::capture
