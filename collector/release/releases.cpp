#include "collector/release/releases.hpp"

#include "collector/release/gate.hpp"
#include "collector/release/reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace dl::collector::release {
namespace {

using std::chrono::days;
using store::By;
using store::Row;
using Cell = UnitCounts::Cell;

/// How long before its facts expire a period is released at the latest.
constexpr days before_expiry{14};

/// The kind is part of a service's name at the gate: an unknown domain is no service id.
std::string gate_name(const UseKey& use) { return std::get<1>(use) + ":" + std::get<2>(use); }

std::map<std::string, std::size_t> services_known(const catalog::Catalog& catalog)
{
    std::map<std::string, std::size_t> known;
    for (const auto& service : catalog.services())
        if (service.shows_need()) ++known[service.capability];    // as labels are laid
    return known;
}

/// What a release is made from, by unit, at one place of the grid (a week of a month, or the whole).
struct Counts {
    std::map<std::string, UnitCounts> units;
    std::map<UseKey, Figure> uses;    ///< what the services' cells are about
};

Result<void> count(store::UsageStore& usage, const Period& period, std::size_t weeks, std::size_t when, Counts& counts)
{
    const auto uses = read_uses(usage, period, Strength::released);
    if (!uses) return uses.error();
    const auto capabilities = read_capabilities(usage, period);
    if (!capabilities) return capabilities.error();
    for (const auto& row : *uses) {
        counts.units[row.unit].weeks = weeks;
        counts.units[row.unit].people[{gate_name(key_of(row)), row.capability, when}] = row.people_known;
        counts.uses.emplace(key_of(row), figure_of(row));
    }
    for (const auto& row : *capabilities) {
        if (row.capability.empty()) continue;
        counts.units[row.unit].weeks = weeks;
        counts.units[row.unit].people[{"", row.capability, when}] = row.people_known;
    }
    return {};
}

/// Puts what the gate let through of one unit into the figures; `when`: of which place of the grid.
void add_published(const std::string& unit, const Published& published, std::size_t when,
                   const std::map<UseKey, Figure>& uses, Figures& figures)
{
    for (const auto& [cell, heads] : published)
        if (cell.week == when && cell.service.empty()) figures.capabilities.push_back({unit, cell.capability, heads});
    for (auto use = uses.lower_bound({unit, "", ""}); use != uses.end() && use->second.unit == unit; ++use) {
        const auto found = published.find({gate_name(use->first), use->second.capability, when});
        if (found == published.end()) continue;
        figures.uses.push_back(use->second);
        figures.uses.back().people = found->second;
    }
}

std::map<UseKey, Figure*> index_of(Figures& figures)
{
    std::map<UseKey, Figure*> index;
    for (auto& figure : figures.uses)
        index.emplace(key_of(figure), &figure);
    return index;
}

/// Days, evidence and patterns of a released week, each only as far as k people or more stand behind it.
Result<void> add_detail(const Press& press, Figures& figures)
{
    const auto index = index_of(figures);
    const auto each = [&](By dimension, auto use) -> Result<void> {
        const auto rows = read_uses_by(press.usage, figures.period, dimension, Strength::released);
        if (!rows) return rows.error();
        for (const auto& row : *rows)
            if (const auto found = index.find(key_of(row)); found != index.end() && row.people_known >= figures.k)
                use(*found->second, row);
        return {};
    };
    if (auto done = each(By::day, [](Figure& figure, const Row&) { ++figure.days; }); !done) return done;
    const auto add_evidence = [](Figure& figure, const Row& row) {
        figure.evidence.push_back({row.evidence, std::nullopt});
    };
    if (auto done = each(By::evidence, add_evidence); !done) return done;
    std::map<const Figure*, std::set<std::string>> patterns;
    const auto add_pattern = [&](Figure& figure, const Row& row) {
        const auto match = press.catalog.match(row.host, row.canonical);
        if (!match.matched.empty()) patterns[&figure].emplace(match.matched);
    };
    if (auto done = each(By::destination, add_pattern); !done) return done;
    for (auto& figure : figures.uses) {
        sort_by_strength(figure.evidence);
        figure.matched.assign(patterns[&figure].begin(), patterns[&figure].end());
    }
    return {};
}

/// A failure while the store's labels are not those of the catalogue and directory that the release would cite.
Result<void> check_labels(const Press& press)
{
    const auto stamp = press.usage.stamp();
    if (!stamp) return stamp.error();
    if (*stamp == press.stamp) return {};
    return unavailable("the collector is about to take over another catalogue or directory, and what is released now "
                       "stays; ask again in a minute, or send the collector SIGHUP when its files were changed");
}

Result<Frozen> frozen_now(const Press& press, const Period& period, Timestamp now)
{
    const auto connections = count_connections(press.usage, period);
    if (!connections) return connections.error();
    return Frozen{now, press.stamp, std::string(press.catalog.version()), press.directory_version, *connections};
}

Result<Figures> make_week(const Press& press, const Period& week, std::uint64_t k, Timestamp now)
{
    Figures figures = empty_figures(Strength::released, week, k);
    auto frozen = frozen_now(press, week, now);
    if (!frozen) return frozen.error();
    figures.frozen = std::move(*frozen);
    Counts counts;
    if (auto counted = count(press.usage, week, 1, 0, counts); !counted) return counted.error();
    const auto known = services_known(press.catalog);
    for (auto& [unit, of_unit] : counts.units) {
        of_unit.services_known = known;
        add_published(unit, release_weeks(of_unit, k), 0, counts.uses, figures);
    }
    if (auto added = add_detail(press, figures); !added) return added.error();
    return figures;
}

/// What the weeks of a month say, laid over each other.
struct Weeks {
    std::vector<Figures> released;
    std::map<std::string, Published> by_unit;
    std::map<UseKey, Figure> uses;    ///< days, evidence and patterns of all weeks together
    std::uint64_t k = 0, hidden_below = 0;
    bool same_labels = true;    ///< all carry those that the store carries
};

template <class T, class Same>
void add_new(std::vector<T>& to, const std::vector<T>& from, Same same)
{
    for (const auto& one : from)
        if (std::none_of(to.begin(), to.end(), [&](const T& other) { return same(one, other); })) to.push_back(one);
}

void lay_over(Weeks& weeks, const Figures& week, std::size_t when)
{
    for (const auto& figure : week.uses) {
        weeks.by_unit[figure.unit].emplace(Cell{gate_name(key_of(figure)), figure.capability, when}, *figure.people);
        const auto [at, fresh] = weeks.uses.emplace(key_of(figure), figure);
        if (fresh) continue;
        at->second.days += figure.days;
        at->second.capability = figure.capability;
        add_new(at->second.evidence, figure.evidence, [](const auto& a, const auto& b) { return a.kind == b.kind; });
        add_new(at->second.matched, figure.matched, std::equal_to<>());
    }
    for (const auto& figure : week.capabilities)
        weeks.by_unit[figure.unit].emplace(Cell{"", figure.capability, when}, figure.people);
}

Result<Figures> make_month(const Press& press, const Period& month, const std::vector<Figures>& released,
                           std::uint64_t k, Timestamp now)
{
    Weeks weeks;
    weeks.k = weeks.hidden_below = k;
    for (std::size_t when = 0; when < released.size(); ++when) {
        const Figures& week = released[when];
        weeks.k = std::max(weeks.k, week.k);
        weeks.hidden_below = std::min(weeks.hidden_below, week.k);
        if (week.frozen) weeks.same_labels = weeks.same_labels && week.frozen->stamp == press.stamp;
        lay_over(weeks, week, when);
    }
    Figures figures = empty_figures(Strength::released, month, weeks.k);
    auto frozen = frozen_now(press, month, now);
    if (!frozen) return frozen.error();
    figures.frozen = std::move(*frozen);
    Counts counts;
    const bool all_facts_held = month.from > day_of(now) - days(press.retention_days);
    if (weeks.same_labels && all_facts_held)
        if (auto counted = count(press.usage, month, released.size(), released.size(), counts); !counted)
            return counted.error();
    for (auto& [key, figure] : counts.uses)
        weeks.uses.emplace(key, figure);    // those of the weeks stand
    const auto known = services_known(press.catalog);
    for (const auto& [unit, published] : weeks.by_unit)
        counts.units[unit].weeks = released.size();
    for (auto& [unit, of_unit] : counts.units) {
        of_unit.services_known = known;
        const auto published = release_month(of_unit, weeks.by_unit[unit], weeks.k, weeks.hidden_below);
        add_published(unit, published, released.size(), weeks.uses, figures);
    }
    for (auto& figure : figures.uses)
        sort_by_strength(figure.evidence);
    return figures;
}

Result<std::optional<Figures>> release_of(const Press& press, const Period& period, std::uint64_t k, Timestamp now)
{
    auto held = frozen_release(press.state, period);
    if (!held || *held) return held;
    // Nobody could stand behind a figure. An empty release would stay for ever, also when people are listed later.
    if (!press.has_people) return std::optional<Figures>{};
    const Day today = day_of(now);
    if (period.to < today - kept_for) return std::optional<Figures>{};
    std::vector<Figures> weeks;
    if (period.kind == Period::Kind::month)
        for (const auto& week : weeks_of(period)) {
            auto part = release_of(press, week, k, now);
            if (!part) return part.error();
            weeks.push_back(*part ? std::move(**part) : empty_figures(Strength::released, week, k));
        }
    const bool some_week =
        std::any_of(weeks.begin(), weeks.end(), [](const Figures& week) { return week.frozen.has_value(); });
    if (!some_week && period.from <= today - days(press.retention_days)) return std::optional<Figures>{};
    if (auto may = check_labels(press); !may) return may.error();

    nlohmann::json document;
    const auto make = [&](nlohmann::json& made_document) -> Result<void> {
        const auto made = period.kind == Period::Kind::month ? make_month(press, period, weeks, k, now)
                                                             : make_week(press, period, k, now);
        if (!made) return made.error();
        // The labels must not have changed on the way: half of the figures would be of another catalogue.
        if (auto still = check_labels(press); !still) return still.error();
        // Nothing is known of that time yet: to say so gives nothing away, and what is on its way can be released.
        if (made->frozen->connections > 0 || !made->uses.empty()) made_document = to_document(*made);
        return {};
    };
    if (auto done = freeze_once(press.state, frozen_figures, id_of(period), document, make); !done) return done.error();
    if (document.is_null()) return std::optional<Figures>{};
    auto figures = from_document(document, period);
    if (!figures) return figures.error();
    return std::optional<Figures>{std::move(*figures)};
}

}    // namespace

Day settled_day(const Press& press, Timestamp now) { return day_of(now) - days(press.grace_days); }

Result<Figures> released_figures(const Press& press, const Period& period, std::uint64_t k, Timestamp now)
{
    if (const auto may = check_public(period, settled_day(press, now)); !may) return may.error();
    auto held = release_of(press, period, k, now);
    if (!held) return held.error();
    Figures figures = *held ? std::move(**held) : empty_figures(Strength::released, period, k);
    const auto before = release_of(press, figures.previous, k, now);
    if (!before) return before.error();
    if (*before) {
        std::map<UseKey, Heads> earlier;
        for (const auto& figure : (*before)->uses)
            earlier.emplace(key_of(figure), *figure.people);
        for (auto& figure : figures.uses)
            if (const auto found = earlier.find(key_of(figure)); found != earlier.end()) figure.before = found->second;
    }
    figures.nobody_listed = !press.has_people;
    drop_background_of_uses(figures);
    return restrict_to(std::move(figures), k);
}

Result<void> release_expiring(const Press& press, std::uint64_t k, Timestamp now)
{
    const Day oldest = day_of(now) - days(press.retention_days);
    for (Day day = oldest + days(1); day <= oldest + before_expiry; day += days(1))
        for (const auto& period : {week_of(day), month_of(day)}) {
            if (period.from != day || !is_closed(period, settled_day(press, now))) continue;
            if (const auto made = release_of(press, period, k, now); !made) return made.error();
        }
    return {};
}

Result<void> add_lateness(const Press& press, Figures& exact)
{
    if (exact.period.kind == Period::Kind::window) return {};
    auto held = frozen_release(press.state, exact.period);
    if (!held) return held.error();
    if (!*held) return {};
    exact.frozen = (*held)->frozen;
    const auto now = count_connections(press.usage, exact.period);
    if (!now) return now.error();
    exact.late_connections = *now > exact.frozen->connections ? *now - exact.frozen->connections : 0;
    return {};
}

}    // namespace dl::collector::release
