#include "agent/dissect/fragments.hpp"

#include <algorithm>

namespace dl::agent::dissect {

Fragments::Place& Fragments::place_of(const ip::Packet& packet, Timestamp when)
{
    Place* victim = nullptr;
    for (Place& place : places_) {
        if (place.used && place.id == packet.fragment.id && place.protocol == packet.protocol &&
            place.source == packet.source && place.destination == packet.destination && when - place.started < patience)
            return place;
        if (victim == nullptr || (victim->used && (!place.used || place.started < victim->started))) victim = &place;
    }
    if (victim->used) ++given_up_;
    victim->used = true;
    victim->source = packet.source;
    victim->destination = packet.destination;
    victim->id = packet.fragment.id;
    victim->protocol = packet.protocol;
    victim->started = when;
    victim->total = 0;
    victim->received = 0;
    victim->captured = largest;
    victim->bytes.clear();
    victim->pieces.clear();
    return *victim;
}

bool Fragments::add(ip::Packet& packet, Timestamp when)
{
    Place& place = place_of(packet, when);
    const std::size_t begin = packet.fragment.offset;
    const std::size_t end = begin + packet.length;
    auto give_up = [&] {
        ++given_up_;
        place.used = false;
        return false;
    };
    if (end > largest || packet.length == 0) return give_up();
    if (place.total != 0 && (end > place.total || (!packet.fragment.more && end != place.total))) return give_up();
    for (const Piece& piece : place.pieces) {
        if (piece.offset == begin && piece.end == end) return false;    // a duplicate
        if (begin < piece.end && piece.offset < end) return give_up();
        if (!packet.fragment.more && piece.end > end) return give_up();
    }
    if (!packet.fragment.more) place.total = static_cast<std::uint32_t>(end);
    if (place.bytes.size() < end) place.bytes.resize(end);
    std::copy(packet.payload.begin(), packet.payload.end(), place.bytes.begin() + static_cast<std::ptrdiff_t>(begin));
    // Of a datagram of which the capture cut a piece, the octets up to there count as captured, and all as sent.
    if (packet.payload.size() < packet.length)
        place.captured = std::min(place.captured, static_cast<std::uint32_t>(begin + packet.payload.size()));
    place.pieces.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
    place.received += packet.length;
    if (place.total == 0 || place.received != place.total) return false;
    place.used = false;    // its bytes stay until the place is taken again
    packet.payload = Bytes(place.bytes).first(std::min(place.total, place.captured));
    packet.length = place.total;
    packet.fragment = {};
    return true;
}

}    // namespace dl::agent::dissect
