#include "agent/flow/dns_cache.hpp"

#include "agent/flow/hash.hpp"
#include "shared/base/id.hpp"

#include <algorithm>

namespace dl::agent::flow {

DnsCache::DnsCache(std::size_t entries) : entries_(std::max(entries / ways, std::size_t{1}) * ways)
{
    fill_random({reinterpret_cast<std::uint8_t*>(&seed_), sizeof seed_});
}

std::size_t DnsCache::bucket_of(const Address& client, const Address& address) const
{
    const std::uint64_t hash = hash_address(address, hash_address(client, seed_));
    return static_cast<std::size_t>(hash % (entries_.size() / ways)) * ways;
}

const DnsCache::Entry* DnsCache::entry_of(const Address& client, const Address& address) const
{
    const std::size_t bucket = bucket_of(client, address);
    for (std::size_t i = bucket; i < bucket + ways; ++i)
        if (entries_[i].count != 0 && entries_[i].address == address && entries_[i].client == client)
            return &entries_[i];
    return nullptr;
}

void DnsCache::add(const Address& client, const Address& address, std::string_view name, std::string_view canonical,
                   Timestamp when)
{
    const std::size_t bucket = bucket_of(client, address);
    Entry* entry = nullptr;
    for (std::size_t i = bucket; i < bucket + ways; ++i) {
        Entry& candidate = entries_[i];
        if (candidate.count != 0 && candidate.address == address && candidate.client == client) {
            entry = &candidate;
            break;
        }
        if (entry == nullptr || candidate.count == 0 || (entry->count != 0 && candidate.latest < entry->latest))
            entry = &candidate;
    }
    if (entry->count == 0 || entry->address != address || entry->client != client) {
        if (entry->count != 0) ++evictions_;
        entry->client = client;
        entry->address = address;
        entry->count = 0;
    }
    entry->latest = when;
    Named* slot = nullptr;
    for (std::size_t i = 0; i < entry->count; ++i) {
        Named& named = entry->names[i];
        if (named.name == name) {
            slot = &named;
            break;
        }
        if (slot == nullptr || named.when < slot->when) slot = &named;
    }
    if ((slot == nullptr || slot->name != name) && entry->count < names_per_address)
        slot = &entry->names[entry->count++];
    slot->name = name;
    slot->canonical = canonical;
    slot->when = when;
}

DnsCache::Match DnsCache::find(const Address& client, const Address& address, Timestamp when) const
{
    Match match;
    const Entry* entry = entry_of(client, address);
    if (entry == nullptr) return match;
    Timestamp latest{};
    unsigned candidates = 0;
    for (std::size_t i = 0; i < entry->count; ++i) {
        const Named& named = entry->names[i];
        if (when - named.when > memory) continue;
        ++candidates;
        if (candidates == 1 || named.when > latest) {
            latest = named.when;
            match.name = named.name;
            match.canonical = named.canonical;
        }
    }
    match.ambiguous = candidates > 1;
    return match;
}

std::string_view DnsCache::canonical_of(const Address& client, const Address& address, std::string_view name) const
{
    if (const Entry* entry = entry_of(client, address))
        for (std::size_t i = 0; i < entry->count; ++i)
            if (entry->names[i].name == name) return entry->names[i].canonical;
    return {};
}

bool DnsCache::contradicts(const Address& client, const Address& address, std::string_view name, Timestamp when) const
{
    const Entry* entry = entry_of(client, address);
    if (entry == nullptr) return false;
    bool told = false;
    for (std::size_t i = 0; i < entry->count; ++i) {
        if (when - entry->names[i].when > memory) continue;
        if (entry->names[i].name == name) return false;
        told = true;
    }
    return told;
}

}    // namespace dl::agent::flow
