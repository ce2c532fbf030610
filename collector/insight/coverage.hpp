// What is seen and what is not: without this, a figure can't be defended.
#pragma once

#include "collector/directory/directory.hpp"
#include "collector/insight/audience.hpp"
#include "collector/release/period.hpp"
#include "collector/store/usage_store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dl::collector::insight {

struct Share {
    std::uint64_t part = 0, whole = 0;
    bool rounded = false;     ///< only the whole percent may be told
    bool withheld = false;    ///< known and not shown: fewer than a small group, or nobody, stand behind the rest
    /// To a tenth, rounded to a whole one. Nothing where the whole is nothing: unknown.
    [[nodiscard]] std::optional<double> percent() const;
    /// 96.3 % (26 of 27), rounded 96 %, not shown, or unknown
    [[nodiscard]] std::string text() const;
};

struct Coverage {
    release::Period period;
    Share devices;    ///< of the directory's devices today, those that reported in the period
    struct OfUnit {
        std::string unit;
        std::optional<Share> share;    ///< nothing: the unit has fewer people than a small group
    };
    std::vector<OfUnit> devices_by_unit;
    Share readable_names;                                    ///< of connections, those with a name
    Share hidden_road_bytes;                                 ///< of bytes, those behind DoH, VPN or proxy
    bool few_unreadable = false, few_hidden_road = false;    ///< fewer than k people stand behind what is missing
    Share people_attributed;     ///< of connections, since the agents' epochs began, those with a user
    Share programs_known;        ///< the same, those whose program is known; agents that do not count it say of none
    bool agents_shown = true;    ///< false: for neither security nor operations; what agents count is left out then
    std::vector<store::ObserverState> observers;
    std::vector<store::ObserverState> silent;    ///< of them, without a report for 24 hours
    wire::Counters counters;                     ///< summed over observers since their epochs began, not of the period
    /// Applications that offered less than TLS 1.3 on the period's first day or later: theirs, nobody's in particular.
    /// Security only.
    std::vector<store::ApplicationOffer> weak_offers;
    std::uint64_t quarantined = 0, too_old = 0;
    std::uint64_t clocks_off = 0;    ///< observers whose clock was off at their last report
    std::vector<std::string> not_covered;
    std::vector<std::string> notes;

    [[nodiscard]] const Share* of_unit(std::string_view unit) const;
};

/// Exact. A failure for a period that has not begun.
[[nodiscard]] Result<Coverage> coverage_of(store::UsageStore& usage, const directory::Directory& directory,
                                           const release::Period& period, Timestamp now, std::uint64_t k);

/// What everybody may see of it: whole percents without their parts, no total of devices where a unit is hidden, of
/// names and hidden roads only what k people or more stand behind (`few`: fewer do; zero looks the same), and nothing
/// that agents count: those figures are live and exact, so that two looks tell what happened in between.
[[nodiscard]] Coverage published(Coverage coverage);
/// Published, of a closed week or month. The period's shares are frozen with the first answer, as figures are.
[[nodiscard]] Result<Coverage> published_coverage(const release::Press& press, const directory::Directory& directory,
                                                  const release::Period& period, std::uint64_t k, Timestamp now);
/// Exact for who sees agents (security, operations); for everybody else published_coverage().
[[nodiscard]] Result<Coverage> coverage_for(const Audience& audience, const release::Press& press,
                                            const directory::Directory& directory, const release::Period& period,
                                            Timestamp now);

}    // namespace dl::collector::insight
