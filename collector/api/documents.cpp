#include "collector/api/documents.hpp"

#include "collector/insight/audience.hpp"

#include <algorithm>

namespace dl::collector::api {
namespace {

using insight::Finding;
using nlohmann::json;

template <class T>
json or_null(const std::optional<T>& value)
{
    return value ? json(*value) : json(nullptr);
}

json heads_json(const std::optional<release::Heads>& heads)
{
    if (!heads) return nullptr;
    return {{"text", heads->text()},
            {"at_least", heads->at_least},
            {"at_most", or_null(heads->at_most)},
            {"exact", heads->exact ? json(heads->at_least) : json(nullptr)}};
}

json time_json(const std::optional<Timestamp>& when) { return when ? json(to_rfc3339(*when)) : json(nullptr); }

json versions_json(const insight::Meaning& meaning)
{
    return {{"catalog", meaning.catalog.version()},
            {"policy", meaning.policy.version()},
            {"directory", meaning.directory.version()}};
}

json named(const catalog::Service* service)
{
    if (!service) return nullptr;
    return {{"id", service->id}, {"name", service->name}};
}

json named_list(const std::vector<const catalog::Service*>& services)
{
    json list = json::array();
    for (const auto* service : services)
        list.push_back(named(service));
    return list;
}

json subject_json(const Finding& finding)
{
    const auto* service = finding.service;
    return {{"kind", service ? "service" : catalog::to_string(finding.counted)},
            {"id", finding.figure.label},
            {"name", finding.name()},
            {"vendor", service ? service->vendor : ""},
            {"category", service ? service->category : ""},
            {"capability", service ? service->capability : ""}};
}

json reasons_json(const Finding& finding, bool exact, const insight::Meaning& meaning)
{
    json hosts = json::array();
    if (exact)
        for (const auto& host : finding.figure.hosts)
            if (std::find(hosts.begin(), hosts.end(), json(host.host)) == hosts.end()) hosts.push_back(host.host);
    const auto& decision = finding.decision;
    return {{"matched", finding.matched},
            {"hosts", hosts},
            {"catalog_version", meaning.catalog.version()},
            {"rule", decision.rule},
            {"reason", decision.reason},
            {"owner", decision.owner},
            {"conditions", decision.conditions},
            {"review", decision.review ? json(to_iso_date(*decision.review)) : json(nullptr)},
            {"chain", decision.chain}};
}

json finding_json(const Finding& finding, bool exact, const insight::Meaning& meaning)
{
    const auto& figure = finding.figure;
    json evidence = json::array(), risks = json::array(), options = json::array();
    for (const auto& one : figure.evidence)
        evidence.push_back({{"kind", one.kind}, {"connections", or_null(one.connections)}});
    for (const auto& risk : finding.risks)
        risks.push_back({{"id", risk.id}, {"name", risk.name}, {"evidence", risk.evidence}});
    for (const auto& option : finding.options)
        options.push_back({{"id", option.id},
                           {"title", option.title},
                           {"consequence", option.consequence},
                           {"service", named(option.service)}});
    json bytes = nullptr;
    if (figure.bytes_up && figure.bytes_down) bytes = {{"up", *figure.bytes_up}, {"down", *figure.bytes_down}};
    return {{"id", finding.id()},
            {"unit", {{"id", figure.unit}, {"name", insight::unit_name(meaning.directory, figure.unit)}}},
            {"subject", subject_json(finding)},
            {"verdict", policy::to_string(finding.decision.verdict)},
            {"verdict_words", insight::business_words(finding.decision.verdict)},
            {"reasons", reasons_json(finding, exact, meaning)},
            {"evidence", evidence},
            {"reach",
             {{"people", heads_json(figure.people)}, {"devices", heads_json(figure.devices)}, {"days", figure.days}}},
            {"trend", insight::to_string(finding.trend)},
            {"bytes", bytes},
            {"risks", risks},
            {"options", options},
            {"alternatives", named_list(finding.alternatives)},
            {"first_seen", time_json(figure.first_seen)},
            {"last_seen", time_json(figure.last_seen)},
            {"background", finding.background},
            {"priority", finding.priority}};
}

json release_json(const release::Figures& figures)
{
    if (!figures.frozen) return nullptr;
    return {{"at", to_rfc3339(figures.frozen->at)},
            {"catalog", figures.frozen->catalog},
            {"directory", figures.frozen->directory},
            {"late_connections", or_null(figures.late_connections)}};
}

std::string_view view_of(const release::Figures& figures)
{
    return figures.strength == release::Strength::exact ? "security" : "released";
}

json unit_json(const std::string& id, const directory::Directory& directory)
{
    const auto* unit = directory.unit(id);
    const bool root = !unit || unit->parent.empty();
    return {{"id", id},
            {"name", insight::unit_name(directory, id)},
            {"parent", root ? json(nullptr) : json(unit->parent)},
            {"people", unit ? unit->people : 0},
            {"devices", unit ? unit->devices : 0}};
}

json cell_json(const insight::PortfolioCell& cell)
{
    json services = json::array();
    for (const auto* finding : cell.services)
        services.push_back({{"id", finding->figure.label},
                            {"name", finding->name()},
                            {"vendor", finding->service ? finding->service->vendor : ""},
                            {"kind", finding->figure.kind},
                            {"verdict", policy::to_string(finding->decision.verdict)},
                            {"verdict_words", insight::business_words(finding->decision.verdict)},
                            {"heads", heads_json(finding->figure.people)}});
    return {{"unit", cell.unit},
            {"capability", cell.capability},
            {"state", insight::to_string(cell.state)},
            {"words", insight::words_of(cell.state)},
            {"heads", heads_json(cell.people)},
            {"assumed", true},
            {"services", services},
            {"agreed_services", named_list(cell.offered)}};
}

json share_json(const insight::Share& share)
{
    return {{"part", share.rounded ? json(nullptr) : json(share.part)},
            {"whole", share.rounded ? json(nullptr) : json(share.whole)},
            {"percent", or_null(share.percent())},
            {"withheld", share.withheld}};
}

}    // namespace

json period_json(const release::Period& period, Day today)
{
    return {{"kind", release::to_string(period.kind)},
            {"id", release::id_of(period)},
            {"from", to_iso_date(period.from)},
            {"to", to_iso_date(period.to)},
            {"closed", release::is_closed(period, today)}};
}

json findings_json(const release::Figures& figures, const std::vector<Finding>& findings,
                   const insight::Meaning& meaning, Day today)
{
    const bool exact = figures.strength == release::Strength::exact;
    json list = json::array();
    for (const auto& finding : findings)
        list.push_back(finding_json(finding, exact, meaning));
    return {{"view", view_of(figures)},
            {"period", period_json(figures.period, today)},
            {"previous", period_json(figures.previous, today)},
            {"small_group", figures.k},
            {"release", release_json(figures)},
            {"versions", versions_json(meaning)},
            {"findings", list},
            {"why_empty", figures.why_empty.empty() ? json(nullptr) : json(figures.why_empty)},
            {"notes", insight::notes_on(figures)}};
}

json portfolio_json(const release::Figures& figures, const insight::Portfolio& portfolio,
                    const std::vector<std::string>& units, const insight::Meaning& meaning, Day today)
{
    json rows = json::array(), columns = json::array(), cells = json::array();
    for (const auto& unit : units)
        rows.push_back(unit_json(unit, meaning.directory));
    for (const auto& capability : portfolio.capabilities)
        columns.push_back({{"id", capability}, {"name", insight::capability_name(capability)}});
    for (const auto& cell : portfolio.cells)
        if (std::find(units.begin(), units.end(), cell.unit) != units.end()) cells.push_back(cell_json(cell));
    return {{"view", view_of(figures)},
            {"period", period_json(figures.period, today)},
            {"small_group", figures.k},
            {"release", release_json(figures)},
            {"versions", versions_json(meaning)},
            {"units", rows},
            {"capabilities", columns},
            {"cells", cells},
            {"why_empty", figures.why_empty.empty() ? json(nullptr) : json(figures.why_empty)},
            {"notes", insight::notes_on(figures)}};
}

json units_json(const std::vector<std::string>& units, std::span<const insight::Choice> choices,
                const release::Period& usual, const directory::Directory& directory, Day today)
{
    json rows = json::array(), times = json::array();
    for (const auto& unit : units)
        rows.push_back(unit_json(unit, directory));
    for (const auto& choice : choices) {
        times.push_back(period_json(choice.period, today));
        times.back()["released"] = choice.released;
    }
    return {{"units", rows}, {"periods", times}, {"usual_period", release::id_of(usual)}};
}

json coverage_json(const insight::Coverage& coverage, const std::vector<std::string>& units, SilentAgents silent,
                   Day today)
{
    json by_unit = json::array(), silent_agents = json::array(), weak_offers = json::array(), agents;
    for (const auto& entry : coverage.devices_by_unit)
        if (std::find(units.begin(), units.end(), entry.unit) != units.end())
            by_unit.push_back(
                {{"unit", entry.unit}, {"share", entry.share ? share_json(*entry.share) : json(nullptr)}});
    if (silent == SilentAgents::named)
        for (const auto& observer : coverage.silent)
            silent_agents.push_back({{"agent", observer.agent.hex()},
                                     {"kind", wire::to_string(observer.kind)},
                                     {"version", observer.version},
                                     {"last_report", to_rfc3339(observer.last_report)}});
    for (const auto& offer : coverage.weak_offers)
        weak_offers.push_back({{"application", offer.application},
                               {"version", wire::to_string(offer.version)},
                               {"protocols", wire::words_of(offer.protocols)},
                               {"last_day", to_iso_date(offer.last_day)}});
    if (coverage.agents_shown)
        agents = {{"reporting", coverage.observers.size() - coverage.silent.size()},
                  {"silent", coverage.silent.size()},
                  {"packets", coverage.counters.packets},
                  {"packets_dropped", coverage.counters.packets_dropped},
                  {"gap_seconds", coverage.counters.gap_seconds},
                  {"cells_dropped", coverage.counters.cells_dropped},
                  {"quarantined", coverage.quarantined},
                  {"too_old", coverage.too_old}};
    return {{"period", period_json(coverage.period, today)},
            {"devices", share_json(coverage.devices)},
            {"devices_by_unit", by_unit},
            {"readable_names", share_json(coverage.readable_names)},
            {"hidden_road_bytes", share_json(coverage.hidden_road_bytes)},
            {"people_attributed", coverage.agents_shown ? share_json(coverage.people_attributed) : json(nullptr)},
            {"programs_known", coverage.agents_shown ? share_json(coverage.programs_known) : json(nullptr)},
            {"weak_offers", weak_offers},
            {"agents", agents},
            {"silent_agents", silent_agents},
            {"not_covered", coverage.not_covered},
            {"notes", coverage.notes}};
}

}    // namespace dl::collector::api
