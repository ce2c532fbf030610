#include "agent/capture/packet_ring.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace dl::agent::capture {
namespace {

constexpr std::size_t block_octets = 128UL * 1024;    // holds any packet that the filters keep
constexpr std::size_t frame_octets = 2048;            // only a number that must divide the block: frames are packed

}    // namespace

Result<PacketRing> PacketRing::open(OwnedDescriptor socket, std::size_t octets, std::chrono::milliseconds patience)
{
    const int version = TPACKET_V3;
    if (::setsockopt(socket.get(), SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0)
        return unavailable(fmt::format("the kernel has no TPACKET_V3: {}; Linux 3.2 is needed", std::strerror(errno)));
    tpacket_req3 wanted{};
    wanted.tp_block_size = block_octets;
    wanted.tp_block_nr = static_cast<unsigned>(std::max<std::size_t>(4, (octets + block_octets - 1) / block_octets));
    wanted.tp_frame_size = frame_octets;
    wanted.tp_frame_nr = wanted.tp_block_nr * (block_octets / frame_octets);
    wanted.tp_retire_blk_tov = static_cast<unsigned>(patience.count());
    if (::setsockopt(socket.get(), SOL_PACKET, PACKET_RX_RING, &wanted, sizeof wanted) != 0)
        return unavailable(fmt::format("no ring of {} KiB for packets: {}; free memory",
                                       wanted.tp_block_nr * (block_octets >> 10U), std::strerror(errno)));
    const std::size_t size = std::size_t{wanted.tp_block_nr} * block_octets;
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, socket.get(), 0);
    if (memory == MAP_FAILED)
        return unavailable(fmt::format("the ring for packets can't be mapped: {}; free memory", std::strerror(errno)));
    return PacketRing(std::move(socket), {static_cast<std::uint8_t*>(memory), size});
}

PacketRing::PacketRing(PacketRing&& other) noexcept
    : socket_(std::move(other.socket_)),
      memory_(std::exchange(other.memory_, {})),
      at_block_(other.at_block_),
      next_frame_(other.next_frame_),
      frames_left_(other.frames_left_),
      counts_(other.counts_)
{}

PacketRing::~PacketRing()
{
    if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

tpacket_block_desc& PacketRing::block() const
{
    return *reinterpret_cast<tpacket_block_desc*>(memory_.data() + at_block_ * block_octets);
}

void PacketRing::give_back()
{
    std::atomic_ref(block().hdr.bh1.block_status).store(TP_STATUS_KERNEL, std::memory_order_release);
    next_frame_ = nullptr;
    at_block_ = (at_block_ + 1) % (memory_.size() / block_octets);
}

bool PacketRing::next(Frame& frame)
{
    if (next_frame_ != nullptr && frames_left_ == 0) give_back();
    while (next_frame_ == nullptr) {
        auto& head = block().hdr.bh1;
        const auto status = std::atomic_ref(head.block_status).load(std::memory_order_acquire);
        if ((status & TP_STATUS_USER) == 0) return false;
        next_frame_ = reinterpret_cast<const std::uint8_t*>(&block()) + head.offset_to_first_pkt;
        frames_left_ = head.num_pkts;
        if (frames_left_ == 0) give_back();
    }
    auto* start = const_cast<std::uint8_t*>(next_frame_);    // the ring is ours to write
    const auto& head = *reinterpret_cast<const tpacket3_hdr*>(start);
    frame.time_ns = std::int64_t{head.tp_sec} * 1'000'000'000 + head.tp_nsec;
    frame.original_length = head.tp_len;
    frame.bytes = {start + head.tp_mac, head.tp_snaplen};
    frame.about = reinterpret_cast<const sockaddr_ll*>(start + TPACKET_ALIGN(sizeof(tpacket3_hdr)));
    --frames_left_;
    next_frame_ = start + head.tp_next_offset;
    return true;
}

bool PacketRing::wait(std::chrono::milliseconds patience)
{
    pollfd waiting{socket_.get(), POLLIN | POLLERR, 0};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return false;
    if ((waiting.revents & POLLERR) != 0) {
        // The interface went down; the error is told once and must be taken, or every wait ends at once.
        int why = 0;
        socklen_t size = sizeof why;
        ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &why, &size);
    }
    return (waiting.revents & POLLIN) != 0;
}

PacketRing::Counts PacketRing::counts()
{
    tpacket_stats_v3 now{};    // since it was asked last; tp_packets counts the dropped too
    socklen_t size = sizeof now;
    if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &now, &size) == 0) {
        counts_.received += now.tp_packets;
        counts_.dropped += now.tp_drops;
    }
    return counts_;
}

}    // namespace dl::agent::capture
