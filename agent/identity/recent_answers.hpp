// The last answers of who opened a connection, by its two ends. Bounded: the oldest goes.
#pragma once

#include "agent/identity/attributor.hpp"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace dl::agent::identity {

class RecentAnswers {
public:
    explicit RecentAnswers(std::size_t most = 4096);

    /// An answer about a connection whose first packet left at `connection.opened`; it replaces an older one.
    void keep(const flow::Connection& connection, Identity identity);
    /// The answer about a connection with the same ends that opened at the same time, give or take `slack`: ports are
    /// used again by others.
    [[nodiscard]] std::optional<Identity> find(const flow::Connection& connection) const;
    /// The same to be completed; null where there is none (any more).
    [[nodiscard]] Identity* find_to_complete(const flow::Connection& connection);

    static constexpr std::chrono::seconds slack{5};

private:
    struct Key {
        Transport transport;
        Endpoint client;
        Endpoint server;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct Hash {
        std::size_t operator()(const Key& key) const;
    };
    struct Answer {
        Timestamp when{};
        Identity identity;
        std::uint64_t turn = 0;    ///< in which it was kept
    };
    struct Turn {
        Key key;
        std::uint64_t turn = 0;
    };
    std::size_t most_;
    std::uint64_t turn_ = 0;
    std::unordered_map<Key, Answer, Hash> answers_;
    std::vector<Turn> turns_;    ///< a ring
};

}    // namespace dl::agent::identity
