#include "agent/capture/capture_file.hpp"
#include "agent/capture/formats.hpp"
#include "agent/dissect/link.hpp"

#include <fmt/format.h>

namespace dl::agent::capture {
namespace {

constexpr std::size_t file_header = 24;
constexpr std::size_t record_header = 16;

/// Which of a record's two lengths comes first.
enum class Lengths { captured_first, doubtful, swapped };

class PcapFile final : public PacketSource {
public:
    PcapFile(BufferedBytes bytes, ByteOrder order, bool nanoseconds, std::uint32_t link_type, Lengths lengths)
        : bytes_(std::move(bytes)),
          order_(order),
          fraction_(nanoseconds ? 1 : 1000),
          link_type_(link_type),
          lengths_(lengths)
    {}

    /// Record: seconds 32, fraction 32, captured length 32, original length 32, data; until 2.2 the lengths stand the
    /// other way round, in 2.3 some programs wrote them so.
    Result<Event> next(Packet& packet) override
    {
        bytes_.advance(pending_);
        pending_ = 0;
        auto header = bytes_.peek(record_header);
        if (!header) return header.error();
        if (header->empty()) return Event::end;
        if (header->size() < record_header) return truncated(bytes_);
        std::uint32_t captured = u32_in(*header, 8, order_);
        packet.original_length = u32_in(*header, 12, order_);
        if (lengths_ == Lengths::swapped || (lengths_ == Lengths::doubtful && captured > packet.original_length))
            std::swap(captured, packet.original_length);
        packet.time_ns =
            u32_in(*header, 0, order_) * std::int64_t{1'000'000'000} + u32_in(*header, 4, order_) * fraction_;
        packet.link_type = link_type_;
        if (captured > largest_packet)
            return invalid_input(
                fmt::format("{}: record at byte {} claims {} octets; the file is damaged, what came before it was read",
                            bytes_.name(), bytes_.position(), captured));
        auto record = bytes_.peek(record_header + captured);
        if (!record) return record.error();
        if (record->size() < record_header + captured) return truncated(bytes_);
        packet.bytes = record->subspan(record_header);
        pending_ = record_header + captured;
        ++statistics_.received;
        return Event::packet;
    }
    std::uint64_t position() const override { return bytes_.position() + pending_; }
    Statistics statistics() const override { return statistics_; }

private:
    BufferedBytes bytes_;
    ByteOrder order_;
    std::int64_t fraction_;
    std::uint32_t link_type_;
    Lengths lengths_;
    std::size_t pending_ = 0;
    Statistics statistics_;
};

}    // namespace

/// Magic 32, version 16 and 16, reserved 64, snap length 32, FCS length and flag 6 bits, reserved, link type 16.
Result<std::unique_ptr<PacketSource>> open_pcap(BufferedBytes bytes)
{
    auto header = bytes.peek(file_header);
    if (!header) return header.error();
    if (header->size() < file_header) return truncated(bytes);
    const std::uint32_t magic = u32_in(*header, 0, ByteOrder::big);
    const ByteOrder order = magic == 0xa1b2c3d4 || magic == 0xa1b23c4d ? ByteOrder::big : ByteOrder::little;
    const bool nanoseconds = magic == 0xa1b23c4d || magic == 0x4d3cb2a1;
    const unsigned major = u16_in(*header, 4, order);
    const unsigned minor = u16_in(*header, 6, order);
    if (major != 2 || minor > 4)
        return invalid_input(
            fmt::format("{}: is a pcap of version {}.{}, this program reads 2.0 to 2.4; convert it with "
                        "editcap, or check whether it is damaged",
                        bytes.name(), major, minor));
    const Lengths lengths = minor < 3 ? Lengths::swapped : minor == 3 ? Lengths::doubtful : Lengths::captured_first;
    const std::uint32_t link_type = u32_in(*header, 20, order) & 0xffffU;
    if (!dissect::link::is_known(link_type)) return unknown_link_type(bytes, link_type);
    bytes.advance(file_header);
    std::unique_ptr<PacketSource> file =
        std::make_unique<PcapFile>(std::move(bytes), order, nanoseconds, link_type, lengths);
    return file;
}

}    // namespace dl::agent::capture
