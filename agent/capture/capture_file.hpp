// Capture files: pcap (draft-ietf-opsawg-pcap; microseconds and nanoseconds, either byte order) and pcapng
// (draft-ietf-opsawg-pcapng; several sections and interfaces, if_tsresol, EPB, SPB, PB), plain or packed, or a stream.
#pragma once

#include "agent/capture/byte_stream.hpp"
#include "agent/capture/packet_source.hpp"

#include <memory>
#include <string>

namespace dl::agent::capture {

/// The largest packet that a file may hold; a record that claims more is garbage.
inline constexpr std::uint32_t largest_packet = 16U * 1024 * 1024;

/// `path` or "-". Failures name the path: not found, "neither pcap nor pcapng", an unknown link type, and from next()
/// "truncated at byte N". Packets of an unknown link type among others are left out and counted.
[[nodiscard]] Result<std::unique_ptr<PacketSource>> open_capture_file(const std::string& path);
/// Goes on after the packet at whose end `position` stands, as position() told.
[[nodiscard]] Result<std::unique_ptr<PacketSource>> resume_capture_file(const std::string& path,
                                                                        std::uint64_t position);
/// From any bytes; `name` is for messages.
[[nodiscard]] Result<std::unique_ptr<PacketSource>> open_capture(std::unique_ptr<ByteSource> bytes, std::string name);

}    // namespace dl::agent::capture
