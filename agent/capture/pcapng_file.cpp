#include "agent/capture/capture_file.hpp"
#include "agent/capture/formats.hpp"
#include "agent/dissect/link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace dl::agent::capture {
namespace {

using Bytes = std::span<const std::uint8_t>;

enum Block : std::uint32_t {
    interface_description = 1,
    old_packet = 2,
    simple_packet = 3,
    enhanced_packet = 6,
    section_header = 0x0a0d0d0a,
};

struct Interface {
    std::uint32_t link_type = 0;
    std::uint32_t snap_length = 0;
    std::uint64_t units_per_second = 1'000'000;
    std::int64_t offset_seconds = 0;
};

constexpr std::size_t most_interfaces = 4096;
constexpr std::uint32_t longest_block = largest_packet + 65536;

/// if_tsresol: the power of ten, or with the high bit of two, that a unit is of a second.
std::uint64_t units_of(std::uint8_t resolution)
{
    const unsigned exponent = resolution & 0x7fU;
    if ((resolution & 0x80U) != 0) return exponent < 63 ? std::uint64_t{1} << exponent : 1'000'000;
    std::uint64_t units = 1;
    for (unsigned i = 0; i < exponent && i < 19; ++i)
        units *= 10;
    return units;
}

std::int64_t nanoseconds_of(std::uint64_t ticks, const Interface& interface)
{
    const std::uint64_t seconds = ticks / interface.units_per_second;
    const std::uint64_t fraction = ticks % interface.units_per_second;
    const auto nanoseconds = static_cast<std::uint64_t>(static_cast<long double>(fraction) * 1'000'000'000.0L /
                                                        static_cast<long double>(interface.units_per_second));
    constexpr std::uint64_t latest = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 / 4;
    if (seconds > latest || interface.offset_seconds > static_cast<std::int64_t>(latest) ||
        interface.offset_seconds < -static_cast<std::int64_t>(latest))
        return 0;
    return (static_cast<std::int64_t>(seconds) + interface.offset_seconds) * 1'000'000'000 +
           static_cast<std::int64_t>(nanoseconds);
}

class PcapngFile final : public PacketSource {
public:
    explicit PcapngFile(BufferedBytes bytes) : bytes_(std::move(bytes)) {}

    /// Block: type 32, total length 32, body, total length 32 again.
    Result<Event> next(Packet& packet) override
    {
        for (;;) {
            bytes_.advance(pending_);
            pending_ = 0;
            auto head = bytes_.peek(12);
            if (!head) return head.error();
            if (head->empty()) {
                if (statistics_.received == 0 && statistics_.unknown != 0) return unknown_link_type(bytes_, unknown_);
                return Event::end;
            }
            if (head->size() < 12) return truncated(bytes_);
            if (u32_in(*head, 0, ByteOrder::big) == section_header) {
                if (auto started = start_section(*head); !started) return started.error();
            }
            const std::uint32_t type = u32_in(*head, 0, order_);
            const std::uint32_t length = u32_in(*head, 4, order_);
            if (length < 12 || length % 4 != 0 || length > longest_block)
                return damaged(fmt::format("a block claims {} octets", length));
            auto block = bytes_.peek(length);
            if (!block) return block.error();
            if (block->size() < length) return truncated(bytes_);
            pending_ = length;
            auto taken = take(type, block->subspan(8, length - 12), packet);
            if (!taken) return taken.error();
            if (*taken) {
                ++statistics_.received;
                return Event::packet;
            }
        }
    }
    std::uint64_t position() const override { return bytes_.position() + pending_; }
    Statistics statistics() const override { return statistics_; }

private:
    Failure damaged(const std::string& what) const
    {
        return invalid_input(fmt::format("{}: {} at byte {}; the file is damaged, what came before it was read",
                                         bytes_.name(), what, bytes_.position()));
    }

    /// Byte-order magic 32 stands after the length; a new section forgets the interfaces of the last.
    Result<void> start_section(Bytes head)
    {
        const std::uint32_t magic = u32_in(head, 8, ByteOrder::big);
        if (magic == 0x1a2b3c4d)
            order_ = ByteOrder::big;
        else if (magic == 0x4d3c2b1a)
            order_ = ByteOrder::little;
        else
            return damaged("a section without byte-order magic");
        interfaces_.clear();
        return {};
    }

    /// True where the block held a packet.
    Result<bool> take(std::uint32_t type, Bytes body, Packet& packet)
    {
        switch (type) {
            case section_header: {    // byte-order magic 32, version 16 and 16
                if (body.size() < 16) return damaged("a section block without its fields");
                const unsigned major = u16_in(body, 4, order_);
                if (major != 1)
                    return invalid_input(
                        fmt::format("{}: is a pcapng of version {}, this program reads 1; convert it with "
                                    "editcap, or check whether it is damaged",
                                    bytes_.name(), major));
                return false;
            }
            case interface_description:
                if (auto added = add_interface(body); !added) return added.error();
                return false;
            case enhanced_packet: return take_enhanced(body, packet);
            case simple_packet: return take_simple(body, packet);
            case old_packet: return take_old(body, packet);
            default: return false;
        }
    }

    /// Link type 16, reserved 16, snap length 32, options of code 16, length 16, value padded to 4.
    Result<void> add_interface(Bytes body)
    {
        if (body.size() < 8) return damaged("an interface block without its fields");
        if (interfaces_.size() == most_interfaces) return damaged("more interfaces than can be");
        Interface interface;
        interface.link_type = u16_in(body, 0, order_);
        interface.snap_length = u32_in(body, 4, order_);
        for (Bytes options = body.subspan(8); options.size() >= 4;) {
            const std::uint16_t code = u16_in(options, 0, order_);
            const std::size_t length = u16_in(options, 2, order_);
            const std::size_t padded = (length + 3) & ~std::size_t{3};
            if (code == 0 || options.size() - 4 < padded) break;
            if (code == 9 && length == 1) interface.units_per_second = units_of(options[4]);
            if (code == 14 && length == 8) {
                const std::uint64_t low = u32_in(options, order_ == ByteOrder::little ? 4 : 8, order_);
                const std::uint64_t high = u32_in(options, order_ == ByteOrder::little ? 8 : 4, order_);
                interface.offset_seconds = static_cast<std::int64_t>(high << 32U | low);
            }
            options = options.subspan(4 + padded);
        }
        interfaces_.push_back(interface);
        return {};
    }

    Result<bool> fill(std::uint32_t interface, Bytes data, std::uint32_t captured, Packet& packet)
    {
        if (interface >= interfaces_.size())
            return damaged(fmt::format("a packet of interface {} that was not described", interface));
        if (captured > data.size()) return damaged("a packet longer than its block");
        if (!dissect::link::is_known(interfaces_[interface].link_type)) {
            if (statistics_.unknown++ == 0) unknown_ = interfaces_[interface].link_type;
            return false;
        }
        packet.interface = interface;
        packet.link_type = interfaces_[interface].link_type;
        packet.bytes = data.first(captured);
        return true;
    }

    /// Interface 32, time high 32 and low 32, captured 32, original 32, data.
    Result<bool> take_enhanced(Bytes body, Packet& packet)
    {
        if (body.size() < 20) return damaged("a packet block without its fields");
        const std::uint32_t interface = u32_in(body, 0, order_);
        auto filled = fill(interface, body.subspan(20), u32_in(body, 12, order_), packet);
        if (!filled || !*filled) return filled;
        set_time(body, interface, packet);
        packet.original_length = u32_in(body, 16, order_);
        return true;
    }

    /// Interface 16, drops 16, time high and low, captured, original, data.
    Result<bool> take_old(Bytes body, Packet& packet)
    {
        if (body.size() < 20) return damaged("a packet block without its fields");
        const std::uint32_t interface = u16_in(body, 0, order_);
        auto filled = fill(interface, body.subspan(20), u32_in(body, 12, order_), packet);
        if (!filled || !*filled) return filled;
        set_time(body, interface, packet);
        packet.original_length = u32_in(body, 16, order_);
        return true;
    }

    /// Original length 32, data up to the snap length; no time: that of the packet before.
    Result<bool> take_simple(Bytes body, Packet& packet)
    {
        if (body.size() < 4 || interfaces_.empty()) return damaged("a simple packet without an interface");
        const std::uint32_t original = u32_in(body, 0, order_);
        std::size_t captured = std::min<std::size_t>(original, body.size() - 4);
        if (interfaces_[0].snap_length != 0) captured = std::min<std::size_t>(captured, interfaces_[0].snap_length);
        auto filled = fill(0, body.subspan(4), static_cast<std::uint32_t>(captured), packet);
        if (!filled || !*filled) return filled;
        packet.time_ns = last_time_;
        packet.original_length = original;
        return true;
    }

    void set_time(Bytes body, std::uint32_t interface, Packet& packet)
    {
        const std::uint64_t ticks =
            static_cast<std::uint64_t>(u32_in(body, 4, order_)) << 32U | u32_in(body, 8, order_);
        packet.time_ns = nanoseconds_of(ticks, interfaces_[interface]);
        last_time_ = packet.time_ns;
    }

    BufferedBytes bytes_;
    ByteOrder order_ = ByteOrder::little;
    std::vector<Interface> interfaces_;
    std::int64_t last_time_ = 0;
    std::size_t pending_ = 0;
    std::uint32_t unknown_ = 0;    ///< the first link type that was not known
    Statistics statistics_;
};

}    // namespace

Result<std::unique_ptr<PacketSource>> open_pcapng(BufferedBytes bytes)
{
    std::unique_ptr<PacketSource> file = std::make_unique<PcapngFile>(std::move(bytes));
    return file;
}

}    // namespace dl::agent::capture
