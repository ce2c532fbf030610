// The DNS questions that were seen a moment ago, so that only their answers are believed. Bounded; the oldest make
// room, and their answers then count as unasked.
#pragma once

#include "agent/dissect/dns.hpp"
#include "shared/base/address.hpp"
#include "shared/base/time.hpp"

#include <cstdint>
#include <vector>

namespace dl::agent::flow {

class AskedQuestions {
public:
    static constexpr std::chrono::seconds patience{30};
    static constexpr std::size_t places = 4096;

    /// Who asks whom, over what, under which id (RFC 5452 section 9.1).
    struct Exchange {
        Transport transport = Transport::other;
        Endpoint client;
        Endpoint resolver;
        std::uint16_t id = 0;
    };

    /// `seed` keys the hash.
    explicit AskedQuestions(std::uint64_t seed) : seed_(seed) {}

    void ask(const Exchange& exchange, const dissect::dns::Question& question, Timestamp when);
    /// True where that was asked; the first answer takes the question with it.
    [[nodiscard]] bool take(const Exchange& exchange, const dissect::dns::Question& question, Timestamp when);

private:
    static constexpr std::size_t ways = 4;
    struct Place {
        std::uint64_t hash = 0;    ///< 0: free
        Timestamp when{};
    };
    [[nodiscard]] std::uint64_t hash_of(const Exchange& exchange, const dissect::dns::Question& question) const;

    std::vector<Place> asked_;    ///< buckets of `ways`; made when first needed
    std::uint64_t seed_;
};

}    // namespace dl::agent::flow
