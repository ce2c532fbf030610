#include "collector/insight/audience.hpp"

#include "collector/insight/labeller.hpp"
#include "collector/insight/offers.hpp"
#include "collector/release/reading.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dl::collector::insight {

using access::Role;

bool may(Role role, Operation operation)
{
    switch (role) {
        case Role::security:
        case Role::relationship_manager:
        case Role::unit_leader:
        case Role::privacy_officer: return true;
        case Role::operations:
        case Role::administrator: return operation == Operation::coverage || operation == Operation::units;
    }
    return false;
}

bool Audience::reads(std::string_view unit) const
{
    return units.empty() || std::find(units.begin(), units.end(), unit) != units.end();
}

Audience audience_of(const std::optional<access::Account>& caller, const Settings& settings)
{
    Audience audience;
    audience.k = audience.floor = settings.small_group;
    if (!caller) return audience;
    audience.units = caller->units;
    switch (caller->role) {
        case Role::security:
            audience.strength = release::Strength::exact;
            audience.sees_agents = true;
            break;
        case Role::operations: audience.sees_agents = true; break;
        case Role::unit_leader:
            audience.floor = std::max(settings.small_group, settings.small_group_own_unit);
            if (audience.units.empty()) audience.units = {""};    // a leader of no unit reads none
            break;
        default: break;
    }
    return audience;
}

release::Press press_of(store::UsageStore& usage, store::StateStore& state, const catalog::Catalog& catalog,
                        const directory::Directory& directory, const Settings& settings)
{
    return {usage,
            state,
            catalog,
            std::string(directory.version()),
            label_stamp(catalog, directory),
            static_cast<int>(settings.grace_days),
            static_cast<int>(settings.retention_days),
            std::ranges::any_of(directory.units(), [](const auto& unit) { return unit.people > 0; })};
}

namespace {

/// Why nothing can be there, where more than a lack of use is to blame.
Result<std::string> why_empty(const Audience& audience, store::UsageStore& usage, const release::Figures& figures,
                              const directory::Directory& directory, const std::string& unit)
{
    if (!figures.frozen || figures.frozen->connections == 0) {
        const auto connections = release::count_connections(usage, figures.period);
        if (!connections) return connections.error();
        if (*connections == 0)
            return fmt::format("No device reported anything of {}: nothing is known of it, which is not the same as "
                               "no use. Coverage tells which devices report.",
                               release::words_of(figures.period));
    }
    if (figures.strength == release::Strength::exact || figures.nobody_listed) return std::string();
    const auto asked = unit.empty() ? audience.units : std::vector<std::string>{unit};
    std::string small;
    for (const auto& id : asked) {
        const auto* found = directory.unit(id);
        if (found == nullptr || found->people >= figures.k) return std::string();
        small += fmt::format("{}{} ({})", small.empty() ? "" : ", ", found->name, found->people);
    }
    if (small.empty()) return small;
    return fmt::format("Nothing can be shown of {}: there are fewer people than the {} that every figure must stand "
                       "for, in this period as in any other.",
                       small, figures.k);
}

}    // namespace

Result<release::Figures> figures_for(const Audience& audience, const release::Press& press,
                                     const release::Period& period, Timestamp now,
                                     const directory::Directory& directory, const std::string& unit)
{
    if (!unit.empty() && !audience.reads(unit))
        return denied(fmt::format("your account does not read unit '{}'; ask an administrator", unit.substr(0, 64)));
    const bool exact = audience.strength == release::Strength::exact;
    auto figures =
        exact ? release::exact_figures(press.usage, period, audience.k) : released_for(audience, press, period, now);
    if (!figures) return figures;
    if (exact)
        if (auto added = release::add_lateness(press, *figures); !added) return added.error();
    const auto foreign = [&](const auto& figure) {
        return !audience.reads(figure.unit) || (!unit.empty() && figure.unit != unit);
    };
    std::erase_if(figures->uses, foreign);
    std::erase_if(figures->capabilities, foreign);
    if (!figures->uses.empty() || !figures->capabilities.empty()) return figures;
    auto why = why_empty(audience, press.usage, *figures, directory, unit);
    if (!why) return why.error();
    figures->why_empty = std::move(*why);
    return figures;
}

Result<release::Figures> released_for(const Audience& audience, const release::Press& press,
                                      const release::Period& period, Timestamp now)
{
    // What is frozen is frozen at the common floor; a higher one only leaves out.
    auto figures = release::released_figures(press, period, audience.k, now);
    if (!figures) return figures;
    return release::restrict_to(std::move(*figures), audience.floor);
}

release::Period week_so_far(Day today)
{
    return {release::Period::Kind::window, release::week_of(today).from, today + std::chrono::days(1)};
}

release::Period usual_period(Day settled) { return release::last_closed_week(settled); }

Result<std::vector<Choice>> choices_for(const Audience& audience, store::UsageStore& usage, Day today, Day settled)
{
    const bool exact = audience.strength == release::Strength::exact;
    auto periods = release::closed_periods(usage, exact ? today : settled);
    if (!periods) return periods.error();
    const release::Period usual = usual_period(settled);
    if (std::find(periods->begin(), periods->end(), usual) == periods->end())
        periods->insert(std::find_if(periods->begin(), periods->end(),
                                     [&](const auto& period) {
                                         return period.kind != release::Period::Kind::week || period.from < usual.from;
                                     }),
                        usual);
    std::vector<Choice> choices;
    if (exact) choices.push_back({week_so_far(today), false});
    for (const auto& period : *periods)
        choices.push_back({period, release::is_closed(period, settled)});
    return choices;
}

Result<release::Period> choose_period(std::string_view id, std::string_view from, std::string_view to, Day today,
                                      Day settled)
{
    if (from.empty() && to.empty()) {
        if (id.empty()) return usual_period(settled);
        if (const auto between = id.find(".."); between != std::string_view::npos) {
            const auto first = parse_iso_date(id.substr(0, between));
            if (!first) return first.error();
            const auto last = parse_iso_date(id.substr(between + 2));
            if (!last) return last.error();
            return release::window(*first, *last + std::chrono::days(1));
        }
        return release::parse_period(id);
    }
    if (!id.empty()) return invalid_input("period and days exclude each other; give one of them");
    const auto first =
        from.empty() ? Result<Day>(invalid_input("'to' without 'from'; give both")) : parse_iso_date(from);
    if (!first) return first.error();
    const auto after = to.empty() ? Result<Day>(today + std::chrono::days(1)) : parse_iso_date(to);
    if (!after) return after.error();
    return release::window(*first, *after);
}

std::vector<std::string> notes_on(const release::Figures& figures)
{
    std::vector<std::string> notes;
    if (figures.strength == release::Strength::exact) {
        if (!figures.why_empty.empty()) notes.push_back(figures.why_empty);
        notes.insert(notes.end(),
                     {"Exact figures for the security role: not to be shown to others.",
                      "Heads count people of the directory once each, and each account that is not in the directory; "
                      "released figures count people of the directory alone.",
                      fmt::format("Unknown domains are listed from {} people or {} sent.", figures.k,
                                  bytes_text(release::unknown_upload_threshold))});
        if (figures.frozen && figures.late_connections.value_or(0) > 0)
            notes.push_back(
                fmt::format("{} connections were reported after the release of {}: they are here, and in no "
                            "released figure.",
                            *figures.late_connections, to_iso_date(day_of(figures.frozen->at))));
        return notes;
    }
    if (!figures.why_empty.empty()) notes.push_back(figures.why_empty);
    notes.insert(
        notes.end(),
        {fmt::format("Closed weeks and months, head-counts in bands, nothing that stands for fewer than {} people.",
                     figures.k),
         "What is not listed was not used, or by too few people to show."});
    if (figures.period.kind == release::Period::Kind::month)
        notes.push_back("A month is the weeks whose Thursday lies in it.");
    if (figures.nobody_listed)
        notes.push_back("No people in the directory: nothing can be released. List them in people.csv "
                        "(directory.people).");
    if (figures.frozen)
        notes.push_back(
            fmt::format("Released on {} and not changed since: what is reported later changes nothing here.",
                        to_iso_date(day_of(figures.frozen->at))));
    else if (!figures.nobody_listed && figures.why_empty.empty())
        notes.push_back("Nothing is released for this period: nothing was reported, or its facts expired unasked for.");
    return notes;
}

}    // namespace dl::collector::insight
