#include "collector/release/gate.hpp"

#include <algorithm>

namespace dl::collector::release {
namespace {

using Cell = UnitCounts::Cell;
using Published = std::map<Cell, Heads>;

void collect(const Published& published, const Cell& cell, std::vector<Heads>& parts)
{
    if (const auto found = published.find(cell); found != published.end()) parts.push_back(found->second);
}

}    // namespace

std::optional<Heads> release_finest(std::uint64_t people, std::uint64_t k)
{
    if (people == 0 || people < k) return std::nullopt;
    return band(people, k);
}

std::optional<Heads> release_coarse(std::uint64_t people, std::span<const Heads> published, std::size_t parts,
                                    std::uint64_t k)
{
    std::uint64_t largest = 0;
    for (const auto& part : published)
        largest = std::max(largest, part.at_least);
    if (largest > 0) return at_least(largest);
    if (people == 0 || people < k || parts == 0) return std::nullopt;
    const Heads own = band(people, k);
    if (own.at_least > (k - 1) * (parts - 1)) return std::nullopt;
    return own;
}

Published release(const UnitCounts& counts, std::uint64_t k)
{
    Published out;
    const auto known = [&](const std::string& capability) {
        const auto found = counts.services_known.find(capability);
        return found == counts.services_known.end() ? std::size_t{0} : found->second;
    };
    // The order of floors: services in weeks, services in the month, capabilities in weeks, capabilities in the month.
    for (const auto& [cell, people] : counts.people)
        if (!cell.service.empty() && cell.week < counts.weeks)
            if (const auto heads = release_finest(people, k)) out.emplace(cell, *heads);

    for (const auto& [cell, people] : counts.people) {
        if (cell.service.empty() || cell.week != counts.weeks) continue;
        std::vector<Heads> parts;
        for (std::size_t week = 0; week < counts.weeks; ++week)
            collect(out, {cell.service, cell.capability, week}, parts);
        if (const auto heads = release_coarse(people, parts, counts.weeks, k)) out.emplace(cell, *heads);
    }
    for (const bool whole_month : {false, true})
        for (const auto& [cell, people] : counts.people) {
            if (!cell.service.empty() || (cell.week == counts.weeks) != whole_month) continue;
            std::vector<Heads> parts;
            for (const auto& [other, heads] : out) {
                const bool service =
                    !other.service.empty() && other.capability == cell.capability && other.week == cell.week;
                const bool week = whole_month && other.service.empty() && other.capability == cell.capability;
                if (service || week) parts.push_back(heads);
            }
            std::size_t pieces = known(cell.capability);
            if (whole_month) pieces = std::min(pieces, counts.weeks);
            if (const auto heads = release_coarse(people, parts, pieces, k)) out.emplace(cell, *heads);
        }
    return out;
}

}    // namespace dl::collector::release
