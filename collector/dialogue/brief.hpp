// The document for one unit's conversation: at most two pages, banded head-counts, no names of persons, a question
// rather than an accusation. Made from released figures alone.
#pragma once

#include "collector/insight/coverage.hpp"
#include "collector/insight/portfolio.hpp"
#include "collector/release/figures.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::dialogue {

/// How far something can be defended in the room.
struct Confidence {
    enum class Word { firm, indicative, dont_quote } word = Word::firm;
    std::vector<std::string> reasons;
};
[[nodiscard]] std::string_view to_string(Confidence::Word word);    ///< firm, indicative, don't quote

struct Point {
    enum class Kind { need, risk, saving } kind = Kind::need;
    std::string title;
    std::string evidence;
    std::optional<release::Heads> people;    ///< of the most used service
    std::string trend;
    std::string alternative;
    std::vector<insight::Option> options;
    std::string question;
    /// Of the goal whose unit said that it is about this need or one of these services; "none" where none is. Never
    /// guessed.
    std::string goal = "none";
    std::string goal_id;          ///< empty where there is none
    std::string goal_question;    ///< where no goal is linked and one shares a word with the need; else empty
    Confidence confidence;
    std::vector<std::pair<std::string, std::string>> services;    ///< id, name
};
[[nodiscard]] std::string_view to_string(Point::Kind kind);

struct Brief {
    std::string unit, unit_name;
    release::Period period;
    Day prepared{};
    std::uint64_t k = 0;
    std::optional<Day> released;    ///< since when the figures are frozen
    std::string catalog_version, policy_version, directory_version;
    std::vector<directory::Goal> goals;
    std::vector<std::string> in_short;
    std::vector<std::string> since_last_time;
    struct Working {
        std::string text;
        Confidence confidence;
    };
    std::vector<Working> working_well;
    std::vector<Point> points;    ///< up to three, those of the unit's own goals before others that weigh as much
    std::string left_out;         ///< which points there was no room for; empty where there is none
    std::vector<std::string> answers;
    struct Sure {
        std::string about;
        Confidence confidence;
    };
    std::vector<Sure> how_sure;
    std::vector<std::string> not_seen;
    std::vector<std::string> asks;
};

/// `figures` are released ones (of any units; only this unit's are used) for the coverage's period. Not found when the
/// directory has no such unit.
[[nodiscard]] Result<Brief> make_brief(const std::string& unit, const release::Figures& figures,
                                       const insight::Coverage& coverage, const insight::Meaning& meaning, Day today);

[[nodiscard]] std::string title_of(const Brief& brief);
/// As in api/openapi.json.
[[nodiscard]] nlohmann::json to_json(const Brief& brief);

enum class BriefFormat { text, markdown, html, json };
[[nodiscard]] std::optional<BriefFormat> parse_brief_format(std::string_view text);
/// Text is wrapped at 96 columns; HTML is one file, print-ready for A4, that loads nothing from anywhere.
[[nodiscard]] std::string render(const Brief& brief, BriefFormat format);
/// What a Content-Security-Policy must allow as a style source for the HTML: the hash of its one style sheet.
[[nodiscard]] std::string html_style_source();

}    // namespace dl::collector::dialogue
