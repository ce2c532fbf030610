#include "collector/release/reading.hpp"

#include "collector/catalog/catalog.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace dl::collector::release {
namespace {

using store::By;
using store::Query;
using store::Row;

using catalog::Counted;

constexpr std::array released_kinds{Counted::service, Counted::background, Counted::unknown};
constexpr std::array further_exact_kinds{Counted::vendor, Counted::address, Counted::storage};

Query over(const Period& period)
{
    Query query;
    query.from = period.from;
    query.to = period.to;
    return query;
}

Result<std::vector<Row>> read(store::UsageStore& usage, const Period& period, std::set<By> by, Strength strength)
{
    std::vector<Counted> kinds(released_kinds.begin(), released_kinds.end());
    if (strength == Strength::exact) kinds.insert(kinds.end(), further_exact_kinds.begin(), further_exact_kinds.end());
    std::vector<Row> rows;
    for (const Counted counted : kinds) {
        const std::string kind(to_string(counted));
        Query query = over(period);
        query.by = by;
        query.kind = kind;
        auto some = usage.report(query);
        if (!some) return some.error();
        for (auto& row : *some) {
            row.kind = kind;
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

int rank_of(std::string_view kind)
{
    const auto evidence = wire::parse_evidence(kind);
    return evidence ? wire::rank(*evidence) : 1000;
}

}    // namespace

Result<std::vector<Row>> read_uses(store::UsageStore& usage, const Period& period, Strength strength)
{
    return read(usage, period, {By::unit, By::kind, By::label, By::capability}, strength);
}

Result<std::vector<Row>> read_uses_by(store::UsageStore& usage, const Period& period, By dimension, Strength strength)
{
    return read(usage, period, {By::unit, By::kind, By::label, dimension}, strength);
}

Result<std::vector<Row>> read_capabilities(store::UsageStore& usage, const Period& period)
{
    Query query = over(period);
    query.by = {By::unit, By::capability};
    query.kind = "service";
    return usage.report(query);
}

Result<std::uint64_t> count_connections(store::UsageStore& usage, const Period& period)
{
    const auto rows = usage.report(over(period));
    if (!rows) return rows.error();
    std::uint64_t connections = 0;
    for (const auto& row : *rows)
        connections += row.connections;
    return connections;
}

Figure figure_of(const Row& row)
{
    Figure figure;
    figure.unit = row.unit;
    figure.kind = row.kind;
    figure.label = row.label;
    figure.capability = row.capability;
    return figure;
}

Figures empty_figures(Strength strength, const Period& period, std::uint64_t k)
{
    Figures figures;
    figures.strength = strength;
    figures.k = k;
    figures.period = period;
    figures.previous = previous(period);
    return figures;
}

void drop_background_of_uses(Figures& figures)
{
    std::set<std::pair<std::string, std::string>> used;
    for (const auto& figure : figures.uses)
        if (figure.kind == "service" && figure.now) used.emplace(figure.unit, figure.label);
    std::erase_if(figures.uses, [&](const Figure& figure) {
        return figure.kind == "background" && used.contains({figure.unit, figure.label});
    });
}

void sort_by_strength(std::vector<EvidenceFigure>& evidence)
{
    std::stable_sort(evidence.begin(), evidence.end(),
                     [](const auto& a, const auto& b) { return rank_of(a.kind) < rank_of(b.kind); });
}

}    // namespace dl::collector::release
