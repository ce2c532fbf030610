// A finding: a verdict worth a conversation, with why, how much, which way it goes, what is risky and what could be
// done.
#pragma once

#include "collector/insight/offers.hpp"
#include "collector/policy/policy.hpp"
#include "collector/release/figures.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::insight {

/// Against the previous period of equal length. In released figures a use that was not shown before counts as new.
/// unknown: nothing of the unit was seen in the period before, so there is nothing to compare with.
enum class Trend { fresh, growing, steady, fading, gone, unknown };
[[nodiscard]] std::string_view to_string(Trend trend);    ///< new, growing, steady, fading, gone, unknown
[[nodiscard]] Trend trend_of(const release::Figure& figure);

/// A risk factor that was measured.
struct Risk {
    std::string id;    ///< as the API names it
    std::string name;
    std::string evidence;    ///< what was measured
};

/// What could be done, and what then.
struct Option {
    std::string id;    ///< adopt | sanction_with_conditions | migrate | consolidate | negotiate | retire | accept_until
    std::string title;
    std::string consequence;
    const catalog::Service* service = nullptr;    ///< where to
};

struct Finding {
    release::Figure figure;
    const catalog::Service* service = nullptr;    ///< nothing: what it is about stands in `counted`
    catalog::Counted counted = catalog::Counted::unknown;
    policy::Decision decision;
    std::vector<std::string> matched;    ///< patterns of the catalogue
    Trend trend = Trend::steady;
    std::vector<Risk> risks;
    std::vector<Option> options;
    std::vector<const catalog::Service*> alternatives;    ///< agreed for this unit, for anything that it does
    bool background =
        false;    ///< of the service only embedded hosts, assets and telemetry were reached (can be shown)
    /// Private use such as music; what security looks up and nobody could say in a meeting what it stands for, such as
    /// an address without a name: listed, never put forward.
    bool low_interest = false;
    std::uint64_t priority = 0;

    /// As the figure was released; of the catalogue where it says nothing.
    [[nodiscard]] std::string capability() const
    {
        return figure.capability.empty() && service ? service->capability : figure.capability;
    }
    [[nodiscard]] std::string id() const { return figure.unit + "/" + figure.label; }
    /// For people: the service's, else the domain's in the letters it is meant to be read in.
    [[nodiscard]] std::string name() const;
    /// Work that somebody needs it for stands behind it, as far as a host name can tell.
    [[nodiscard]] bool shows_need() const { return service && service->shows_need() && !background && !low_interest; }
};

/// What is said of a finding that is background traffic alone.
[[nodiscard]] std::string_view background_words(release::Strength strength);

/// Most urgent first; one per figure.
[[nodiscard]] std::vector<Finding> find(const release::Figures& figures, const Meaning& meaning);

/// The risk factors of one use, measured; `service` is null where none is known.
[[nodiscard]] std::vector<Risk> risks_of(const release::Figure& figure, const catalog::Service* service);
/// Of a bucket of shared cloud storage: how much went there.
[[nodiscard]] Risk storage_upload(const release::Figure& figure);
/// What could be done about a finding whose other fields are filled in. `used_agreed`: agreed services of the same
/// capability that the unit uses besides.
[[nodiscard]] std::vector<Option> options_of(const Finding& finding,
                                             const std::vector<const catalog::Service*>& used_agreed);

}    // namespace dl::collector::insight
