#include "collector/dialogue/document.hpp"

#include "collector/dialogue/words.hpp"

#include <fmt/format.h>

namespace dl::collector::dialogue {
namespace {

using Kind = Block::Kind;

std::string because(const Confidence& confidence)
{
    std::string out{to_string(confidence.word)};
    for (std::size_t i = 0; i < confidence.reasons.size(); ++i)
        out += (i == 0 ? ": " : "; ") + confidence.reasons[i];
    return out;
}

Section bullets(const std::string& heading, const std::vector<std::string>& texts, const std::string& none)
{
    Section section{heading, {}};
    for (const auto& text : texts)
        section.blocks.push_back({Kind::bullet, text, ""});
    if (texts.empty()) section.blocks.push_back({Kind::paragraph, none, ""});
    return section;
}

Section points(const Brief& brief)
{
    Section section{words::headings().points, {}};
    // Where nothing at all can be shown, "In short" says why: that is no good news.
    if (brief.points.empty())
        section.blocks.push_back(
            {Kind::paragraph, brief.working_well.empty() ? words::see_in_short() : words::no_open_points(), ""});
    std::size_t number = 0;
    for (const auto& point : brief.points) {
        section.blocks.push_back(
            {Kind::point, fmt::format("{}. {} ({})", ++number, point.title, to_string(point.kind)), ""});
        section.blocks.push_back({Kind::question, point.question, ""});
        section.blocks.push_back({Kind::field, point.evidence, "Evidence"});
        section.blocks.push_back({Kind::field, point.alternative, "Alternative"});
        for (const auto& option : point.options)
            section.blocks.push_back({Kind::field, option.title + ". " + option.consequence + ".", "Option"});
        section.blocks.push_back(
            {Kind::field, point.goal_question.empty() ? point.goal : point.goal + ". " + point.goal_question, "Goal"});
        section.blocks.push_back({Kind::field, std::string(to_string(point.confidence.word)), "How sure"});
    }
    if (!brief.left_out.empty()) section.blocks.push_back({Kind::paragraph, brief.left_out, ""});
    return section;
}

}    // namespace

std::string_view to_string(Block::Kind kind)
{
    switch (kind) {
        case Kind::paragraph: return "paragraph";
        case Kind::bullet: return "bullet";
        case Kind::point: return "point";
        case Kind::field: return "field";
        case Kind::question: break;
    }
    return "question";
}

Document document_of(const Brief& brief)
{
    const auto& heads = words::headings();
    Document document;
    document.title = title_of(brief);
    document.subtitle = fmt::format("Draft of {}. Head-counts in bands, no group under {} people, no names of people.",
                                    to_iso_date(brief.prepared), brief.k);
    if (brief.released) document.subtitle += " " + words::released_on(*brief.released);
    std::vector<std::string> goals;
    for (const auto& goal : brief.goals)
        goals.push_back(goal.text);
    document.sections.push_back(
        bullets(heads.goals, goals, "No goals are on record: tell us up to three, in your words."));
    document.sections.push_back(bullets(heads.in_short, brief.in_short, words::nothing_shown()));
    document.sections.push_back(bullets(heads.since_last_time, brief.since_last_time, ""));
    std::vector<std::string> working;
    for (const auto& entry : brief.working_well)
        working.push_back(fmt::format("{} – {}", entry.text, to_string(entry.confidence.word)));
    document.sections.push_back(bullets(heads.working_well, working, words::see_in_short()));
    document.sections.push_back(points(brief));
    document.sections.push_back(bullets(heads.answers, brief.answers, ""));
    std::vector<std::string> sure;
    for (const auto& entry : brief.how_sure)
        sure.push_back(entry.about + " – " + because(entry.confidence));
    document.sections.push_back(bullets(heads.how_sure, sure, ""));
    document.sections.push_back(bullets(heads.not_seen, brief.not_seen, ""));
    document.sections.push_back(bullets(heads.asks, brief.asks, ""));
    return document;
}

std::string render(const Brief& brief, BriefFormat format)
{
    switch (format) {
        case BriefFormat::json: return to_json(brief).dump(1) + "\n";
        case BriefFormat::markdown: return to_markdown(document_of(brief));
        case BriefFormat::html: return to_html(document_of(brief));
        case BriefFormat::text: break;
    }
    return to_text(document_of(brief));
}

std::optional<BriefFormat> parse_brief_format(std::string_view text)
{
    if (text == "text" || text == "table") return BriefFormat::text;
    if (text == "markdown") return BriefFormat::markdown;
    if (text == "html") return BriefFormat::html;
    if (text == "json") return BriefFormat::json;
    return std::nullopt;
}

}    // namespace dl::collector::dialogue
