#include "collector/insight/finding.hpp"

#include "shared/names/readable_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace dl::collector::insight {
namespace {

constexpr std::size_t alternatives_shown = 3;

/// Urgency in one number: verdict first, then measured risks, then movement, then reach.
std::uint64_t priority_of(const Finding& finding)
{
    std::uint64_t priority = 0;
    switch (finding.decision.verdict) {
        case policy::Verdict::unsanctioned: priority = 400; break;
        case policy::Verdict::unreviewed: priority = 200; break;
        case policy::Verdict::tolerated: priority = 100; break;
        case policy::Verdict::sanctioned: break;
    }
    priority += 60 * finding.risks.size();
    if (finding.trend == Trend::fresh || finding.trend == Trend::growing) priority += 40;
    if (finding.trend == Trend::gone || finding.background) return priority / 10;
    const std::uint64_t people = finding.figure.people ? finding.figure.people->at_least : 0;
    priority += std::min<std::uint64_t>(2 * people, 100);
    return finding.low_interest ? priority / 4 : priority;
}

/// What is no service has no policy: why it is listed, and what is known of it.
policy::Decision decide(const Finding& finding, const Meaning& meaning)
{
    if (finding.service) return meaning.policy.decide(*finding.service, finding.figure.unit);
    policy::Decision decision;
    const std::string large = bytes_text(release::unknown_upload_threshold);
    switch (finding.counted) {
        case catalog::Counted::storage:
            decision.reason = "A bucket of shared cloud storage: whose it is and for which service, its name does not "
                              "tell. Listed because of what was uploaded";
            decision.chain = {"shared storage serves everybody and proves no service: never listed for being reached",
                              fmt::format("{} uploaded by this unit in the period, {} or more: listed for security",
                                          bytes_text(finding.figure.bytes_up.value_or(0)), large)};
            break;
        case catalog::Counted::vendor:
            decision.reason = "A host that the catalogue does not list, below a known vendor's domain";
            decision.chain = {"the domain's vendor is known, the host is no catalogued service: not yet reviewed"};
            break;
        case catalog::Counted::address:
            decision.reason = "An address without a name: no handshake, request or DNS answer told one";
            decision.chain = {"no name was seen: not yet reviewed"};
            break;
        default:
            decision.reason = "The catalogue does not hold this domain";
            decision.chain = {"no catalogue entry: not yet reviewed"};
    }
    return decision;
}

/// The kind that the label of the figure was laid with.
catalog::Counted counted_as(std::string_view kind)
{
    using catalog::Counted;
    for (const Counted each : {Counted::service, Counted::background, Counted::vendor, Counted::address,
                               Counted::storage, Counted::noise, Counted::internal, Counted::personal})
        if (to_string(each) == kind) return each;
    return Counted::unknown;
}

bool is_low_interest(const Finding& finding)
{
    if (finding.service) return finding.service->low_interest;
    return finding.counted == catalog::Counted::address || finding.counted == catalog::Counted::vendor;
}

std::vector<std::string> patterns_of(const release::Figure& figure, const catalog::Catalog& catalog)
{
    std::set<std::string> patterns;
    for (const auto& host : figure.hosts) {
        const auto match = catalog.match(host.host, host.canonical);
        if (!match.matched.empty()) patterns.emplace(match.matched);
    }
    return {patterns.begin(), patterns.end()};
}

}    // namespace

std::string Finding::name() const
{
    if (service) return service->name;
    const std::string host = names::readable_host(figure.label);
    return counted == catalog::Counted::storage ? "Shared storage: " + host : host;
}

std::string_view to_string(Trend trend)
{
    switch (trend) {
        case Trend::fresh: return "new";
        case Trend::growing: return "growing";
        case Trend::steady: return "steady";
        case Trend::fading: return "fading";
        case Trend::unknown: return "unknown";
        case Trend::gone: break;
    }
    return "gone";
}

Trend trend_of(const release::Figure& figure)
{
    if (!figure.now) return Trend::gone;
    if (!figure.before) return Trend::fresh;
    const std::uint64_t now = figure.people ? figure.people->at_least : 0;
    const std::uint64_t before = figure.before->at_least;
    // Exact figures: half as many again, and two people at least. Bands: another band.
    const bool exact = figure.before->exact;
    if (now > before && (!exact || (2 * now >= 3 * before && now - before >= 2))) return Trend::growing;
    if (now < before && (!exact || (3 * now <= 2 * before && before - now >= 2))) return Trend::fading;
    return Trend::steady;
}

std::string_view background_words(release::Strength strength)
{
    // To everybody else a few people's use must look like none.
    return strength == release::Strength::exact
               ? "only embedded or background traffic seen: other pages and programs reach it, nobody's use"
               : "only embedded or background traffic can be shown: no use by enough people";
}

std::vector<Finding> find(const release::Figures& figures, const Meaning& meaning)
{
    Offers offers(meaning);
    std::map<std::string, std::set<std::string>> used;    // services by unit
    std::set<std::string> compared;                       // units of which something was seen the time before
    for (const auto& figure : figures.uses) {
        if (figure.now && counted_as(figure.kind) != catalog::Counted::background)
            used[figure.unit].insert(figure.label);
        if (figure.before || !figure.now) compared.insert(figure.unit);
    }

    std::vector<Finding> findings;
    for (const auto& figure : figures.uses) {
        Finding finding;
        finding.figure = figure;
        finding.counted = counted_as(figure.kind);
        finding.background = finding.counted == catalog::Counted::background;
        if (finding.counted == catalog::Counted::service || finding.background)
            finding.service = meaning.catalog.service(figure.label);
        finding.low_interest = is_low_interest(finding);
        finding.decision = decide(finding, meaning);
        finding.matched =
            figures.strength == release::Strength::exact ? patterns_of(figure, meaning.catalog) : figure.matched;
        finding.trend = compared.contains(figure.unit) ? trend_of(figure) : Trend::unknown;
        if (!finding.background) finding.risks = risks_of(figure, finding.service);
        if (finding.counted == catalog::Counted::storage)
            finding.risks.insert(finding.risks.begin(), storage_upload(figure));
        std::vector<const catalog::Service*> used_agreed, unused_agreed;
        if (finding.service && !finding.background)
            for (const auto* service : offers.instead_of(figure.unit, *finding.service))
                (used[figure.unit].contains(service->id) ? used_agreed : unused_agreed).push_back(service);
        // First what does the same work first of all, and among that its own kind.
        const auto alike = [&](const auto* service) { return service->category == finding.service->category; };
        std::stable_partition(used_agreed.begin(), used_agreed.end(), alike);
        std::stable_partition(unused_agreed.begin(), unused_agreed.end(), alike);
        finding.alternatives = used_agreed;
        finding.alternatives.insert(finding.alternatives.end(), unused_agreed.begin(), unused_agreed.end());
        if (finding.alternatives.size() > alternatives_shown) finding.alternatives.resize(alternatives_shown);
        if (finding.background)
            finding.decision.chain.insert(finding.decision.chain.begin(),
                                          std::string(background_words(figures.strength)));
        else
            finding.options = options_of(finding, used_agreed);
        finding.priority = priority_of(finding);
        findings.push_back(std::move(finding));
    }
    std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
        return a.priority != b.priority ? a.priority > b.priority : a.id() < b.id();
    });
    return findings;
}

}    // namespace dl::collector::insight
