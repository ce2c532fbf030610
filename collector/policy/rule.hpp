// One rule of policy.json, and the reading of all of them.
#pragma once

#include "collector/policy/policy.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace dl::collector::policy {

enum class Target { service, vendor, category };    ///< in the order of precedence

struct Rule {
    std::string id;
    Verdict effect = Verdict::unreviewed;
    Target target = Target::service;
    std::string subject;               ///< id of the service or category, name of the vendor
    std::vector<std::string> units;    ///< empty: all
    std::string reason;
    std::string owner;
    std::string conditions;
    std::optional<Day> review;
    std::optional<Day> expires;    ///< the last day on which it applies
    std::string file;
    std::size_t line = 0;

    [[nodiscard]] bool names(std::string_view unit) const;
    /// "FILE:LINE"
    [[nodiscard]] std::string place() const { return file + ":" + std::to_string(line); }
};

struct RuleFile {
    std::vector<Rule> rules;
    std::string digest;    ///< SHA-256 of the file, hex
};

/// Keys, types, ids, dates, subjects and ties are checked.
[[nodiscard]] Result<RuleFile> read_rules(const std::filesystem::path& file, const catalog::Catalog& catalog);

}    // namespace dl::collector::policy
