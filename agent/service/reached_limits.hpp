// How often a bound of the flow tables cost something: counted over the life of the ledger, with the moment of the last
// time, in words for those who run the agent.
#pragma once

#include "agent/flow/flow_table.hpp"
#include "shared/base/time.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dl::agent::service {

/// A bound, by what is counted at it.
struct Limit {
    const char* item;    ///< of `status`
    const char* what;    ///< "7 connections were ended early …", after the count
    const char* next;    ///< what to do
    std::uint64_t flow::Counters::*count;
};
inline constexpr const char* spread_the_load =
    "raise connections_limit, watch one interface (setting interface), or share a mirror port among several sensors";
inline constexpr std::array known_limits{
    Limit{"connections_ended_early",
          "connections were ended early to make room: what they carried later has no name and counts as another",
          spread_the_load, &flow::Counters::connections_evicted},
    Limit{"dns_answers_forgotten_early", "DNS answers were forgotten early to make room: addresses may stay nameless",
          spread_the_load, &flow::Counters::dns_evictions},
    Limit{"first_flights_not_read", "first flights found no room or gave it to others: names in them were not read",
          spread_the_load, &flow::Counters::streams_refused},
    Limit{"quic_packets_not_tried", "QUIC packets were not tried: too many a second that open nothing",
          "find out who sends them: a flood looks like that", &flow::Counters::key_trials_refused},
    Limit{"fragments_given_up", "fragmented packets were given up: pieces were missing or too many waited",
          "see whether packets are lost on the way here, or who sends so many fragments",
          &flow::Counters::fragments_given_up},
    Limit{"virtual_networks_left_out",
          "packets were left out: alike in addresses and ports in more virtual networks than are told apart",
          "let a sensor watch fewer of these networks (setting interface)", &flow::Counters::networks_left_out},
};

struct ReachedLimits {
    struct Count {
        std::uint64_t count = 0;
        std::optional<Timestamp> last;
        friend bool operator==(const Count&, const Count&) = default;
    };
    std::array<Count, known_limits.size()> counts;    ///< in the order of `known_limits`

    /// What a flow table counted since it was made, on top of `before`, which an earlier process left.
    [[nodiscard]] static ReachedLimits after(const ReachedLimits& before, const ReachedLimits& last_look,
                                             const flow::Counters& counters, Timestamp now);
    friend bool operator==(const ReachedLimits&, const ReachedLimits&) = default;
};

/// The ledger's note of them.
inline constexpr const char* reached_limits_note = "reached_limits";
[[nodiscard]] std::string to_note(const ReachedLimits& reached);
/// What can't be read counts as nothing.
[[nodiscard]] ReachedLimits parse_reached_limits(std::string_view note);

}    // namespace dl::agent::service
