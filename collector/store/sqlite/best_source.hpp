// One use is counted once. A laptop's agent, a tap and a proxy log see the same connection; of what they say about one
// (person, else device; label; day) the best source is taken, never the sum.
//
// Within one device-day, for each label:
//   - the epochs and evidences of one observer are parts of one account: they add up, because an observer books a
//   connection once;
//   - each person's use is taken from that person's best observer: strongest evidence, then most connections, then most
//   bytes;
//   - use of unknown persons is taken from an observer chosen for a person (its other connections) where there is one,
//   so
//     that a tap's view of a laptop does not double the laptop's own; else from the best observer.
// Across devices of one day, for each (person, label): endpoint agents watch different machines and add up; a sensor or
// an imported log that names the person is taken only where no endpoint agent saw that person use that label, and only
// the best such one.
#pragma once

#include "shared/wire/report.hpp"

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dl::collector::store {

/// A stored cell. Times are milliseconds since the start of its day. Person, application 0: unknown.
struct Fact {
    std::int64_t day = 0;
    std::int64_t device = 0;
    std::int64_t person = 0;
    std::int64_t destination = 0;
    std::int64_t application = 0;
    std::int64_t epoch = 0;
    wire::Evidence evidence = wire::Evidence::address_only;
    std::int64_t connections = 0;
    std::int64_t bytes_up = 0;
    std::int64_t bytes_down = 0;
    std::int64_t first_seen = 0;
    std::int64_t last_seen = 0;
};

/// A fact with what is known of its destination and of who saw it.
struct LabelledFact {
    Fact fact;
    std::int64_t label = 0;
    std::int64_t observer = 0;
    bool endpoint = true;    ///< the observer is an agent on the device itself
};

/// How far a device-day's choice may still be overruled by other devices: zero for use that stands, else observer and
/// evidence rank of a person's use that a sensor or an imported log told.
using Source = std::int64_t;
inline constexpr Source settled = 0;
[[nodiscard]] Source contested_source(std::int64_t observer, int rank);
[[nodiscard]] std::int64_t observer_of(Source source);
[[nodiscard]] int rank_of(Source source);

/// One use of a device-day after the choice.
struct Use {
    std::int64_t day = 0;
    std::int64_t device = 0;
    std::int64_t person = 0;
    std::int64_t label = 0;
    std::int64_t unit = 0;
    Source source = settled;
    std::int64_t connections = 0;
    std::int64_t bytes_up = 0;
    std::int64_t bytes_down = 0;
    std::int64_t first_seen = 0;
    std::int64_t last_seen = 0;

    friend bool operator==(const Use&, const Use&) = default;
};

/// A taken fact's source, or nothing where another observer's account was better; one per fact of one device-day.
[[nodiscard]] std::vector<std::optional<Source>> choose_sources(std::span<const LabelledFact> device_day);
/// The taken facts of one device-day summed by (person, label), in that order. Units are left at 0.
[[nodiscard]] std::vector<Use> sum_uses(std::span<const LabelledFact> device_day,
                                        std::span<const std::optional<Source>> sources);

/// Settles the contested uses of one day, all devices seen. Feed every use of the day to note(), then ask stands().
class DayContest {
public:
    void note(std::int64_t person, std::int64_t label, Source source, std::int64_t connections);
    [[nodiscard]] bool stands(std::int64_t person, std::int64_t label, Source source) const;

private:
    struct Claim {
        bool endpoint = false;
        std::unordered_map<std::int64_t, std::pair<int, std::int64_t>> observers;    ///< observer → (rank, connections)
    };
    std::unordered_map<std::uint64_t, Claim> claims_;
};

/// Sums that stay at the largest value instead of wrapping.
[[nodiscard]] std::int64_t add_saturating(std::int64_t a, std::int64_t b);

}    // namespace dl::collector::store
