// Where packets come from: a capture file or stream, a live interface, or a test's memory.
#pragma once

#include "shared/base/failure.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace dl::agent::capture {

struct Packet {
    std::int64_t time_ns = 0;               ///< since 1970-01-01 UTC
    std::uint32_t link_type = 0;            ///< LINKTYPE_ number
    std::uint32_t original_length = 0;      ///< octets on the wire
    std::span<const std::uint8_t> bytes;    ///< what was captured; valid until the next call
    std::uint32_t interface = 0;            ///< tells interfaces of one source apart where it has several
};

enum class Event {
    packet,    ///< `packet` is filled
    idle,      ///< nothing came within the waiting time: a chance to flush
    end,       ///< there are no more
};

struct Statistics {
    std::uint64_t received = 0;
    std::uint64_t dropped = 0;    ///< by the kernel or the interface
    std::uint64_t unknown = 0;    ///< left out of a file because their link type is not known
};

class PacketSource {
public:
    virtual ~PacketSource() = default;

    /// The next packet. A live source waits for at most its time-out and then answers idle. After a failure there is no
    /// further packet; those before it stand.
    [[nodiscard]] virtual Result<Event> next(Packet& packet) = 0;

    /// Octets of the (unpacked) file up to and including the last packet given: where reading can go on later. 0 for
    /// sources that have no such place.
    [[nodiscard]] virtual std::uint64_t position() const { return 0; }
    [[nodiscard]] virtual Statistics statistics() const { return {}; }
    /// A live source whose interface is not there now, so that nothing is heard; it is looked for.
    [[nodiscard]] virtual bool absent() const { return false; }
};

}    // namespace dl::agent::capture
