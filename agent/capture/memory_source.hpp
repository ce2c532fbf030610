// Packets from memory: for tests, which need neither a file nor privileges.
#pragma once

#include "agent/capture/packet_source.hpp"

#include <vector>

namespace dl::agent::capture {

class MemorySource final : public PacketSource {
public:
    struct Recorded {
        std::int64_t time_ns = 0;
        std::uint32_t link_type = 1;
        std::vector<std::uint8_t> bytes;
    };
    explicit MemorySource(std::vector<Recorded> packets) : packets_(std::move(packets)) {}

    Result<Event> next(Packet& packet) override
    {
        if (next_ == packets_.size()) return Event::end;
        const Recorded& recorded = packets_[next_++];
        packet.time_ns = recorded.time_ns;
        packet.link_type = recorded.link_type;
        packet.original_length = static_cast<std::uint32_t>(recorded.bytes.size());
        packet.bytes = recorded.bytes;
        return Event::packet;
    }
    std::uint64_t position() const override { return next_; }
    Statistics statistics() const override { return {next_, 0}; }

private:
    std::vector<Recorded> packets_;
    std::size_t next_ = 0;
};

}    // namespace dl::agent::capture
