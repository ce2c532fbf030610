#include "agent/flow/dns_cache.hpp"

#include "agent/flow/hash.hpp"
#include "shared/base/id.hpp"

#include <algorithm>

namespace dl::agent::flow {

DnsCache::DnsCache(std::size_t entries) : buckets_(std::max(entries / ways, std::size_t{1}))
{
    fill_random({reinterpret_cast<std::uint8_t*>(&seed_), sizeof seed_});
}

std::size_t DnsCache::bucket_of(const Address& client, const Address& address) const
{
    const std::uint64_t hash = hash_address(address, hash_address(client, seed_));
    return static_cast<std::size_t>(hash % buckets_.size());
}

const DnsCache::Entry* DnsCache::entry_of(const Address& client, const Address& address) const
{
    for (const Address& told : {client, Address{}}) {
        const Bucket* bucket = buckets_[bucket_of(told, address)].get();
        if (bucket == nullptr) continue;
        for (const Entry& entry : *bucket)
            if (!entry.names.empty() && entry.address == address && entry.client == told) return &entry;
    }
    return nullptr;
}

/// An address of the other family than the client's is entered under no client.
void DnsCache::add(const Address& client, const Address& address, std::string_view name, std::string_view canonical,
                   Timestamp when, std::chrono::seconds ttl)
{
    const Timestamp until = when + std::clamp<std::chrono::seconds>(ttl, shortest_life, memory);
    const bool mixed = client.family != address.family;
    add_to(mixed ? Address{} : client, address, name, canonical, when, until);
}

void DnsCache::add_to(const Address& client, const Address& address, std::string_view name, std::string_view canonical,
                      Timestamp when, Timestamp until)
{
    auto& bucket = buckets_[bucket_of(client, address)];
    if (!bucket) bucket = std::make_unique<Bucket>();
    Entry* entry = nullptr;
    for (Entry& candidate : *bucket) {
        if (!candidate.names.empty() && candidate.address == address && candidate.client == client) {
            entry = &candidate;
            break;
        }
        if (entry == nullptr || candidate.names.empty() || (!entry->names.empty() && candidate.latest < entry->latest))
            entry = &candidate;
    }
    if (entry->names.empty() || entry->address != address || entry->client != client) {
        if (!entry->names.empty()) ++evictions_;
        entry->client = client;
        entry->address = address;
        entry->names.clear();
        entry->forgot = false;
    }
    entry->latest = when;
    Named* slot = nullptr;
    for (Named& named : entry->names) {
        if (named.name == name) {
            slot = &named;
            break;
        }
        if (slot == nullptr || named.when < slot->when) slot = &named;
    }
    if (slot == nullptr || slot->name != name) {
        if (entry->names.size() < names_per_address)
            slot = &entry->names.emplace_back();
        else
            entry->forgot = true;
    }
    slot->name = name;
    slot->canonical = canonical;
    slot->when = when;
    slot->until = until;
}

void DnsCache::forget_all()
{
    for (auto& bucket : buckets_)
        bucket.reset();
}

void DnsCache::clock_set_back(Timestamp now)
{
    for (const auto& bucket : buckets_) {
        if (!bucket) continue;
        for (Entry& entry : *bucket) {
            entry.latest = std::min(entry.latest, now);
            for (Named& named : entry.names) {
                if (named.when <= now) continue;
                named.until = now + (named.until - named.when);
                named.when = now;
            }
        }
    }
}

DnsCache::Match DnsCache::match_in(const Entry& entry, Timestamp when)
{
    Match match;
    bool alive = false;
    Timestamp latest{};
    for (const Named& named : entry.names) {
        if (when - named.when > memory) continue;
        const bool lives = when <= named.until;
        if (alive && !lives) continue;
        const bool first = match.name.empty() || (lives && !alive);
        match.ambiguous = !first;
        alive = lives;
        if (!first && named.when <= latest) continue;
        latest = named.when;
        match.name = named.name;
        match.canonical = named.canonical;
    }
    return match;
}

DnsCache::Match DnsCache::find(const Address& client, const Address& address, Timestamp when) const
{
    const Entry* entry = entry_of(client, address);
    return entry == nullptr ? Match{} : match_in(*entry, when);
}

std::string_view DnsCache::canonical_of(const Address& client, const Address& address, std::string_view name) const
{
    if (const Entry* entry = entry_of(client, address))
        for (const Named& named : entry->names)
            if (named.name == name) return named.canonical;
    return {};
}

bool DnsCache::contradicts(const Address& client, const Address& address, std::string_view name, Timestamp when) const
{
    const Entry* entry = entry_of(client, address);
    if (entry == nullptr || entry->forgot) return false;
    bool told = false;
    for (const Named& named : entry->names) {
        if (when - named.when > memory) continue;
        if (named.name == name) return false;
        told = true;
    }
    return told;
}

}    // namespace dl::agent::flow
