// Is this service agreed for this unit, and why? Rules from config/policy.json; the most specific rule wins.
#pragma once

#include "collector/catalog/catalog.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::policy {

enum class Verdict { sanctioned, tolerated, unsanctioned, unreviewed };
[[nodiscard]] std::string_view to_string(Verdict verdict);

/// A verdict that explains itself.
struct Decision {
    Verdict verdict = Verdict::unreviewed;
    std::string rule;          ///< id of the rule that decided; empty when none applied
    std::string reason;        ///< the rule's own words
    std::string owner;
    std::string conditions;    ///< of a tolerated service
    std::optional<Day> review; ///< when the rule is to be looked at again
    std::vector<std::string> chain;    ///< every rule that applied, most specific first, in words for --explain
};

class Policy {
public:
    virtual ~Policy() = default;
    [[nodiscard]] virtual Decision decide(const catalog::Service& service, std::string_view unit) const = 0;
    [[nodiscard]] virtual std::string_view version() const = 0;
};

/// A failure names file, line and reason; two rules of equal specificity that disagree are a failure.
[[nodiscard]] Result<std::unique_ptr<Policy>> load_policy(const std::filesystem::path& file,
                                                          const catalog::Catalog& catalog);

}    // namespace dl::collector::policy
