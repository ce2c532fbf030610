#include "collector/dialogue/brief.hpp"

#include "collector/dialogue/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace dl::collector::dialogue {
namespace {

using insight::CellState;
using insight::Finding;
using policy::Verdict;

constexpr std::size_t most_points = 3;
constexpr std::size_t most_options = 3;
constexpr std::size_t most_working = 6;

bool is_open(const Finding& finding)
{
    if (finding.low_interest || finding.background) return false;
    return finding.decision.verdict == Verdict::unsanctioned || finding.decision.verdict == Verdict::unreviewed;
}

/// Words of at least five letters, lower case, a plural's s left out.
std::set<std::string> long_words(std::string_view text)
{
    std::set<std::string> words;
    std::string word;
    const auto end = [&] {
        if (word.size() > 5 && word.back() == 's') word.pop_back();
        if (word.size() >= 5) words.insert(word);
        word.clear();
    };
    for (const char c : text) {
        if (c >= 'a' && c <= 'z')
            word += c;
        else if (c >= 'A' && c <= 'Z')
            word += static_cast<char>(c - 'A' + 'a');
        else
            end();
    }
    end();
    return words;
}

using Goals = std::vector<directory::Goal>;

/// The goal that the unit says is about this need or one of its services; where none is, a question about the first
/// that shares a word with it.
void relate_to_goals(Point& point, const Goals& goals, const std::string& capability, const std::string& in_words)
{
    for (const auto& goal : goals)
        for (const auto& about : goal.about)
            if (about == capability || std::any_of(point.services.begin(), point.services.end(),
                                                   [&](const auto& service) { return service.first == about; })) {
                point.goal = goal.text;
                point.goal_id = goal.id;
                return;
            }
    const auto wanted = long_words(in_words);
    for (const auto& goal : goals)
        for (const auto& word : long_words(goal.text))
            if (wanted.contains(word)) {
                point.goal_question = words::serves_goal(goal.text);
                return;
            }
}

/// Confidence in what is said of the whole unit.
Confidence confidence_in_coverage(const std::string& unit, const insight::Coverage& coverage)
{
    Confidence confidence;
    const auto lower_to = [&](Confidence::Word word) { confidence.word = std::max(confidence.word, word); };
    const auto* share = coverage.of_unit(unit);
    const auto percent = share ? share->percent() : std::nullopt;
    if (percent) {
        confidence.reasons.push_back(words::devices_reported(*share));
        if (*percent < 70.0)
            lower_to(Confidence::Word::dont_quote);
        else if (*percent < 90.0)
            lower_to(Confidence::Word::indicative);
    } else {
        confidence.reasons.push_back(words::devices_unknown());
        lower_to(Confidence::Word::indicative);
    }
    const auto readable = coverage.readable_names.percent();
    if (readable && *readable < 95.0) {
        confidence.reasons.push_back(words::names_readable(coverage.readable_names));
        lower_to(*readable < 70.0 ? Confidence::Word::dont_quote : Confidence::Word::indicative);
    }
    return confidence;
}

/// Confidence in the use of one service.
Confidence confidence_in(const Finding& finding, Confidence base)
{
    const auto lower_to = [&](Confidence::Word word) { base.word = std::max(base.word, word); };
    const bool certain = std::any_of(finding.figure.evidence.begin(), finding.figure.evidence.end(), [](const auto& e) {
        return e.kind == "tls_sni" || e.kind == "quic_sni" || e.kind == "http_host" || e.kind == "http_connect";
    });
    base.reasons.push_back(words::name_read(certain));
    if (!certain) lower_to(Confidence::Word::indicative);
    if (finding.figure.people && !finding.figure.people->at_most && finding.figure.people->at_least < 500)
        base.reasons.push_back(words::coarse_figure());
    return base;
}

std::vector<std::string> why_nothing(const directory::Unit& unit, const directory::Directory& directory,
                                     std::uint64_t k)
{
    std::vector<std::string> below;
    bool listed = false;
    for (const auto& other : directory.units()) {
        if (other.people == 0) continue;
        listed = true;
        for (const auto* up = &other; up != nullptr; up = directory.unit(up->parent))
            if (up->parent == unit.id) below.push_back(other.name);
    }
    return words::why_nothing(unit, below, listed, k);
}

/// Findings that make one point: those of one capability, or one unknown domain.
using Group = std::vector<const Finding*>;

Point make_point(const Group& group, const Goals& goals, const Confidence& coverage)
{
    const Finding& first = *group.front();
    Point point;
    const bool risky = std::any_of(group.begin(), group.end(), [](const Finding* finding) {
        return !finding->risks.empty() || finding->decision.verdict == Verdict::unsanctioned;
    });
    point.kind = risky ? Point::Kind::risk : Point::Kind::need;
    point.title = first.service ? insight::capability_name(first.capability()) : words::unknown_domain(first.name());
    std::string about = point.title;
    for (const Finding* finding : group) {
        if (!point.evidence.empty()) point.evidence += "; ";
        point.evidence += words::used(*finding);
        for (const auto& risk : finding->risks)
            point.evidence += fmt::format(" [{}: {}]", risk.name, risk.evidence);
        point.services.emplace_back(finding->figure.label, finding->name());
        if (finding->service) about += " " + finding->service->name + " " + finding->service->category;
    }
    point.evidence += ".";
    if (const auto terms = words::terms(first); !terms.empty()) point.evidence += " " + terms + ".";
    if (point.evidence.ends_with("..")) point.evidence.pop_back();
    point.people = first.figure.people;
    point.trend = insight::to_string(first.trend);
    point.alternative = words::alternative(first.alternatives);
    point.options.assign(first.options.begin(), first.options.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                            first.options.size(), most_options)));
    point.question = words::question(point.kind, first.name(),
                                     first.alternatives.empty() ? std::string() : first.alternatives.front()->name);
    relate_to_goals(point, goals, first.service ? first.capability() : std::string(), about);
    point.confidence = confidence_in(first, coverage);
    return point;
}

Point make_saving(const insight::PortfolioCell& cell, const Goals& goals, const Confidence& coverage)
{
    const Finding& first = *cell.services[0];
    const Finding& second = *cell.services[1];
    Point point = make_point({&first, &second}, goals, coverage);
    point.kind = Point::Kind::saving;
    point.alternative = words::alternative(cell.offered);
    point.question = words::question(point.kind, first.name(), second.name());
    return point;
}

/// What a need of the unit's own goals weighs more than another: as much as one step of the verdict (insight::find), so
/// that it comes before any other need that is open in the same way and holds no risk more.
constexpr std::uint64_t goal_weight = 200;

/// What is not yet agreed, one point per need, the unit's goals and what is urgent first; then what could be saved.
std::vector<Point> points_of(const std::vector<Finding>& findings, const insight::Portfolio& portfolio,
                             const Goals& goals, const Confidence& coverage)
{
    std::vector<Group> groups;    // findings come most urgent first
    std::map<std::string, std::size_t> by_need;
    for (const auto& finding : findings) {
        if (!is_open(finding)) continue;
        const std::string need = finding.service ? "need:" + finding.capability() : "domain:" + finding.figure.label;
        const auto [at, fresh] = by_need.emplace(need, groups.size());
        if (fresh) groups.emplace_back();
        groups[at->second].push_back(&finding);
    }
    std::vector<std::pair<std::uint64_t, Point>> weighed;
    for (const auto& group : groups) {
        Point point = make_point(group, goals, coverage);
        const std::uint64_t weight = group.front()->priority + (point.goal_id.empty() ? 0 : goal_weight);
        weighed.emplace_back(weight, std::move(point));
    }
    std::stable_sort(weighed.begin(), weighed.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<Point> points;
    for (auto& [weight, point] : weighed)
        points.push_back(std::move(point));
    for (const auto& cell : portfolio.cells)
        if (cell.state == CellState::agreed && cell.services.size() >= 2)
            points.push_back(make_saving(cell, goals, coverage));
    return points;
}

}    // namespace

std::string_view to_string(Confidence::Word word)
{
    switch (word) {
        case Confidence::Word::firm: return "firm";
        case Confidence::Word::indicative: return "indicative";
        case Confidence::Word::dont_quote: break;
    }
    return "don't quote";
}

std::string_view to_string(Point::Kind kind)
{
    switch (kind) {
        case Point::Kind::need: return "need";
        case Point::Kind::risk: return "risk";
        case Point::Kind::saving: break;
    }
    return "saving";
}

std::string title_of(const Brief& brief) { return brief.unit_name + ", " + release::words_of(brief.period); }

Result<Brief> make_brief(const std::string& unit, const release::Figures& figures, const insight::Coverage& coverage,
                         const insight::Meaning& meaning, Day today)
{
    const auto* known = meaning.directory.unit(unit);
    if (!known) {
        std::string names;
        for (const auto& other : meaning.directory.units())
            names += (names.empty() ? "" : ", ") + other.id;
        return not_found(fmt::format("no unit '{}'; known are {}", unit.substr(0, 64), names));
    }
    release::Figures own = figures;
    std::erase_if(own.uses, [&](const auto& figure) { return figure.unit != unit || !figure.now; });
    std::erase_if(own.capabilities, [&](const auto& figure) { return figure.unit != unit; });
    const auto findings = insight::find(own, meaning);
    const auto portfolio = insight::portfolio_of(own, findings, meaning, 1);
    const Confidence base = confidence_in_coverage(unit, coverage);

    Brief brief;
    brief.unit = unit;
    brief.unit_name = known->name;
    brief.period = figures.period;
    brief.prepared = today;
    brief.k = figures.k;
    if (figures.frozen) brief.released = day_of(figures.frozen->at);
    brief.catalog_version = meaning.catalog.version();
    brief.policy_version = meaning.policy.version();
    brief.directory_version = meaning.directory.version();
    brief.goals = known->goals;
    brief.points = points_of(findings, portfolio, known->goals, base);
    std::vector<std::string> left_out;
    for (; brief.points.size() > most_points; brief.points.pop_back())
        left_out.insert(left_out.begin(), brief.points.back().title);
    brief.left_out = words::left_out(left_out);

    words::Needs needs_seen;
    std::vector<std::string> fresh, growing, fading;
    for (const auto& cell : portfolio.cells) {
        if (cell.services.empty()) continue;
        Group agreed;
        std::copy_if(cell.services.begin(), cell.services.end(), std::back_inserter(agreed),
                     [](const Finding* finding) { return !is_open(*finding) && !finding->low_interest; });
        const std::string need = insight::capability_name(cell.capability);
        const bool conditions = std::any_of(agreed.begin(), agreed.end(), [](const Finding* finding) {
            return finding->decision.verdict == Verdict::tolerated;
        });
        if (agreed.size() == cell.services.size())
            (conditions ? needs_seen.with_conditions : needs_seen.served).push_back(need);
        else if (!agreed.empty())
            needs_seen.partly.push_back(need);
        else if (std::any_of(cell.services.begin(), cell.services.end(),
                             [](const Finding* finding) { return is_open(*finding); }))
            needs_seen.open.push_back(need);
        if (!agreed.empty() && brief.working_well.size() < most_working)
            brief.working_well.push_back(
                {words::served(cell.capability, agreed), confidence_in(*agreed.front(), base)});
    }
    for (const auto& finding : findings) {
        if (finding.background) continue;    // contact, not use
        if (!finding.service && is_open(finding)) needs_seen.unplaced.push_back(finding.name());
        if (finding.trend == insight::Trend::fresh) fresh.push_back(finding.name());
        if (finding.trend == insight::Trend::growing) growing.push_back(finding.name());
        if (finding.trend == insight::Trend::fading) fading.push_back(finding.name());
    }
    brief.in_short = words::in_short(needs_seen, fresh.size());
    if (own.uses.empty()) brief.in_short = why_nothing(*known, meaning.directory, figures.k);
    const bool compared = std::any_of(findings.begin(), findings.end(),
                                      [](const Finding& finding) { return finding.trend != insight::Trend::unknown; });
    brief.since_last_time = words::since_last_time(fresh, growing, fading,
                                                   findings.empty() ? words::Before::nothing_now
                                                   : compared       ? words::Before::comparable
                                                                    : words::Before::none);
    brief.answers = words::answers();

    Confidence heads = base;
    heads.reasons.push_back(words::banded(figures.k));
    brief.how_sure.push_back({"Head-counts", heads});
    for (const auto& point : brief.points)
        brief.how_sure.push_back({point.title, point.confidence});
    Confidence needs{Confidence::Word::indicative, {words::assumed_capability()}};
    brief.how_sure.push_back({"Which need a service stands for", needs});
    brief.not_seen = words::not_seen(coverage, figures.k);
    brief.asks = words::asks(brief.points.size());
    return brief;
}

}    // namespace dl::collector::dialogue
