#include "collector/insight/offers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dl::collector::insight {

const std::vector<const catalog::Service*>& Offers::agreed(const std::string& unit, const std::string& capability)
{
    static const std::vector<const catalog::Service*> none;
    const auto [at, fresh] = by_unit_.try_emplace(unit);
    if (fresh) {
        std::map<std::string, std::size_t> breadth;    // of a rule: how many services it covers
        std::map<const catalog::Service*, std::string> rule_of;
        for (const auto& service : meaning_.catalog.services()) {
            if (!service.shows_need()) continue;    // a vendor's games are no offer for anything
            const auto decision = meaning_.policy.decide(service, unit);
            if (decision.verdict != policy::Verdict::sanctioned || !decision.against.empty()) continue;
            ++breadth[decision.rule];
            rule_of[&service] = decision.rule;
            at->second[service.capability].push_back(&service);
            for (const auto& further : service.also)
                at->second[further].push_back(&service);
        }
        for (auto& [what, services] : at->second)
            std::stable_sort(services.begin(), services.end(), [&, &what = what](const auto* a, const auto* b) {
                const bool of_a = a->capability != what, of_b = b->capability != what;
                return of_a != of_b ? of_a < of_b : breadth[rule_of[a]] < breadth[rule_of[b]];
            });
    }
    const auto found = at->second.find(capability);
    return found == at->second.end() ? none : found->second;
}

std::vector<const catalog::Service*> Offers::instead_of(const std::string& unit, const catalog::Service& service)
{
    std::vector<const catalog::Service*> services;
    const auto add = [&](const std::string& capability) {
        for (const auto* other : agreed(unit, capability))
            if (other != &service && std::find(services.begin(), services.end(), other) == services.end())
                services.push_back(other);
    };
    add(service.capability);
    for (const auto& further : service.also)
        add(further);
    return services;
}

std::string unit_name(const directory::Directory& directory, const std::string& unit)
{
    if (unit == store::unassigned) return "Unassigned";
    const auto* known = directory.unit(unit);
    return known ? known->name : unit;
}

std::string capability_name(std::string_view id)
{
    // Words that people write in capitals, for the heads of columns.
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> capitals{{{"ai", "AI"},
                                                                                            {"it", "IT"},
                                                                                            {"hr", "HR"},
                                                                                            {"crm", "CRM"},
                                                                                            {"erp", "ERP"},
                                                                                            {"vpn", "VPN"},
                                                                                            {"api", "API"},
                                                                                            {"bi", "BI"}}};
    std::string out;
    while (!id.empty()) {
        const auto dash = id.find('-');
        const auto word = id.substr(0, dash);
        const auto known =
            std::find_if(capitals.begin(), capitals.end(), [&](const auto& pair) { return pair.first == word; });
        if (!out.empty()) out += ' ';
        out += known == capitals.end() ? word : known->second;
        id = dash == std::string_view::npos ? std::string_view{} : id.substr(dash + 1);
    }
    if (!out.empty() && out.front() >= 'a' && out.front() <= 'z')
        out.front() = static_cast<char>(out.front() - 'a' + 'A');
    return out;
}

std::string_view business_words(policy::Verdict verdict)
{
    switch (verdict) {
        case policy::Verdict::sanctioned: return "agreed";
        case policy::Verdict::tolerated: return "agreed with conditions";
        case policy::Verdict::unsanctioned: return "not yet agreed";
        case policy::Verdict::unreviewed: break;
    }
    return "not yet reviewed";
}

std::string bytes_text(std::uint64_t bytes)
{
    static constexpr std::array<const char*, 6> units{"B", "kB", "MB", "GB", "TB", "PB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1000.0 && unit + 1 < units.size(); ++unit)
        value /= 1000.0;
    if (unit == 0) return fmt::format("{} B", bytes);
    return value < 10.0 ? fmt::format("{:.1f} {}", value, units[unit]) : fmt::format("{:.0f} {}", value, units[unit]);
}

}    // namespace dl::collector::insight
