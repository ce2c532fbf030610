#include "agent/flow/copies.hpp"

#include "agent/flow/hash.hpp"

#include <algorithm>

namespace dl::agent::flow {
namespace {

constexpr std::size_t longest_sample = 64;

/// What translation leaves as it was: the destination, and of TCP the initial sequence number, of UDP the payload.
std::uint64_t fingerprint(const dissect::Segment& segment, std::uint64_t seed)
{
    std::uint64_t hash = hash_address(segment.destination.address, seed + segment.destination.port);
    hash = mix(hash + segment.length + static_cast<std::uint64_t>(segment.transport) * 65536U);
    if (segment.transport == Transport::tcp) return mix(hash + segment.sequence);
    return hash_bytes(segment.payload.first(std::min(segment.payload.size(), longest_sample)), hash);
}

}    // namespace

bool Copies::is_copy(const dissect::Segment& first, std::uint32_t interface, Timestamp when)
{
    const bool can_tell = first.transport == Transport::tcp ? first.has(dissect::Segment::syn) : !first.payload.empty();
    if (!can_tell) return false;
    if (recent_.empty()) recent_.resize(places);
    const std::uint64_t hash = fingerprint(first, seed_);
    Place& place = recent_[hash % places];
    if (place.hash == hash && place.interface != interface && place.source != first.source &&
        when - place.when < at_once)
        return true;
    place = {hash, interface, first.source, when};
    return false;
}

}    // namespace dl::agent::flow
