#include "collector/policy/rule.hpp"

#include "shared/base/digest.hpp"
#include "shared/base/id.hpp"
#include "shared/config/located_json.hpp"
#include "shared/config/nearest_word.hpp"
#include "shared/tls/files.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace dl::collector::policy {
namespace {

using config::Node;

constexpr std::size_t largest_file = 64 << 20;
constexpr std::pair<std::string_view, Verdict> effects[] = {
    {"sanction", Verdict::sanctioned}, {"tolerate", Verdict::tolerated}, {"unsanction", Verdict::unsanctioned}};
constexpr std::pair<std::string_view, Target> targets[] = {
    {"service", Target::service}, {"vendor", Target::vendor}, {"category", Target::category}};

Failure not_known(const Node& where, const std::string& what, const std::string& word,
                  const std::vector<std::string_view>& known)
{
    std::string message = "no " + what + " is called '" + word + "'";
    if (const auto nearest = config::nearest_word(word, known))
        message += "; did you mean '" + std::string(*nearest) + "'?";
    else
        message += "; see config/catalog";
    return where.wrong(message);
}

Result<void> read_effect(const Node& node, Rule& rule)
{
    const auto where = node.require("effect");
    if (!where) return where.error();
    const auto text = (*where)->as_text();
    if (!text) return text.error();
    std::vector<std::string_view> words;
    for (const auto& [word, verdict] : effects) {
        if (word == *text) {
            rule.effect = verdict;
            return {};
        }
        words.push_back(word);
    }
    return not_known(**where, "effect", *text, words);
}

Result<void> read_target(const Node& node, const catalog::Catalog& catalog, Rule& rule)
{
    const Node* where = nullptr;
    for (const auto& [key, target] : targets) {
        const Node* const found = node.find(key);
        if (found == nullptr) continue;
        if (where != nullptr)
            return found->wrong("a rule is for a service, a vendor or a category, not for two of them");
        where = found;
        rule.target = target;
    }
    if (where == nullptr) return node.wrong("says of nothing; give it a \"service\", a \"vendor\" or a \"category\"");
    auto text = where->as_text();
    if (!text) return text.error();
    rule.subject = std::move(*text);

    std::set<std::string_view> known;
    if (rule.target == Target::category)
        for (const auto& category : catalog.categories())
            known.insert(category.id);
    for (const auto& service : catalog.services()) {
        if (rule.target == Target::service) known.insert(service.id);
        if (rule.target == Target::vendor) known.insert(service.vendor);
    }
    if (known.contains(rule.subject)) return {};
    return not_known(*where, std::string(targets[static_cast<std::size_t>(rule.target)].first), rule.subject,
                     {known.begin(), known.end()});
}

Result<void> read_day(const Node& node, std::string_view key, std::optional<Day>& into)
{
    const Node* const where = node.find(key);
    if (where == nullptr) return {};
    const auto text = where->as_text();
    if (!text) return text.error();
    const auto day = parse_iso_date(*text);
    if (!day) return where->wrong("'" + *text + "' is no date; write it like 2027-03-31");
    into = *day;
    return {};
}

Result<Rule> read_rule(const Node& node, const catalog::Catalog& catalog)
{
    if (const auto keys = node.only_keys({"id", "effect", "service", "vendor", "category", "units", "reason", "owner",
                                          "review", "expires", "conditions", "note"});
        !keys)
        return keys.error();
    Rule rule;
    rule.file = node.file();
    rule.line = node.line();
    auto id = node.text("id");
    auto reason = node.text("reason");
    auto owner = node.text("owner");
    auto conditions = node.text_or("conditions", "");
    auto units = node.texts_or_none("units");
    if (!id) return id.error();
    if (id->empty()) return node.wrong("has an empty id; give it one in lower-case-with-dashes");
    if (auto effect = read_effect(node, rule); !effect) return effect.error();
    if (auto target = read_target(node, catalog, rule); !target) return target.error();
    if (!reason) return reason.error();
    if (!owner) return owner.error();
    if (!conditions) return conditions.error();
    if (!units) return units.error();
    if (reason->empty()) return node.wrong("has an empty reason; say why, it is shown with every verdict");
    if (owner->empty()) return node.wrong("has an empty owner; name a role or an employee number");
    if (node.find("units") != nullptr && units->empty())
        return node.find("units")->wrong("is empty; leave it out to mean all units");
    if (auto day = read_day(node, "review", rule.review); !day) return day.error();
    if (auto day = read_day(node, "expires", rule.expires); !day) return day.error();
    if (rule.effect == Verdict::tolerated && conditions->empty())
        return node.wrong("tolerates without \"conditions\"; say under which");
    rule.id = std::move(*id);
    rule.reason = std::move(*reason);
    rule.owner = std::move(*owner);
    rule.conditions = std::move(*conditions);
    rule.units = std::move(*units);
    return rule;
}

/// Both could be the most specific one for the same question.
bool tie(const Rule& a, const Rule& b)
{
    if (a.target != b.target || a.subject != b.subject || a.units.empty() != b.units.empty()) return false;
    if (a.units.empty()) return true;
    return std::any_of(a.units.begin(), a.units.end(), [&](const std::string& unit) { return b.names(unit); });
}

}    // namespace

bool Rule::names(std::string_view unit) const { return std::find(units.begin(), units.end(), unit) != units.end(); }

Result<RuleFile> read_rules(const std::filesystem::path& file, const catalog::Catalog& catalog)
{
    const auto text = tls::read_whole_file(file, largest_file);
    if (!text && text.error().kind == Failure::Kind::not_found)
        return not_found(file.string() + ": is not there; restore the policy or mend \"policy\" in the settings");
    if (!text) return text.error();
    const auto top = config::parse_text(*text, file.string());
    if (!top) return top.error();
    if (const auto keys = top->only_keys({"rules", "note"}); !keys) return keys.error();
    const auto list = top->list("rules");
    if (!list) return list.error();
    RuleFile read;
    read.digest = to_hex(sha256(*text));
    for (const Node& node : *list) {
        auto rule = read_rule(node, catalog);
        if (!rule) return rule.error();
        for (const Rule& other : read.rules) {
            if (other.id == rule->id)
                return node.wrong("the id '" + rule->id + "' is taken at " + other.place() +
                                  "; give each rule its own");
            if (tie(other, *rule) && other.effect != rule->effect)
                return node.wrong("the rules '" + other.id + "' (" + other.place() + ") and '" + rule->id +
                                  "' disagree about " +
                                  std::string(targets[static_cast<std::size_t>(rule->target)].first) + " '" +
                                  rule->subject + "'; name units that don't overlap, or keep one of them");
        }
        read.rules.push_back(std::move(*rule));
    }
    return read;
}

}    // namespace dl::collector::policy
