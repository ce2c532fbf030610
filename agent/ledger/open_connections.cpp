#include "agent/ledger/open_connections.hpp"

#include "shared/base/digest.hpp"

#include <algorithm>
#include <utility>

namespace dl::agent::ledger {
namespace {

constexpr const char* place_note = "open_connections_of";

void append(std::vector<std::uint8_t>& message, const Endpoint& end)
{
    message.push_back(static_cast<std::uint8_t>(end.address.family));
    message.insert(message.end(), end.address.bytes.begin(), end.address.bytes.end());
    message.push_back(static_cast<std::uint8_t>(end.port >> 8U));
    message.push_back(static_cast<std::uint8_t>(end.port));
}

}    // namespace

OpenConnections::OpenConnections(Ledger& ledger, const Booker& booker, flow::Limits limits, std::string place)
    : ledger_(ledger), booker_(booker), limits_(limits), place_(std::move(place))
{}

ConnectionKey OpenConnections::key_of(Transport transport, const Endpoint& client, const Endpoint& server) const
{
    static constexpr std::string_view purpose = "open connection:";
    std::vector<std::uint8_t> message(purpose.begin(), purpose.end());
    message.push_back(static_cast<std::uint8_t>(transport));
    append(message, client);
    append(message, server);
    const Digest digest = hmac_sha256(booker_.organisation_key(), message);
    ConnectionKey key;
    std::copy_n(digest.begin(), key.size(), key.begin());
    return key;
}

bool OpenConnections::is_too_old(const flow::OpenConnection& left, Timestamp now) const
{
    const bool tcp = left.places[0].known || left.places[1].known;
    const auto patience = left.over ? limits_.over_idle : tcp ? limits_.tcp_idle : limits_.udp_idle;
    // A clock that was set back further than that tells nothing of their age.
    return now - left.last > patience || left.last - now > patience;
}

Result<void> OpenConnections::load(Timestamp now)
{
    const auto place = ledger_.note(place_note);
    if (!place) return place.error();
    if (*place != place_) {
        OpenChanges none;
        none.anew = true;
        if (const auto dropped = ledger_.book({}, {}, std::nullopt, none); !dropped) return dropped;
        return ledger_.set_note(place_note, place_);
    }
    auto kept = ledger_.open_connections();
    if (!kept) return kept.error();
    for (KeptConnection& one : *kept)
        if (!is_too_old(one.connection, now) && left_.size() < most)
            left_.emplace(one.key, std::move(one.connection));
        else
            anew_ = true;
    return {};
}

std::optional<flow::OpenConnection> OpenConnections::recall(Transport transport, const Endpoint& client,
                                                            const Endpoint& server)
{
    if (left_.empty()) return std::nullopt;
    const auto found = left_.find(key_of(transport, client, server));
    if (found == left_.end()) return std::nullopt;
    flow::OpenConnection left = std::move(found->second);
    recalled_.push_back(found->first);
    left_.erase(found);
    return left;
}

void OpenConnections::leapt(std::chrono::microseconds by)
{
    for (auto& [key, left] : left_)
        left.last += by;
}

OpenChanges OpenConnections::changes(const flow::FlowTable& flows, Timestamp now)
{
    OpenChanges changes;
    changes.anew = std::exchange(anew_, false);
    if (changes.anew) written_.clear();
    ++look_;
    without_room_ = 0;
    changes.gone = std::exchange(recalled_, {});    // whatever they were found to be is put anew below
    for (auto left = left_.begin(); left != left_.end();) {
        if (!is_too_old(left->second, now)) {
            if (changes.anew) changes.put.push_back({left->first, left->second});
            ++left;
            continue;
        }
        changes.gone.push_back(left->first);
        left = left_.erase(left);
    }
    flows.for_each_open([&](const flow::Connection& connection, const flow::Flow& flow) {
        auto known = written_.find(connection.id);
        if (known != written_.end() && known->second.last == flow.last && known->second.counted == flow.counted) {
            known->second.look = look_;
            return;
        }
        if (known == written_.end() && written_.size() + left_.size() >= most) {
            ++without_room_;
            return;
        }
        auto kept = booker_.to_keep(connection, flow::FlowTable::state_of(flow));
        if (!kept) return;
        if (known == written_.end()) {
            const ConnectionKey key = key_of(connection.transport, connection.client, connection.server);
            known = written_.emplace(connection.id, Written{key, {}, false, 0}).first;
        }
        known->second.last = flow.last;
        known->second.counted = flow.counted;
        known->second.look = look_;
        changes.put.push_back({known->second.key, std::move(*kept)});
    });
    for (auto written = written_.begin(); written != written_.end();) {
        if (written->second.look == look_) {
            ++written;
            continue;
        }
        changes.gone.push_back(written->second.key);
        written = written_.erase(written);
    }
    return changes;
}

}    // namespace dl::agent::ledger
