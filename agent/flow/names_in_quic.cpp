#include "agent/flow/names_in_quic.hpp"

#include <algorithm>

namespace dl::agent::flow {

using dissect::Bytes;
namespace quic = dissect::quic;

bool NamesInQuic::try_keys(const quic::LongPacket& packet, std::size_t dialect, std::span<std::uint8_t> plain,
                           std::optional<Bytes>& frames)
{
    quic::InitialKeys keys;
    if (!quic::derive_client_keys(dialect, packet.destination_id, keys)) return false;
    frames = quic::open_initial(packet, keys, plain);
    if (!frames) return false;
    keys_ = keys;
    return true;
}

/// The keys of the first packet hold until a Retry changes the id they come from (RFC 9001 section 5.2).
std::optional<Bytes> NamesInQuic::open(const quic::LongPacket& packet, std::span<std::uint8_t> plain)
{
    std::optional<Bytes> frames;
    if (opened_) {
        frames = quic::open_initial(packet, keys_, plain);
        if (frames) return frames;
    }
    if (const auto dialect = quic::dialect_of(packet.version)) {
        (void)try_keys(packet, *dialect, plain, frames);
    } else {
        for (std::size_t each = 0; each < quic::dialect_count(); ++each)
            if (try_keys(packet, each, plain, frames)) break;
    }
    return frames;
}

void NamesInQuic::add_crypto(std::uint64_t offset, Bytes data)
{
    if (data.empty() || offset > most_crypto || data.size() > most_crypto - offset || ranges_.size() > 128) return;
    const auto begin = static_cast<std::size_t>(offset);
    const std::size_t end = begin + data.size();
    if (end > crypto_.size()) {
        if (!budget_->take(end - crypto_.size())) return;
        crypto_.resize(end);
    }
    std::copy(data.begin(), data.end(), crypto_.begin() + static_cast<std::ptrdiff_t>(begin));
    Range merged{begin, end};
    std::erase_if(ranges_, [&](const Range& range) {
        if (range.end < merged.begin || range.begin > merged.end) return false;
        merged = {std::min(range.begin, merged.begin), std::max(range.end, merged.end)};
        return true;
    });
    ranges_.insert(std::upper_bound(ranges_.begin(), ranges_.end(), merged.begin,
                                    [](std::size_t at, const Range& range) { return at < range.begin; }),
                   merged);
}

std::size_t NamesInQuic::ready() const
{
    return !ranges_.empty() && ranges_.front().begin == 0 ? ranges_.front().end : 0;
}

std::optional<dissect::tls::ClientHello> NamesInQuic::add(Bytes datagram, std::span<std::uint8_t> plain)
{
    ++datagrams_;
    const std::size_t before = ready();
    for (int packets = 0; packets < 8 && !datagram.empty(); ++packets) {
        const auto packet = quic::next_packet(datagram);
        if (!packet) break;
        if (packet->kind != quic::LongPacket::Kind::initial) continue;
        const auto frames = open(*packet, plain);
        if (!frames) continue;
        opened_ = true;
        dissect::Cursor cursor(*frames);
        while (const auto crypto = quic::next_crypto(cursor))
            add_crypto(crypto->offset, crypto->data);
    }
    if (ready() == before) return std::nullopt;
    const auto finding = dissect::tls::look_at_handshake(Bytes(crypto_).first(ready()), false);
    if (finding.look == dissect::tls::Look::client_hello) return finding.hello;
    return std::nullopt;
}

std::optional<dissect::tls::ClientHello> NamesInQuic::finish()
{
    const auto finding = dissect::tls::look_at_handshake(Bytes(crypto_).first(ready()), true);
    if (finding.look == dissect::tls::Look::client_hello) return finding.hello;
    return std::nullopt;
}

}    // namespace dl::agent::flow
