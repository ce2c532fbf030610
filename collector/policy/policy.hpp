// Is this service agreed for this unit, and why? Rules from config/policy.json; the most specific rule wins.
// The file's keys and the order of rules: config/catalog/README.md, section "Policy".
#pragma once

#include "collector/catalog/catalog.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::policy {

enum class Verdict { sanctioned, tolerated, unsanctioned, unreviewed };
[[nodiscard]] std::string_view to_string(Verdict verdict);

/// A verdict that explains itself.
struct Decision {
    Verdict verdict = Verdict::unreviewed;
    std::string rule;      ///< id of the rule that decided; empty when none applied
    std::string reason;    ///< the rule's own words
    std::string owner;
    std::string conditions;            ///< of a tolerated service
    std::optional<Day> review;         ///< when the rule is to be looked at again
    std::vector<std::string> chain;    ///< every rule that applied, most specific first, in words for --explain
    /// A vendor's whole range was agreed on, yet the category is not: the id of the rule that says so and gave way.
    /// Such a service is offered to nobody.
    std::string against;
};

/// A unit and the one above it.
struct UnitPlace {
    std::string id;
    std::string parent;    ///< empty for the root
};

class Policy {
public:
    virtual ~Policy() = default;
    /// Rules for a service go before those for its vendor, and those before its category's; among rules for the same,
    /// one that names the unit goes first, then one that names the unit above it, and so on up, then one for all. A
    /// rule for a vendor does not reach its offers to private persons (not Service::shows_need()). An expired rule
    /// applies no more and is named in the chain. An internal service that no rule names is sanctioned: the asset
    /// database vouches for it. Thread-safe.
    [[nodiscard]] virtual Decision decide(const catalog::Service& service, std::string_view unit) const = 0;
    [[nodiscard]] virtual std::string_view version() const = 0;
    /// What whoever keeps the rules should look at today: those that have expired, those past their review; a line
    /// each.
    [[nodiscard]] virtual std::vector<std::string> overdue() const { return {}; }
    /// Tells which unit lies in which, so that rules reach the units below those they name; until then they reach only
    /// those. Call it before anybody asks; the directory is loaded by another room. A failure at the first rule for a
    /// unit that is not among these.
    [[nodiscard]] virtual Result<void> place_units(std::span<const UnitPlace> units)
    {
        static_cast<void>(units);
        return {};
    }
};

/// A failure names file, line and reason; two rules of equal specificity that disagree are a failure. Without a clock
/// the system's tells which rules have expired; a given one must outlive the policy.
[[nodiscard]] Result<std::unique_ptr<Policy>>
load_policy(const std::filesystem::path& file, const catalog::Catalog& catalog, const Clock* clock = nullptr);

}    // namespace dl::collector::policy
