#include "agent/service/capture_position.hpp"

#include "agent/capture/capture_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
#include <string_view>
#include <vector>

namespace dl::agent::service {
namespace {

constexpr std::size_t octets_of_a_packet = 96;      // link, IP and TCP headers with options
constexpr std::size_t octets_of_the_head = 4096;    // what agents before schema 4 knew a file by

void put(std::span<std::uint8_t> out, std::uint64_t value)
{
    for (std::uint8_t& octet : out) {
        octet = static_cast<std::uint8_t>(value);
        value >>= 8U;
    }
}

std::string_view mark(const ledger::FilePosition& position, std::size_t number)
{
    const std::string_view marks(position.marks);
    const std::size_t at = number * PacketMarks::mark_octets;
    return at < marks.size() ? marks.substr(at, PacketMarks::mark_octets) : std::string_view();
}

std::string_view last_mark(const ledger::FilePosition& position)
{
    return std::string_view(position.marks).substr(position.marks.size() - PacketMarks::mark_octets);
}

ledger::FilePosition new_position()
{
    ledger::FilePosition position;
    fill_random(position.file);
    return position;
}

Result<Digest> head_of(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    if (!in) return not_found(fmt::format("{}: can't be read; set capture_file to a capture", file.string()));
    std::array<char, octets_of_the_head> head{};
    in.read(head.data(), head.size());
    return sha256(std::string_view(head.data(), static_cast<std::size_t>(in.gcount())));
}

}    // namespace

void PacketMarks::add(const capture::Packet& packet)
{
    std::array<std::uint8_t, 20> head{};
    put(std::span(head).subspan(0, 8), static_cast<std::uint64_t>(packet.time_ns));
    put(std::span(head).subspan(8, 4), packet.link_type);
    put(std::span(head).subspan(12, 4), packet.original_length);
    put(std::span(head).subspan(16, 4), packet.bytes.size());
    digest_.add(head);
    digest_.add(packet.bytes.first(std::min(packet.bytes.size(), octets_of_a_packet)));
    if (std::has_single_bit(++packets_)) powers_ += last();
}

std::string PacketMarks::last() const
{
    const Digest digest = digest_.so_far();
    return {digest.begin(), digest.begin() + mark_octets};
}

Result<Recognised> recognise(std::span<const ledger::FilePosition> known, capture::PacketSource& capture)
{
    std::vector<const ledger::FilePosition*> possible;
    for (const ledger::FilePosition& position : known)
        if (position.packets > 0 && position.marks.size() >= PacketMarks::mark_octets) possible.push_back(&position);
    const ledger::FilePosition* found = nullptr;    // the longest that the file begins with
    PacketMarks marks;
    capture::Packet packet;
    bool ended = false;
    while (!possible.empty()) {
        const auto event = capture.next(packet);
        ended = !event || *event == capture::Event::end;    // why it failed is told when it is read
        if (ended) break;
        if (*event != capture::Event::packet) continue;
        marks.add(packet);
        const std::uint64_t count = marks.packets();
        const bool power = std::has_single_bit(count);
        const std::string now = power || std::any_of(possible.begin(), possible.end(),
                                                     [&](const auto* one) { return one->packets == count; })
                                    ? marks.last()
                                    : std::string();
        std::erase_if(possible, [&](const ledger::FilePosition* one) {
            if (one->packets == count) {
                if (last_mark(*one) == now) found = one;
                return true;
            }
            return power && mark(*one, static_cast<std::size_t>(std::bit_width(count)) - 1) != now;
        });
    }
    if (!found) {
        if (ended && marks.packets() > 0)
            return conflict(fmt::format(
                "the capture ends after packet {}, but {} of a capture that begins alike were booked before; give the "
                "file as it was",
                marks.packets(), possible.front()->packets));
        return Recognised{new_position(), false};
    }
    // Whether there is more than what was booked to its end.
    while (!ended && marks.packets() == found->packets) {
        const auto event = capture.next(packet);
        if (event && *event == capture::Event::idle) continue;
        ended = !event || *event == capture::Event::end;
        break;
    }
    const bool at_its_end =
        ended && marks.packets() == found->packets && !found->ends.empty() && found->ends.back() == found->packets;
    return Recognised{*found, at_its_end};
}

Result<Recognised> recognise_file(const std::filesystem::path& file, ledger::Ledger& ledger)
{
    const auto known = ledger.positions();
    if (!known) return known.error();
    if (known->empty()) return Recognised{new_position(), false};
    auto capture = capture::open_capture_file(file.string());
    if (!capture) return capture.error();
    auto recognised = recognise(*known, **capture);
    if (!recognised || recognised->position.packets > 0) return recognised;
    const auto head = head_of(file);
    if (!head) return head.error();
    for (const ledger::FilePosition& position : *known)
        if (position.marks.empty() && position.file == *head) return Recognised{position, false};
    return recognised;
}

}    // namespace dl::agent::service
