#include "collector/insight/demand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace dl::collector::insight {
namespace {

struct Gathered {
    std::map<std::string, std::uint64_t> people_by_unit;    ///< newest week with use of the unit
    std::map<std::string, std::uint64_t> people_by_service;
    std::set<std::size_t> weeks;
    std::set<std::string> without_alternative;
    bool growing = false;
};

bool is_need(const Finding& finding)
{
    const auto verdict = finding.decision.verdict;
    return finding.shows_need() && finding.figure.now &&
           (verdict == policy::Verdict::unsanctioned || verdict == policy::Verdict::unreviewed);
}

void add_week(std::size_t week, const std::vector<Finding>& findings, std::map<std::string, Gathered>& needs)
{
    for (const auto& finding : findings) {
        if (!is_need(finding)) continue;
        Gathered& need = needs[finding.capability()];
        const std::uint64_t people = finding.figure.people ? finding.figure.people->at_least : 0;
        auto& of_unit = need.people_by_unit[finding.figure.unit];
        of_unit = std::max(of_unit, people);
        auto& of_service = need.people_by_service[finding.service->name];
        of_service = std::max(of_service, people);
        need.weeks.insert(week);
        if (finding.alternatives.empty()) need.without_alternative.insert(finding.figure.unit);
        if (week == 0 && (finding.trend == Trend::fresh || finding.trend == Trend::growing)) need.growing = true;
    }
}

}    // namespace

std::vector<Need> demand_of(std::span<const release::Figures> weeks, const Meaning& meaning)
{
    std::map<std::string, Gathered> gathered;
    for (std::size_t week = 0; week < weeks.size(); ++week)
        add_week(week, find(weeks[week], meaning), gathered);

    std::vector<Need> needs;
    for (const auto& [capability, from] : gathered) {
        Need need;
        need.capability = capability;
        for (const auto& [unit, people] : from.people_by_unit) {
            need.units.push_back(unit);
            need.people_at_least += people;
        }
        std::vector<std::pair<std::uint64_t, std::string>> services;
        for (const auto& [name, people] : from.people_by_service)
            services.emplace_back(people, name);
        std::stable_sort(services.begin(), services.end(),
                         [](const auto& a, const auto& b) { return a.first > b.first; });
        for (auto& [people, name] : services)
            need.services.push_back(name);
        need.weeks = from.weeks.size();
        need.weeks_looked_at = weeks.size();
        need.growing = from.growing;
        need.without_alternative.assign(from.without_alternative.begin(), from.without_alternative.end());
        need.signal = 10 * need.units.size() + need.people_at_least + 5 * need.weeks + (need.growing ? 10 : 0) +
                      (need.without_alternative.empty() ? 0 : 20);
        need.why = fmt::format("{} unit{}, {} or more people, seen in {} of {} weeks{}{}", need.units.size(),
                               need.units.size() == 1 ? "" : "s", need.people_at_least, need.weeks,
                               need.weeks_looked_at, need.growing ? ", new or growing" : "",
                               need.without_alternative.empty()
                                   ? ""
                                   : ", no agreed service for all of them (assumed until the units confirm the need)");
        needs.push_back(std::move(need));
    }
    std::stable_sort(needs.begin(), needs.end(), [](const Need& a, const Need& b) {
        return a.signal != b.signal ? a.signal > b.signal : a.capability < b.capability;
    });
    return needs;
}

}    // namespace dl::collector::insight
