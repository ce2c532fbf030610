// One row of `observe`, as it is shown and as it lies in the temporary file.
#pragma once

#include "shared/base/address.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace dl::agent::commands {

/// What rows of one key add up.
struct ObservedFigures {
    std::uint64_t connections = 0;
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
    Timestamp first_seen = Timestamp::max();
    Timestamp last_seen = Timestamp::min();

    void add(const ObservedFigures& other)
    {
        connections += other.connections;
        bytes_up += other.bytes_up;
        bytes_down += other.bytes_down;
        first_seen = std::min(first_seen, other.first_seen);
        last_seen = std::max(last_seen, other.last_seen);
    }
};

/// `Text` is a pointer to a text that is kept elsewhere, or an optional text; without one: unknown.
template <class Text>
struct ObservedKey {
    Address client;
    Address server;
    std::uint16_t port = 0;
    Transport transport = Transport::other;
    wire::Evidence evidence = wire::Evidence::address_only;
    Text name{};
    Text app{};
    Text user{};

    friend bool operator==(const ObservedKey&, const ObservedKey&) = default;
};

using InternedKey = ObservedKey<const std::string*>;
using OwnKey = ObservedKey<std::optional<std::string>>;

}    // namespace dl::agent::commands
