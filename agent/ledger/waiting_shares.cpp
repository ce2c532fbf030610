#include "agent/ledger/waiting_shares.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace dl::agent::ledger {

std::size_t add_shares(std::vector<Share>& held, std::vector<Share> more, std::size_t most)
{
    std::vector<Share> both;
    both.reserve(std::min(held.size() + more.size(), most));
    std::size_t left_out = 0;
    auto old = held.begin();
    for (Share& share : more) {
        while (old != held.end() && old->key < share.key)
            both.push_back(std::move(*old++));
        const auto waiting = static_cast<std::size_t>(held.end() - old);
        if (old != held.end() && old->key == share.key) {
            old->use.add(share.use);
        } else if (both.size() + waiting < most) {
            both.push_back(std::move(share));
        } else {
            ++left_out;
        }
    }
    std::move(old, held.end(), std::back_inserter(both));
    held = std::move(both);
    return left_out;
}

}    // namespace dl::agent::ledger
