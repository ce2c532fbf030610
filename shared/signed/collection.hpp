// What an agent may collect, as a lattice: every member has an order from less to more, and the narrowest of two is
// member by member the lesser. Signed settings give the upper bound; what a host's own file says can only narrow it.
#pragma once

#include "shared/base/failure.hpp"
#include "shared/config/located_json.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace dl::signing {

/// How finely first_seen and last_seen of a cell are told, from least to most.
enum class TimeGrain : std::uint8_t { day, hour, second };
[[nodiscard]] std::string_view to_string(TimeGrain grain);
[[nodiscard]] std::optional<TimeGrain> parse_time_grain(std::string_view text);

/// The defaults are the least: what an agent that waits for signed settings collects.
struct Collection {
    bool use = true;              ///< false: nothing is booked
    bool sensors = false;         ///< an agent in mode sensor may book at all
    bool people = false;          ///< persons' pseudonyms
    bool applications = false;    ///< which program or unit, and what it offers in TLS
    bool dns_only = false;        ///< DNS questions that no connection followed
    TimeGrain time_grain = TimeGrain::day;
    std::uint32_t report_seconds = 3600;                  ///< the shortest interval of reports
    bool built_in_personal_hosts = true;                  ///< the list that the agent was built with is folded too
    std::set<std::string, std::less<>> personal_hosts;    ///< suffixes folded to `personal`, normalised
    std::set<std::string, std::less<>> excluded_hosts;    ///< suffixes of which nothing is booked, normalised

    friend bool operator==(const Collection&, const Collection&) = default;
};

inline constexpr std::uint32_t longest_report_seconds = 3600;    ///< that a document may ask for
inline constexpr std::size_t most_listed_hosts = 10'000;         ///< of each list

/// Everything that the product can collect: the bound of an agent that has no settings key.
[[nodiscard]] Collection everything();
/// What both allow.
[[nodiscard]] Collection narrowest(const Collection& one, const Collection& other);
/// True where `inner` collects nothing that `outer` does not.
[[nodiscard]] bool is_within(const Collection& inner, const Collection& outer);

/// From an object; an absent member is the least, an unknown one a failure: an agent that can't keep a restriction must
/// not believe that it does. Failures name line and key.
[[nodiscard]] Result<Collection> read_collection(const config::Node& object);
[[nodiscard]] nlohmann::ordered_json to_json(const Collection& collection);
/// One line for people: "people, applications; no sensors, …".
[[nodiscard]] std::string in_words(const Collection& collection);

}    // namespace dl::signing
