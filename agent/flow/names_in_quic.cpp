#include "agent/flow/names_in_quic.hpp"

#include <algorithm>

namespace dl::agent::flow {

using dissect::Bytes;
namespace quic = dissect::quic;

namespace {

/// Opens the packet with keys that come from its own destination id; unknown versions are tried in every dialect.
std::optional<Bytes> open_first(const quic::LongPacket& packet, std::span<std::uint8_t> plain, quic::InitialKeys& keys)
{
    const auto named = quic::dialect_of(packet.version);
    const std::size_t first = named.value_or(0);
    const std::size_t last = named ? *named + 1 : quic::dialect_count();
    for (std::size_t dialect = first; dialect < last; ++dialect) {
        if (!quic::derive_client_keys(dialect, packet.destination_id, keys)) continue;
        if (auto frames = quic::open_initial(packet, keys, plain)) return frames;
    }
    return std::nullopt;
}

}    // namespace

NamesInQuic::~NamesInQuic()
{
    for (Handshake& handshake : handshakes_)
        forget(handshake);
    budget_->give_back(cost());
}

void NamesInQuic::forget(Handshake& handshake)
{
    budget_->give_back(handshake_overhead + handshake.crypto.capacity() + handshake.ranges.size() * range_overhead);
}

/// The keys of the first packet hold until a Retry changes the id they come from (RFC 9001 section 5.2).
NamesInQuic::Handshake* NamesInQuic::open(const quic::LongPacket& packet, std::span<std::uint8_t> plain, Bytes& frames,
                                          Room room)
{
    for (Handshake& handshake : handshakes_)
        if (const auto opened = quic::open_initial(packet, handshake.keys, plain)) {
            frames = *opened;
            return &handshake;
        }
    if (handshakes_.size() == most_handshakes && room == Room::leave) return nullptr;
    const bool known = quic::dialect_of(packet.version).has_value();
    if (!known && ++trials_ > most_trials) return nullptr;
    if (!key_trials_->take(known ? KeyTrials::Version::known : KeyTrials::Version::unknown)) return nullptr;
    quic::InitialKeys keys;
    const auto opened = open_first(packet, plain, keys);
    if (!opened) return nullptr;
    frames = *opened;
    if (handshakes_.size() == most_handshakes) {    // further connections on the same ports, the first of which is over
        forget(handshakes_.front());
        handshakes_.pop_front();
        datagrams_ = 0;
    }
    if (!budget_->take(handshake_overhead)) return nullptr;
    handshakes_.push_back({keys, {packet.destination_id.begin(), packet.destination_id.end()}, {}, {}});
    return &handshakes_.back();
}

void NamesInQuic::add_crypto(Handshake& handshake, std::uint64_t offset, Bytes data)
{
    auto& crypto = handshake.crypto;
    auto& ranges = handshake.ranges;
    if (data.empty() || offset > most_crypto || ranges.size() > 128) return;
    data = data.first(std::min<std::size_t>(data.size(), most_crypto - offset));
    const auto begin = static_cast<std::size_t>(offset);
    const std::size_t end = begin + data.size();
    std::size_t capacity = crypto.capacity();
    if (end > capacity) capacity = std::min(most_crypto, std::max(end, capacity + capacity / 2));
    if (!budget_->take(capacity - crypto.capacity() + range_overhead)) return;
    crypto.reserve(capacity);
    crypto.resize(std::max(end, crypto.size()));
    std::copy(data.begin(), data.end(), crypto.begin() + static_cast<std::ptrdiff_t>(begin));
    Range merged{begin, end};
    std::erase_if(ranges, [&](const Range& range) {
        if (range.end < merged.begin || range.begin > merged.end) return false;
        budget_->give_back(range_overhead);
        merged = {std::min(range.begin, merged.begin), std::max(range.end, merged.end)};
        return true;
    });
    ranges.insert(std::upper_bound(ranges.begin(), ranges.end(), merged.begin,
                                   [](std::size_t at, const Range& range) { return at < range.begin; }),
                  merged);
}

/// Q050 has Google's own client hello in its CRYPTO frames, all else has TLS's.
std::optional<dissect::tls::ClientHello> NamesInQuic::hello_in(const Handshake& handshake, bool at_end)
{
    const Bytes crypto = Bytes(handshake.crypto).first(handshake.ready());
    if (handshake.keys.google_frames && !crypto.empty() && crypto[0] == 'C') {
        dissect::tls::ClientHello hello;
        hello.server_name = quic::gquic_server_name(crypto);
        if (!hello.server_name.empty()) return hello;
    }
    const auto finding = dissect::tls::look_at_handshake(crypto, at_end);
    if (finding.look == dissect::tls::Look::client_hello) return finding.hello;
    return std::nullopt;
}

std::optional<dissect::tls::ClientHello> NamesInQuic::add(Bytes datagram, std::span<std::uint8_t> plain)
{
    Handshake* grown = nullptr;
    bool only_early_data = opened();    // of which a client may send any amount between its Initials
    for (int packets = 0; packets < 8 && !datagram.empty(); ++packets) {
        const auto packet = quic::next_packet(datagram);
        if (!packet) break;
        only_early_data = only_early_data && packet->kind == quic::LongPacket::Kind::zero_rtt;
        if (packet->kind != quic::LongPacket::Kind::initial) continue;
        Bytes frames;
        Handshake* handshake = open(*packet, plain, frames, grown == nullptr ? Room::make : Room::leave);
        if (handshake == nullptr) continue;
        const std::size_t before = handshake->ready();
        dissect::Cursor cursor(frames);
        while (const auto crypto = quic::next_crypto(cursor, handshake->keys.google_frames))
            add_crypto(*handshake, crypto->offset, crypto->data);
        if (handshake->ready() != before) grown = handshake;
    }
    if (!only_early_data) ++datagrams_;
    if (grown == nullptr) return std::nullopt;
    return hello_in(*grown, grown->ready() == most_crypto);
}

std::optional<dissect::tls::ClientHello> NamesInQuic::finish()
{
    for (const Handshake& handshake : handshakes_)
        if (const auto hello = hello_in(handshake, true)) return hello;
    return std::nullopt;
}

}    // namespace dl::agent::flow
