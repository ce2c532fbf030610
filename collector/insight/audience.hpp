// For whom figures are made: what a caller's role and units allow. Whoever is nobody gets released figures, so that a
// command on the collector's own terminal shows what a relationship manager would see.
#pragma once

#include "collector/access/accounts.hpp"
#include "collector/directory/directory.hpp"
#include "collector/release/releases.hpp"
#include "collector/settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::insight {

enum class Operation { findings, portfolio, coverage, units, brief };

/// The table of role × operation; what is not listed is denied.
[[nodiscard]] bool may(access::Role role, Operation operation);

struct Audience {
    release::Strength strength = release::Strength::released;
    std::uint64_t k = 5;               ///< of the release
    std::uint64_t floor = 5;           ///< what the caller sees of it: higher for a unit's own people
    std::vector<std::string> units;    ///< empty: all
    bool sees_agents = false;          ///< which agents are silent

    [[nodiscard]] bool reads(std::string_view unit) const;
};
[[nodiscard]] Audience audience_of(const std::optional<access::Account>& caller, const Settings& settings);

/// What releases are made from, under these files and settings.
[[nodiscard]] release::Press press_of(store::UsageStore& usage, store::StateStore& state,
                                      const catalog::Catalog& catalog, const directory::Directory& directory,
                                      const Settings& settings);

/// With `why_empty` where no device reported, or all units that are asked for are smaller than the floor.
/// Figures at the caller's strength, of the units it may read. `unit`: only this one; denied when it may not be read.
[[nodiscard]] Result<release::Figures> figures_for(const Audience& audience, const release::Press& press,
                                                   const release::Period& period, Timestamp now,
                                                   const directory::Directory& directory, const std::string& unit = {});
/// Always released: what a brief for this audience is made from.
[[nodiscard]] Result<release::Figures> released_for(const Audience& audience, const release::Press& press,
                                                    const release::Period& period, Timestamp now);

/// From this week's Monday to today inclusive, as any days.
[[nodiscard]] release::Period week_so_far(Day today);
/// What is shown where nobody chose: the last week that ended by `settled`, so that it is the same for every reader.
[[nodiscard]] release::Period usual_period(Day settled);
/// What a reader can choose, in the order in which it is offered.
struct Choice {
    release::Period period;
    bool released = true;    ///< false: for the security role alone, as nothing of it is released yet
};
/// Weeks with data, then months, newest first, the usual one always among them. For exact figures also those that ended
/// and whose last reports are still awaited, and before all of them this week so far.
[[nodiscard]] Result<std::vector<Choice>> choices_for(const Audience& audience, store::UsageStore& usage, Day today,
                                                      Day settled);
/// A week, a month or any days (2026-11-16..2026-11-22) by id, or any days; usual_period() when nothing is given. Days
/// and a period exclude each other.
[[nodiscard]] Result<release::Period> choose_period(std::string_view id, std::string_view from, std::string_view to,
                                                    Day today, Day settled);

/// What a reader must know about these figures.
[[nodiscard]] std::vector<std::string> notes_on(const release::Figures& figures);

}    // namespace dl::collector::insight
