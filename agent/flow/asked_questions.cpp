#include "agent/flow/asked_questions.hpp"

#include "agent/flow/hash.hpp"

#include <span>

namespace dl::agent::flow {

std::uint64_t AskedQuestions::hash_of(const Exchange& exchange, const dissect::dns::Question& question) const
{
    const std::uint64_t client = hash_address(exchange.client.address, seed_ + exchange.client.port);
    const std::uint64_t resolver = hash_address(exchange.resolver.address, client + exchange.resolver.port);
    const std::uint64_t what = std::uint64_t{exchange.id} << 40U | std::uint64_t{question.type} << 24U |
                               std::uint64_t{question.klass} << 8U | static_cast<std::uint64_t>(exchange.transport);
    const std::string_view name = question.name.text();
    return hash_bytes({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()}, mix(resolver + what));
}

void AskedQuestions::ask(const Exchange& exchange, const dissect::dns::Question& question, Timestamp when)
{
    if (asked_.empty()) asked_.resize(places);
    const std::uint64_t hash = hash_of(exchange, question);
    const std::span<Place> bucket(asked_.data() + hash / ways % (places / ways) * ways, ways);
    Place* oldest = bucket.data();
    for (Place& place : bucket) {
        if (place.hash == hash) {
            place.when = when;
            return;
        }
        if (place.hash == 0 || (oldest->hash != 0 && place.when < oldest->when)) oldest = &place;
    }
    *oldest = {hash, when};
}

bool AskedQuestions::take(const Exchange& exchange, const dissect::dns::Question& question, Timestamp when)
{
    if (asked_.empty()) return false;
    const std::uint64_t hash = hash_of(exchange, question);
    for (Place& place : std::span<Place>(asked_.data() + hash / ways % (places / ways) * ways, ways)) {
        if (place.hash != hash) continue;
        const bool fresh = std::chrono::abs(when - place.when) <= patience;
        place = {};
        return fresh;
    }
    return false;
}

}    // namespace dl::agent::flow
