// Packets of a packet socket through a ring that the kernel fills and this process reads: TPACKET_V3
// (Documentation/networking/packet_mmap.rst). No system call and no copy for a packet, one wake-up for a block of them.
#pragma once

#include "agent/capture/packet_socket.hpp"
#include "shared/base/failure.hpp"

#include <linux/if_packet.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace dl::agent::capture {

class PacketRing {
public:
    struct Frame {
        std::int64_t time_ns = 0;
        std::uint32_t original_length = 0;
        std::span<std::uint8_t> bytes;         ///< may be written to; so may the 16 octets before it
        const sockaddr_ll* about = nullptr;    ///< direction, protocol, kind of interface
    };
    struct Counts {
        std::uint64_t received = 0;
        std::uint64_t dropped = 0;
    };

    /// `octets` is rounded up to whole blocks. A block comes when it is full, or `patience` after its first packet.
    [[nodiscard]] static Result<PacketRing> open(OwnedDescriptor socket, std::size_t octets,
                                                 std::chrono::milliseconds patience);
    PacketRing(PacketRing&& other) noexcept;
    PacketRing& operator=(PacketRing&&) = delete;
    ~PacketRing();

    /// False: there is none now. What an earlier call gave is over.
    [[nodiscard]] bool next(Frame& frame);
    /// Waits for a block; false where none came in time or the interface went away.
    bool wait(std::chrono::milliseconds patience);
    /// Since the start.
    [[nodiscard]] Counts counts();
    [[nodiscard]] int socket() const { return socket_.get(); }

private:
    PacketRing(OwnedDescriptor socket, std::span<std::uint8_t> memory) : socket_(std::move(socket)), memory_(memory) {}
    [[nodiscard]] tpacket_block_desc& block() const;
    void give_back();

    OwnedDescriptor socket_;
    std::span<std::uint8_t> memory_;
    std::size_t at_block_ = 0;
    const std::uint8_t* next_frame_ = nullptr;    ///< within the block that is being read; null: none is
    std::uint32_t frames_left_ = 0;
    Counts counts_;
};

}    // namespace dl::agent::capture
