// Which names a client was lately told to have which address: so that a connection without a readable name finds the
// one that was asked for. Bounded; the oldest make room.
#pragma once

#include "shared/base/address.hpp"
#include "shared/base/time.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dl::agent::flow {

class DnsCache {
public:
    /// How long an answer may explain a connection: programs keep answers beyond their time to live. Answers that are
    /// still alive come before those that are not.
    static constexpr std::chrono::hours memory{1};
    static constexpr std::chrono::seconds shortest_life{60};
    static constexpr std::size_t names_per_address = 4;

    explicit DnsCache(std::size_t entries);

    /// `name` as it was asked for, `canonical` the last alias, empty where there was none; `ttl` the shortest of the
    /// records that led there.
    void add(const Address& client, const Address& address, std::string_view name, std::string_view canonical,
             Timestamp when, std::chrono::seconds ttl);

    /// What was told so far is believed no more.
    void forget_all();
    /// Answers of a time that is still to come are of now: else they would outlive all others.
    void clock_set_back(Timestamp now);

    struct Match {
        std::string_view name;    ///< the latest; empty: none
        std::string_view canonical;
        bool ambiguous = false;
    };
    /// A client that was told of the address over the other family of IP (a resolver's IPv4 address gives IPv6
    /// addresses too) is known by another address then: the answer counts for it where no answer to itself does. Views
    /// are valid until the next add().
    [[nodiscard]] Match find(const Address& client, const Address& address, Timestamp when) const;
    /// The canonical name of `name` as it led to `address`; empty where unknown.
    [[nodiscard]] std::string_view canonical_of(const Address& client, const Address& address,
                                                std::string_view name) const;
    /// True where the client was told names of `address` and `name` is not among them, nor may have been forgotten.
    [[nodiscard]] bool contradicts(const Address& client, const Address& address, std::string_view name,
                                   Timestamp when) const;
    [[nodiscard]] std::uint64_t evictions() const { return evictions_; }

private:
    struct Named {
        std::string name;
        std::string canonical;
        Timestamp when{};
        Timestamp until{};    ///< the end of its time to live
    };
    struct Entry {
        Address client;
        Address address;
        std::vector<Named> names;    ///< up to names_per_address; none: no entry
        bool forgot = false;         ///< a name made room for another
        Timestamp latest{};
    };
    static constexpr std::size_t ways = 4;
    void add_to(const Address& client, const Address& address, std::string_view name, std::string_view canonical,
                Timestamp when, Timestamp until);
    [[nodiscard]] std::size_t bucket_of(const Address& client, const Address& address) const;
    [[nodiscard]] const Entry* entry_of(const Address& client, const Address& address) const;
    [[nodiscard]] static Match match_in(const Entry& entry, Timestamp when);

    using Bucket = std::array<Entry, ways>;
    std::vector<std::unique_ptr<Bucket>> buckets_;    ///< each made when it is first needed
    std::uint64_t seed_ = 0;
    std::uint64_t evictions_ = 0;
};

}    // namespace dl::agent::flow
