#include "collector/dialogue/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dl::collector::dialogue::words {
namespace {

std::string days_text(std::uint64_t days) { return days == 1 ? "1 day" : fmt::format("{} days", days); }

std::string people_text(const std::optional<release::Heads>& heads)
{
    return heads ? fmt::format("{} people", heads->text()) : std::string("people we can't count");
}

std::string listed(const std::vector<std::string>& names, std::size_t most = 4)
{
    std::string out;
    const std::size_t shown = std::min(names.size(), most);
    for (std::size_t i = 0; i < shown; ++i) {
        if (i > 0) out += i + 1 == shown && names.size() <= most ? " and " : ", ";
        out += names[i];
    }
    if (names.size() > most) out += fmt::format(" and {} more", names.size() - most);
    return out;
}

std::string listed_all(const std::vector<std::string>& names) { return listed(names, names.size()); }

std::string movement(insight::Trend trend)
{
    switch (trend) {
        case insight::Trend::unknown: return "";
        case insight::Trend::fresh: return ", not shown the time before";
        case insight::Trend::growing: return ", growing";
        case insight::Trend::fading: return ", fading";
        default: return "";
    }
}

}    // namespace

std::string used(const insight::Finding& finding)
{
    // A month none of whose weeks can be shown has no days to tell.
    const std::string days = finding.figure.days > 0 ? " on " + days_text(finding.figure.days) : "";
    return fmt::format("{}: {}{}{}", finding.name(), people_text(finding.figure.people), days, movement(finding.trend));
}

std::string served(const std::string& capability, std::span<const insight::Finding* const> agreed)
{
    std::vector<std::string> uses;
    for (const auto* finding : agreed) {
        std::string how;
        if (finding->decision.verdict == policy::Verdict::tolerated) {
            const auto& conditions = finding->decision.conditions;
            how = conditions.empty() || is_banned(conditions) ? "; agreed with conditions"
                                                              : "; agreed with conditions: " + conditions;
        }
        uses.push_back(fmt::format("{} ({}{}{})", finding->name(), people_text(finding->figure.people),
                                   movement(finding->trend), how));
    }
    return fmt::format("{}: {}", insight::capability_name(capability), listed(uses, 3));
}

std::vector<std::string> in_short(const Needs& needs, std::size_t changed)
{
    std::vector<std::string> out;
    const auto say = [&](const std::vector<std::string>& names, const char* how) {
        if (!names.empty())
            out.push_back(fmt::format("{} need{} {}: {}.", names.size(), names.size() == 1 ? " is" : "s are", how,
                                      listed(names)));
    };
    say(needs.served, "served by agreed services");
    say(needs.with_conditions, "served by services agreed with conditions");
    say(needs.partly, "served by agreed services and, beside them, by others");
    say(needs.open, "met with services that are not yet agreed");
    if (!needs.unplaced.empty())
        out.push_back(fmt::format("What {} {} we do not know yet.", listed(needs.unplaced),
                                  needs.unplaced.size() == 1 ? "serves" : "serve"));
    if (out.empty()) return {nothing_shown()};
    if (changed > 0)
        out.push_back(
            fmt::format("{} service{} not shown in the period before.", changed, changed == 1 ? " was" : "s were"));
    return out;
}

std::vector<std::string> since_last_time(const std::vector<std::string>& fresh, const std::vector<std::string>& growing,
                                         const std::vector<std::string>& fading, Before before)
{
    std::vector<std::string> out;
    if (!fresh.empty()) out.push_back(fmt::format("Shown now and not in the period before: {}.", listed(fresh)));
    if (!growing.empty()) out.push_back(fmt::format("More people than before: {}.", listed(growing)));
    if (!fading.empty()) out.push_back(fmt::format("Fewer people than before: {}.", listed(fading)));
    if (out.empty() && before == Before::comparable) out.push_back("No figure moved into another band.");
    if (before == Before::none) out.push_back("There is no earlier period to compare with.");
    if (before == Before::nothing_now)
        out.push_back("Nothing can be shown for this period, so nothing can be compared.");
    out.push_back("No promises are on record between us yet: what we agree on this time opens the record.");
    return out;
}

std::string alternative(const std::vector<const catalog::Service*>& agreed)
{
    if (agreed.empty()) return "No agreed service is known for this need; assumed until you confirm the need.";
    std::vector<std::string> names;
    for (const auto* service : agreed)
        names.push_back(service->name);
    return fmt::format("Agreed for you: {}.", listed(names, 3));
}

std::string question(Point::Kind kind, const std::string& service, const std::string& alternative)
{
    switch (kind) {
        case Point::Kind::saving:
            return fmt::format("Which work needs both {} and {}, and what would be lost with one of them?", service,
                               alternative);
        case Point::Kind::risk:
            return alternative.empty() ? fmt::format("What work depends on {}, and which data goes there?", service)
                                       : fmt::format("Which data goes to {}, and what is missing in {} for that work?",
                                                     service, alternative);
        case Point::Kind::need: break;
    }
    return alternative.empty()
               ? fmt::format("What does {} make possible for your people, and should we offer it?", service)
               : fmt::format("What does {} give your people that {} does not?", service, alternative);
}

std::string terms(const insight::Finding& finding)
{
    const auto& decision = finding.decision;
    if (!decision.conditions.empty() && !is_banned(decision.conditions)) return "Conditions: " + decision.conditions;
    if (finding.service && !decision.reason.empty() && !is_banned(decision.reason))
        return "Why we raise it: " + decision.reason;
    return "";
}

std::vector<std::string> answers()
{
    return {
        "None yet. Anybody in the unit may say what a service is good for, or that a point is wrong: tell the unit's "
        "leader in your own words, no name needed. What was said, and what IT did with it, stands here next time."};
}

std::vector<std::string> not_seen(const insight::Coverage& coverage, std::uint64_t k)
{
    std::vector<std::string> out;
    out.push_back(fmt::format("Anything used by fewer than {} people, and what people do in private life.", k));
    out.push_back(
        "Phones and tablets, home computers, and computers without an agent; Windows and macOS are not covered yet.");
    if (const auto hidden = coverage.hidden_road_bytes.percent())
        out.push_back(
            fmt::format("Names inside VPN, proxy and encrypted DNS connections: {:g} % of the data.", *hidden));
    if (const auto readable = coverage.readable_names.percent())
        out.push_back(fmt::format("Connections without a readable name: {:g} %.", 100.0 - *readable));
    out.push_back("What was written, uploaded or read: Daylight keeps names of services, never contents.");
    return out;
}

std::vector<std::string> asks(std::size_t points)
{
    std::vector<std::string> out{
        "Read this draft first and tell us what is wrong in it; it goes to nobody else before that."};
    if (points > 0)
        out.push_back("For each point choose an option with us: an owner on both sides, what should change, and a day "
                      "to look again.");
    out.push_back(
        "Tell us where our reading of your work is wrong: which need a service stands for is our assumption.");
    return out;
}

std::string left_out(const std::vector<std::string>& titles)
{
    if (titles.empty()) return "";
    static constexpr std::array<std::string_view, 10> numbers{"",     "One", "Two",   "Three", "Four",
                                                              "Five", "Six", "Seven", "Eight", "Nine"};
    std::vector<std::string> inside;    // a sentence, a title keeps its capital only where it is a name
    for (const auto& title : titles)
        inside.push_back(title.starts_with("A service at ") ? "a" + title.substr(1) : title);
    const std::size_t count = titles.size();
    return fmt::format("{} more point{} not on this page: {}.",
                       count < numbers.size() ? std::string(numbers[count]) : std::to_string(count),
                       count == 1 ? " is" : "s are", listed(inside));
}

std::vector<std::string> why_nothing(const directory::Unit& unit, const std::vector<std::string>& below, bool anybody,
                                     std::uint64_t k)
{
    static constexpr const char* add = "Ask IT operations to list them in people.csv (setting directory.people). Weeks "
                                       "that were released before stay as "
                                       "they are; the next one counts them.";
    if (!anybody)
        return {"Nothing can be shown, because the directory lists no people at all: figures count people of the "
                "directory, and there is nobody to count.",
                add};
    if (unit.people == 0 && !below.empty())
        return {
            fmt::format("Nothing can be shown, because the directory lists nobody in {} itself. Its people are in {}: "
                        "read the briefs of those units, figures of several units are not added up.",
                        unit.name, listed_all(below))};
    if (unit.people == 0)
        return {
            fmt::format("Nothing can be shown, because the directory lists nobody in {}: figures count people of the "
                        "directory, and there is nobody to count.",
                        unit.name),
            add};
    if (unit.people < k)
        return {
            fmt::format("Nothing can be shown, because fewer than {} people are listed in {}: no figure may stand for "
                        "so few. Talk with the unit above it, whose people are counted together where the directory "
                        "lists them there.",
                        k, unit.name)};
    return {nothing_shown()};
}

std::string no_open_points() { return "Nothing that can be shown needs a conversation this time."; }

std::string nothing_shown() { return "Nothing can be shown for this period: too few people, or no data."; }

std::string see_in_short() { return "Nothing can be shown here; “In short” says more."; }

std::string unknown_domain(const std::string& domain) { return fmt::format("A service at {}", domain); }

std::string serves_goal(const std::string& goal) { return fmt::format("Does this serve your goal “{}”?", goal); }

std::string released_on(Day day)
{
    return fmt::format("Figures released on {}; what was reported later is in none of them.", to_iso_date(day));
}

std::string devices_reported(const insight::Share& share)
{
    if (share.rounded) return fmt::format("{:g} % of the unit's devices reported", share.percent().value_or(0.0));
    return fmt::format("{} of the unit's {} devices reported", share.part, share.whole);
}

std::string devices_unknown() { return "how many of the unit's devices reported is not known"; }

std::string names_readable(const insight::Share& share)
{
    return fmt::format("{:g} % of connections had a readable name", share.percent().value_or(0.0));
}

std::string name_read(bool certain)
{
    return certain ? "the name was read from the connection itself"
                   : "the name was inferred, not read from the connection";
}

std::string banded(std::uint64_t k)
{
    return fmt::format("head-counts are bands, and groups under {} are left out", k);
}

std::string assumed_capability() { return "which need a service stands for is read from its name; you may correct it"; }

std::string coarse_figure() { return "the number of people is a lower bound"; }

bool is_banned(const std::string& text)
{
    static constexpr std::array<std::string_view, 4> banned{"rogue", "shadow", "violation", "unsanctioned"};
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::any_of(banned.begin(), banned.end(), [&](auto word) { return lower.find(word) != std::string::npos; });
}

const Headings& headings()
{
    static const Headings english;
    return english;
}

}    // namespace dl::collector::dialogue::words
