#include "agent/dissect/http2.hpp"

#include "agent/dissect/hpack.hpp"
#include "agent/dissect/http1.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace dl::agent::dissect::http2 {
namespace {

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t frame_header = 9;
constexpr std::size_t largest_frame = 16384;    // of a peer that was not told of more
constexpr unsigned most_frames = 64;            // before the first request

enum Type : std::uint8_t { data = 0, headers = 1, push_promise = 5, continuation = 9 };
enum Flag : std::uint8_t { end_headers = 0x4, padded = 0x8, priority = 0x20 };

/// The header block within a HEADERS frame: pad length 8 where padded, dependency 32 and weight 8 where prioritised.
Bytes block_of(Bytes payload, std::uint8_t flags)
{
    Cursor cursor(payload);
    const std::size_t padding = (flags & padded) != 0 ? cursor.u8() : 0;
    if ((flags & priority) != 0) cursor.skip(5);
    const Bytes rest = cursor.rest();
    return rest.first(rest.size() - std::min(rest.size(), padding));
}

void read_block(Bytes block, Finding& finding)
{
    hpack::Reader reader(block);
    std::string host;
    while (auto field = reader.next()) {
        if (field->name == hpack::Name::method) finding.connect = field->value == "CONNECT";
        if (field->name == hpack::Name::authority && finding.host.empty())
            finding.host = http1::host_of_authority(field->value);
        if (field->name == hpack::Name::host && host.empty()) host = http1::host_of_authority(field->value);
    }
    if (finding.host.empty()) finding.host = std::move(host);
    finding.look = Look::request;
}

}    // namespace

/// Frames (RFC 9113 section 4.1): length 24, type 8, flags 8, stream 32, payload. Settings and the like come first.
Finding look_at(Bytes bytes, bool at_end)
{
    Finding finding;
    const std::size_t compared = std::min(bytes.size(), preface.size());
    if (!std::equal(preface.begin(), preface.begin() + static_cast<std::ptrdiff_t>(compared), bytes.begin()))
        return finding;
    const auto wait_for = [&](std::size_t octets) {
        finding.needed = octets;
        if (!at_end && octets <= most_octets) finding.look = Look::more;
        return finding;
    };
    if (compared < preface.size()) return wait_for(preface.size());

    std::vector<std::uint8_t> block;
    bool within = false;    // a header block that goes on
    std::size_t at = preface.size();
    for (unsigned frame = 0; frame < most_frames; ++frame) {
        const Bytes left = bytes.subspan(at);
        if (left.size() < frame_header) {
            if (within && at_end) break;
            return wait_for(at + frame_header);
        }
        const std::size_t length = std::size_t{left[0]} << 16U | u16_at(left, 1);
        const std::uint8_t type = left[3], flags = left[4];
        if (length > largest_frame || type == data || type == push_promise || within != (type == continuation)) break;
        const bool whole = left.size() - frame_header >= length;
        if (!whole && !at_end) return wait_for(at + frame_header + length);
        const Bytes payload = left.subspan(frame_header, std::min(length, left.size() - frame_header));
        if (type == headers || type == continuation) {
            const Bytes piece = type == headers ? block_of(payload, flags) : payload;
            block.insert(block.end(), piece.begin(), piece.end());
            within = true;
            if ((flags & end_headers) != 0) break;
        }
        if (!whole) break;
        at += frame_header + length;
    }
    if (within) read_block(block, finding);
    return finding;
}

}    // namespace dl::agent::dissect::http2
