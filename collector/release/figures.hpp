// The figures that everything shown is made from: findings, portfolio, demand, briefs. They come at two strengths. Only
// the security role gets exact figures; everybody else's have passed the gate, and nothing behind them can be asked
// for.
#pragma once

#include "collector/release/heads.hpp"
#include "collector/release/period.hpp"
#include "collector/store/usage_store.hpp"
#include "shared/base/failure.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dl::collector::release {

enum class Strength { released, exact };

struct EvidenceFigure {
    std::string kind;
    std::optional<std::uint64_t> connections;    ///< exact only
};
struct HostFigure {
    std::string host, canonical;
};

/// The use of one service or unknown domain by one unit.
struct Figure {
    std::string unit;
    /// catalog::Counted: service | background (a service of which only embedded hosts and telemetry were reached) |
    /// unknown; exact only: vendor | address | storage
    std::string kind;
    std::string label;    ///< service id, registrable domain, address or bucket
    std::string capability;
    /// Released: people of the directory, each once. Exact: and accounts of nobody there; nothing: no person at all.
    std::optional<Heads> people;
    std::optional<Heads> devices;    ///< exact only
    /// Distinct days. Released: those on which k people or more did; of a month, the sum over its released weeks, so
    /// that nothing is left when they are subtracted (0 when none of them is).
    std::uint64_t days = 0;
    std::optional<std::uint64_t> connections;             ///< exact only
    std::optional<std::uint64_t> bytes_up, bytes_down;    ///< exact only
    std::optional<Timestamp> first_seen, last_seen;       ///< exact only
    std::vector<EvidenceFigure> evidence;                 ///< strongest first; released month: of its weeks
    std::vector<HostFigure> hosts;                        ///< exact only
    std::vector<std::string> matched;    ///< released only: patterns that hosts of k people or more matched, as frozen
    bool now = true;                     ///< false: only in the previous period (exact only)
    std::optional<Heads> before;         ///< people in the previous period; nothing: none (released: none shown)
};

struct CapabilityFigure {
    std::string unit, capability;
    Heads people;
};

/// When and from what something was released, for ever.
struct Frozen {
    Timestamp at{};
    std::string stamp;                 ///< of the labels (store::Dimensions)
    std::string catalog, directory;    ///< versions
    std::uint64_t connections = 0;     ///< all that the store held of the period then
};

struct Figures {
    Strength strength = Strength::released;
    std::uint64_t k = 0;
    Period period, previous;
    std::vector<Figure> uses;
    std::vector<CapabilityFigure> capabilities;
    std::optional<Frozen> frozen;                     ///< nothing: not released (yet)
    std::string why_empty;                            ///< a sentence where nothing can be there to show, else empty
    bool nobody_listed = false;                       ///< released only: the directory has no people to count
    std::optional<std::uint64_t> late_connections;    ///< exact only: what came after the release and is not in it
};

/// Unknown domains below the floor, and buckets of shared storage, are listed only from this upload on, bytes; and only
/// in exact figures.
inline constexpr std::uint64_t unknown_upload_threshold = 50'000'000;

/// Everything as it is; `k` holds for unknown domains alone. For the security role only.
[[nodiscard]] Result<Figures> exact_figures(store::UsageStore& usage, const Period& period, std::uint64_t k);
/// Denied unless it is a week or month that ended by `settled`: what everybody may ask for.
[[nodiscard]] Result<void> check_public(const Period& period, Day settled);
/// With a higher floor: what is left out is left out of figures already public, so nothing is added.
[[nodiscard]] Figures restrict_to(Figures figures, std::uint64_t k);

/// Closed weeks and months with use, newest first, weeks before months; at most those of the last 100 days.
[[nodiscard]] Result<std::vector<Period>> closed_periods(store::UsageStore& usage, Day settled);

}    // namespace dl::collector::release
