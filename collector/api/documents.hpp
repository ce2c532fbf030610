// The JSON of every answer, as openapi.json describes it.
#pragma once

#include "collector/insight/coverage.hpp"
#include "collector/insight/portfolio.hpp"

#include <nlohmann/json.hpp>

#include <span>
#include <string>

namespace dl::collector::api {

[[nodiscard]] nlohmann::json period_json(const release::Period& period, Day today);
[[nodiscard]] nlohmann::json findings_json(const release::Figures& figures,
                                           const std::vector<insight::Finding>& findings,
                                           const insight::Meaning& meaning, Day today);
[[nodiscard]] nlohmann::json portfolio_json(const release::Figures& figures, const insight::Portfolio& portfolio,
                                            const std::vector<std::string>& units, const insight::Meaning& meaning,
                                            Day today);
/// `units`: those that the caller reads. `usual`: what the other routes answer for where no period is asked for.
[[nodiscard]] nlohmann::json units_json(const std::vector<std::string>& units, std::span<const insight::Choice> choices,
                                        const release::Period& usual, const directory::Directory& directory, Day today);
enum class SilentAgents { named, counted };
[[nodiscard]] nlohmann::json coverage_json(const insight::Coverage& coverage, const std::vector<std::string>& units,
                                           SilentAgents silent, Day today);

}    // namespace dl::collector::api
