#include "collector/insight/portfolio.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace dl::collector::insight {
namespace {

using policy::Verdict;

std::uint64_t people_of(const std::optional<release::Heads>& heads) { return heads ? heads->at_least : 0; }

CellState state_of(const PortfolioCell& cell)
{
    const auto any = [&](auto holds) {
        return std::any_of(cell.services.begin(), cell.services.end(),
                           [&](const Finding* finding) { return holds(finding->decision.verdict); });
    };
    if (cell.services.empty()) return cell.people ? CellState::in_use : CellState::idle;
    const bool agreed = any([](Verdict v) { return v == Verdict::sanctioned; });
    const bool tolerated = any([](Verdict v) { return v == Verdict::tolerated; });
    const bool others = any([](Verdict v) { return v == Verdict::unsanctioned || v == Verdict::unreviewed; });
    if (!others) return agreed && !tolerated ? CellState::agreed : CellState::tolerated;
    if (agreed || tolerated) return CellState::mixed;
    return cell.offered.empty() ? CellState::not_offered_assumed : CellState::not_yet_agreed;
}

/// Capabilities that the catalogue knows for private or general use alone: games, news, search.
std::set<std::string> private_capabilities(const catalog::Catalog& catalog)
{
    std::set<std::string> of_private_use, of_work;
    for (const auto& service : catalog.services())
        (service.low_interest ? of_private_use : of_work).insert(service.capability);
    std::erase_if(of_private_use, [&](const auto& capability) { return of_work.contains(capability); });
    return of_private_use;
}

}    // namespace

std::string_view to_string(CellState state)
{
    switch (state) {
        case CellState::agreed: return "agreed";
        case CellState::tolerated: return "tolerated";
        case CellState::not_yet_agreed: return "not_yet_agreed";
        case CellState::mixed: return "mixed";
        case CellState::not_offered_assumed: return "not_offered_assumed";
        case CellState::in_use: return "in_use";
        case CellState::idle: break;
    }
    return "idle";
}

std::string_view words_of(CellState state)
{
    switch (state) {
        case CellState::agreed: return "agreed";
        case CellState::tolerated: return "agreed with conditions";
        case CellState::not_yet_agreed: return "not yet agreed";
        case CellState::mixed: return "agreed and others";
        case CellState::not_offered_assumed: return "not offered yet (assumed)";
        case CellState::in_use: return "in use";
        case CellState::idle: break;
    }
    return "no use seen";
}

const PortfolioCell* Portfolio::at(std::string_view unit, std::string_view capability) const
{
    const auto found = std::find_if(cells.begin(), cells.end(), [&](const PortfolioCell& cell) {
        return cell.unit == unit && cell.capability == capability;
    });
    return found == cells.end() ? nullptr : &*found;
}

Portfolio portfolio_of(const release::Figures& figures, const std::vector<Finding>& findings, const Meaning& meaning,
                       std::uint64_t use_threshold)
{
    Offers offers(meaning);
    const bool exact = figures.strength == release::Strength::exact;
    std::map<std::pair<std::string, std::string>, PortfolioCell> cells;
    const auto cell_at = [&](const std::string& unit, const std::string& capability) -> PortfolioCell& {
        PortfolioCell& cell = cells[{unit, capability}];
        cell.unit = unit;
        cell.capability = capability;
        return cell;
    };
    const auto of_private_use = private_capabilities(meaning.catalog);
    for (const auto& figure : figures.capabilities)
        if (figure.people.at_least >= use_threshold && !of_private_use.contains(figure.capability))
            cell_at(figure.unit, figure.capability).people = figure.people;
    for (const auto& finding : findings) {
        if (!finding.shows_need() || !finding.figure.now) continue;
        if (finding.figure.people && people_of(finding.figure.people) < use_threshold) continue;
        cell_at(finding.figure.unit, finding.capability()).services.push_back(&finding);
    }
    if (exact)
        for (const auto& unit : meaning.directory.units())
            for (const auto& service : meaning.catalog.services())
                if (!cells.contains({unit.id, service.capability}) && !of_private_use.contains(service.capability) &&
                    !offers.agreed(unit.id, service.capability).empty())
                    cell_at(unit.id, service.capability);

    std::map<std::string, std::uint64_t> reach;    // of capabilities
    for (auto& [key, cell] : cells) {
        std::stable_sort(cell.services.begin(), cell.services.end(), [](const Finding* a, const Finding* b) {
            const auto left = people_of(a->figure.people), right = people_of(b->figure.people);
            return left != right ? left > right : a->figure.label < b->figure.label;
        });
        cell.offered = offers.agreed(cell.unit, cell.capability);
        cell.state = state_of(cell);
        reach[cell.capability] += people_of(cell.people);
    }
    Portfolio portfolio;
    for (const auto& unit : meaning.directory.units())
        portfolio.units.push_back(unit.id);
    for (const auto& [key, cell] : cells)
        if (std::find(portfolio.units.begin(), portfolio.units.end(), cell.unit) == portfolio.units.end())
            portfolio.units.push_back(cell.unit);
    // A need that no unit shows is no row: what is offered and nowhere seen is the catalogue's length, not the unit's.
    for (const auto& [capability, people] : reach)
        if (std::any_of(cells.begin(), cells.end(), [&, name = capability](const auto& entry) {
                return entry.second.capability == name && entry.second.state != CellState::idle;
            }))
            portfolio.capabilities.push_back(capability);
    std::stable_sort(portfolio.capabilities.begin(), portfolio.capabilities.end(),
                     [&](const auto& a, const auto& b) { return reach[a] > reach[b]; });
    for (const auto& unit : portfolio.units)
        for (const auto& capability : portfolio.capabilities)
            if (const auto found = cells.find({unit, capability}); found != cells.end())
                portfolio.cells.push_back(std::move(found->second));
    return portfolio;
}

}    // namespace dl::collector::insight
