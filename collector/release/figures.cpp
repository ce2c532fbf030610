#include "collector/release/figures.hpp"

#include "collector/catalog/catalog.hpp"
#include "collector/release/reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace dl::collector::release {
namespace {

using store::By;
using store::Row;

/// Evidence and hosts of the uses that are there.
Result<void> add_detail(store::UsageStore& usage, Figures& figures)
{
    std::map<UseKey, Figure*> index;
    for (auto& figure : figures.uses)
        if (figure.now) index.emplace(key_of(figure), &figure);

    auto evidence = read_uses_by(usage, figures.period, By::evidence, Strength::exact);
    if (!evidence) return evidence.error();
    for (const auto& row : *evidence)
        if (const auto found = index.find(key_of(row)); found != index.end())
            found->second->evidence.push_back({row.evidence, row.connections});
    for (auto& figure : figures.uses)
        sort_by_strength(figure.evidence);

    auto hosts = read_uses_by(usage, figures.period, By::destination, Strength::exact);
    if (!hosts) return hosts.error();
    std::map<UseKey, std::set<std::pair<std::string, std::string>>> seen;
    for (const auto& row : *hosts) {
        const auto found = index.find(key_of(row));
        if (found != index.end() && seen[key_of(row)].emplace(row.host, row.canonical).second)
            found->second->hosts.push_back({row.host, row.canonical});
    }
    return {};
}

Figure exact_figure(const Row& row)
{
    Figure figure = figure_of(row);
    if (row.people > 0) figure.people = exactly(row.people);
    figure.devices = exactly(row.devices);
    figure.days = row.days;
    figure.connections = row.connections;
    figure.bytes_up = row.bytes_up;
    figure.bytes_down = row.bytes_down;
    figure.first_seen = row.first_seen;
    figure.last_seen = row.last_seen;
    return figure;
}

}    // namespace

Result<Figures> exact_figures(store::UsageStore& usage, const Period& period, std::uint64_t k)
{
    Figures figures = empty_figures(Strength::exact, period, k);
    auto now = read_uses(usage, period, Strength::exact);
    if (!now) return now.error();
    auto before = read_uses(usage, figures.previous, Strength::exact);
    if (!before) return before.error();
    const auto listed = [&](const Row& row) {
        if (row.kind == to_string(catalog::Counted::service) || row.kind == to_string(catalog::Counted::background))
            return true;
        if (row.bytes_up >= unknown_upload_threshold) return true;
        // A bucket is reached by every page that shows a picture from it.
        return row.people >= k && row.kind != to_string(catalog::Counted::storage);
    };
    std::map<UseKey, const Row*> earlier;
    for (const auto& row : *before)
        earlier.emplace(key_of(row), &row);
    for (const auto& row : *now) {
        const auto found = earlier.find(key_of(row));
        const Row* then = found == earlier.end() ? nullptr : found->second;
        if (then) earlier.erase(found);
        if (!listed(row)) continue;
        Figure figure = exact_figure(row);
        if (then) figure.before = exactly(then->people);
        figures.uses.push_back(std::move(figure));
    }
    for (const auto& [key, row] : earlier) {
        if (!listed(*row)) continue;
        Figure figure = exact_figure(*row);
        figure.now = false;
        figure.before = exactly(row->people);
        figure.people = exactly(0);
        figure.devices = exactly(0);
        figure.days = 0;
        figure.connections = figure.bytes_up = figure.bytes_down = 0;
        figure.first_seen.reset();
        figures.uses.push_back(std::move(figure));
    }
    drop_background_of_uses(figures);
    auto capabilities = read_capabilities(usage, period);
    if (!capabilities) return capabilities.error();
    for (const auto& row : *capabilities)
        if (!row.capability.empty()) figures.capabilities.push_back({row.unit, row.capability, exactly(row.people)});
    if (auto added = add_detail(usage, figures); !added) return added.error();
    return figures;
}

Result<void> check_public(const Period& period, Day settled)
{
    if (period.kind == Period::Kind::window)
        return denied("any days need the security role; ask for a week as 2026-W46 or a month as 2026-10");
    const auto wait = (period.to - settled).count();
    if (!is_closed(period, settled))
        return denied(fmt::format("{} is not over, or its last reports are still awaited; released figures exist in "
                                  "{} {}",
                                  words_of(period), wait, wait == 1 ? "day" : "days"));
    return {};
}

Figures restrict_to(Figures figures, std::uint64_t k)
{
    k = std::max(k, figures.k);
    const auto small = [&](const std::optional<Heads>& heads) { return !heads || heads->at_least < k; };
    std::erase_if(figures.uses, [&](const Figure& figure) { return small(figure.people); });
    std::erase_if(figures.capabilities, [&](const CapabilityFigure& figure) { return small(figure.people); });
    for (auto& figure : figures.uses)
        if (small(figure.before)) figure.before.reset();
    figures.k = k;
    return figures;
}

Result<std::vector<Period>> closed_periods(store::UsageStore& usage, Day settled)
{
    store::Query query;
    query.from = settled - std::chrono::days(100);
    query.to = settled;
    query.by = {By::day};
    auto rows = usage.report(query);
    if (!rows) return rows.error();
    std::vector<Period> weeks, months;
    for (const auto& row : *rows) {
        if (!row.day) continue;
        for (auto [period, list] : {std::pair{week_of(*row.day), &weeks}, std::pair{month_of(*row.day), &months}})
            if (is_closed(period, settled) && std::find(list->begin(), list->end(), period) == list->end())
                list->push_back(period);
    }
    const auto newest_first = [](const Period& a, const Period& b) { return a.from > b.from; };
    std::sort(weeks.begin(), weeks.end(), newest_first);
    std::sort(months.begin(), months.end(), newest_first);
    weeks.insert(weeks.end(), months.begin(), months.end());
    return weeks;
}

}    // namespace dl::collector::release
