#include "agent/identity/recent_answers.hpp"

#include "agent/flow/hash.hpp"

#include <utility>

namespace dl::agent::identity {

RecentAnswers::RecentAnswers(std::size_t most) : most_(most) {}

std::size_t RecentAnswers::Hash::operator()(const Key& key) const
{
    return flow::hash_address(key.client.address, key.client.port) ^
           flow::hash_address(key.server.address, std::uint64_t{key.server.port} << 16U) ^
           static_cast<std::size_t>(key.transport);
}

void RecentAnswers::keep(const flow::Connection& connection, Identity identity)
{
    const Key key{connection.transport, connection.client, connection.server};
    const std::size_t place = turn_ % most_;
    if (place < turns_.size()) {
        const auto oldest = answers_.find(turns_[place].key);
        if (oldest != answers_.end() && oldest->second.turn == turns_[place].turn) answers_.erase(oldest);
        turns_[place] = {key, turn_};
    } else {
        turns_.push_back({key, turn_});
    }
    answers_.insert_or_assign(key, Answer{connection.opened, std::move(identity), turn_++});
}

Identity* RecentAnswers::find_to_complete(const flow::Connection& connection)
{
    const auto known = answers_.find(Key{connection.transport, connection.client, connection.server});
    if (known == answers_.end()) return nullptr;
    const auto apart = known->second.when - connection.opened;
    if (apart > slack || apart < -slack) return nullptr;
    return &known->second.identity;
}

std::optional<Identity> RecentAnswers::find(const flow::Connection& connection) const
{
    const Identity* known = const_cast<RecentAnswers*>(this)->find_to_complete(connection);
    if (known == nullptr) return std::nullopt;
    return *known;
}

}    // namespace dl::agent::identity
