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
    const catalog::Service* service = nullptr;    ///< nothing: an unknown domain
    policy::Decision decision;
    std::vector<std::string> matched;    ///< patterns of the catalogue
    Trend trend = Trend::steady;
    std::vector<Risk> risks;
    std::vector<Option> options;
    std::vector<const catalog::Service*> alternatives;    ///< agreed, of the same capability, for this unit
    bool background =
        false;    ///< of the service only embedded hosts, assets and telemetry were reached (can be shown)
    bool low_interest = false;    ///< private use such as music: listed, never put forward
    std::uint64_t priority = 0;

    /// As the figure was released; of the catalogue where it says nothing.
    [[nodiscard]] std::string capability() const
    {
        return figure.capability.empty() && service ? service->capability : figure.capability;
    }
    [[nodiscard]] std::string id() const { return figure.unit + "/" + figure.label; }
    [[nodiscard]] std::string name() const { return service ? service->name : figure.label; }
};

/// What is said of a finding that is background traffic alone.
[[nodiscard]] std::string_view background_words(release::Strength strength);

/// Most urgent first; one per figure.
[[nodiscard]] std::vector<Finding> find(const release::Figures& figures, const Meaning& meaning);

/// The risk factors of one use, measured; `service` is null for an unknown domain.
[[nodiscard]] std::vector<Risk> risks_of(const release::Figure& figure, const catalog::Service* service);
/// What could be done about a finding whose other fields are filled in. `used_agreed`: agreed services of the same
/// capability that the unit uses besides.
[[nodiscard]] std::vector<Option> options_of(const Finding& finding,
                                             const std::vector<const catalog::Service*>& used_agreed);

}    // namespace dl::collector::insight
