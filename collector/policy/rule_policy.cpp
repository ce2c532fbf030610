#include "collector/policy/rule.hpp"

#include "shared/config/nearest_word.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <unordered_map>

namespace dl::collector::policy {
namespace {

constexpr std::string_view effect_words[] = {"sanctions", "tolerates", "unsanctions"};
constexpr std::string_view target_words[] = {"service", "vendor", "category"};

/// Everybody who may read a finding reads this: the file's name and line, never where it lies on the server. `through`:
/// the unit above the one asked for that the rule names; empty where it names that one, or all.
std::string in_words(const Rule& rule, std::string_view through = {})
{
    std::string words = fmt::format(
        "{}:{} '{}' {} {} '{}' for {}: {}", std::filesystem::path(rule.file).filename().string(), rule.line, rule.id,
        effect_words[static_cast<std::size_t>(rule.effect)], target_words[static_cast<std::size_t>(rule.target)],
        rule.subject, rule.units.empty() ? std::string("all") : fmt::format("{}", fmt::join(rule.units, ", ")),
        rule.reason);
    if (!through.empty()) words += fmt::format("; reaches this unit because it lies in '{}'", through);
    if (!rule.conditions.empty()) words += "; on condition: " + rule.conditions;
    if (rule.review) words += "; to be reviewed " + to_iso_date(*rule.review);
    return words;
}

class RulePolicy final : public Policy {
public:
    RulePolicy(RuleFile file, const Clock* clock);

    Decision decide(const catalog::Service& service, std::string_view unit) const override;
    std::string_view version() const override { return version_; }
    std::vector<std::string> overdue() const override;
    Result<void> place_units(std::span<const UnitPlace> units) override;

private:
    using Shelf = std::unordered_map<std::string, std::vector<const Rule*>>;

    std::vector<Rule> rules_;
    Shelf shelves_[3];    ///< by target, then subject
    std::map<std::string, std::string, std::less<>> parents_;
    std::string version_;
    SystemClock system_;
    const Clock* clock_;
};

RulePolicy::RulePolicy(RuleFile file, const Clock* clock)
    : rules_(std::move(file.rules)), version_(file.digest.substr(0, 16)), clock_(clock ? clock : &system_)
{
    for (const Rule& rule : rules_)
        shelves_[static_cast<std::size_t>(rule.target)][rule.subject].push_back(&rule);
}

Decision RulePolicy::decide(const catalog::Service& service, std::string_view unit) const
{
    const Day today = day_of(clock_->now());
    const std::string* const subjects[] = {&service.id, &service.vendor, &service.category};
    std::vector<std::string_view> upwards{unit};    // the unit itself, then those it lies in
    for (auto at = parents_.find(unit); at != parents_.end() && !at->second.empty(); at = parents_.find(at->second))
        upwards.emplace_back(at->second);
    std::vector<const Rule*> applying;
    std::vector<std::string> words, expired;
    Decision decision;
    for (std::size_t target = 0; target < 3; ++target) {
        // What an organisation agreed with a vendor does not cover that vendor's offer to private persons: neither a
        // private instance nor games and news.
        if (!service.shows_need() && static_cast<Target>(target) == Target::vendor) continue;
        const auto shelf = shelves_[target].find(*subjects[target]);
        if (shelf == shelves_[target].end()) continue;
        const std::size_t before = applying.size();
        std::set<const Rule*> taken;
        const auto take = [&](const Rule* rule, std::string_view through) {
            if (!taken.insert(rule).second) return;    // it names the unit and one above it: the nearer counts
            if (rule->expires && *rule->expires < today) {
                expired.push_back(in_words(*rule, through) + "; expired " + to_iso_date(*rule->expires));
                return;
            }
            applying.push_back(rule);
            words.push_back(in_words(*rule, through));
        };
        for (const std::string_view level : upwards)
            for (const Rule* rule : shelf->second)
                if (rule->names(level)) take(rule, level == unit ? std::string_view{} : level);
        for (const Rule* rule : shelf->second)
            if (rule->units.empty()) take(rule, {});
        const bool gave_way = before > 0 && applying.size() > before;
        if (gave_way && applying.front()->target == Target::vendor && applying[before]->effect == Verdict::unsanctioned)
            decision.against = applying[before]->id;
    }
    decision.chain = std::move(words);
    decision.chain.insert(decision.chain.end(), expired.begin(), expired.end());
    if (!applying.empty()) {
        const Rule& winner = *applying.front();
        decision.verdict = winner.effect;
        decision.rule = winner.id;
        decision.reason = winner.reason;
        decision.owner = winner.owner;
        decision.conditions = winner.conditions;
        decision.review = winner.review;
    } else if (service.internal) {
        decision.verdict = Verdict::sanctioned;
        decision.reason = "run by the organisation itself, as internal-hosts.csv says";
        decision.chain.insert(decision.chain.begin(), decision.reason);
    }
    return decision;
}

std::vector<std::string> RulePolicy::overdue() const
{
    const Day today = day_of(clock_->now());
    std::vector<std::string> lines;
    for (const Rule& rule : rules_) {
        if (rule.expires && *rule.expires < today)
            lines.push_back(fmt::format("{}: the rule '{}' expired on {} and applies no more; renew or remove it",
                                        rule.place(), rule.id, to_iso_date(*rule.expires)));
        else if (rule.review && *rule.review < today)
            lines.push_back(fmt::format("{}: the rule '{}' was to be reviewed on {}; look at it and set the next day",
                                        rule.place(), rule.id, to_iso_date(*rule.review)));
    }
    return lines;
}

Result<void> RulePolicy::place_units(std::span<const UnitPlace> units)
{
    std::vector<std::string_view> words;
    parents_.clear();
    for (const UnitPlace& unit : units) {
        words.emplace_back(unit.id);
        parents_.emplace(unit.id, unit.parent);
    }
    for (const Rule& rule : rules_)
        for (const std::string& unit : rule.units) {
            if (std::find(words.begin(), words.end(), unit) != words.end()) continue;
            std::string message = rule.place() + ": the rule '" + rule.id + "' names the unit '" + unit +
                                  "', which the directory doesn't have";
            if (const auto nearest = config::nearest_word(unit, words))
                message += "; did you mean '" + std::string(*nearest) + "'?";
            else
                message += "; add it to the units file or mend the rule";
            return invalid_input(std::move(message));
        }
    return {};
}

}    // namespace

std::string_view to_string(Verdict verdict)
{
    switch (verdict) {
        case Verdict::sanctioned: return "sanctioned";
        case Verdict::tolerated: return "tolerated";
        case Verdict::unsanctioned: return "unsanctioned";
        case Verdict::unreviewed: return "unreviewed";
    }
    return "unreviewed";
}

Result<std::unique_ptr<Policy>> load_policy(const std::filesystem::path& file, const catalog::Catalog& catalog,
                                            const Clock* clock)
{
    auto rules = read_rules(file, catalog);
    if (!rules) return rules.error();
    return std::unique_ptr<Policy>(std::make_unique<RulePolicy>(std::move(*rules), clock));
}

}    // namespace dl::collector::policy
