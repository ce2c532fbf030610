#include "../insight/small_world.hpp"
#include "collector/dialogue/brief.hpp"
#include "collector/dialogue/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace dl::collector::dialogue {
namespace {

using insight::SmallWorld;
using ::testing::HasSubstr;
using ::testing::Not;

const Day today = *parse_iso_date("2026-11-21");

class BriefTest : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        world = new SmallWorld;
        insight::fill(*world);
    }
    static void TearDownTestSuite()
    {
        delete world;
        world = nullptr;
    }
    static Result<Brief> make(const std::string& unit, const char* id = "2026-W46", std::uint64_t k = 5)
    {
        const auto period = *release::parse_period(id);
        const auto figures = release::released_figures(world->press(), period, k, Timestamp(today)).value();
        const auto coverage =
            insight::coverage_of(*world->usage, *world->directory, period, Timestamp(today), k).value();
        return make_brief(unit, figures, coverage, world->meaning(), today);
    }
    static inline SmallWorld* world = nullptr;
};

TEST_F(BriefTest, SaysWhatTheUnitNeedsInItsOwnTerms)
{
    const auto brief = make("sales").value();
    EXPECT_EQ(title_of(brief), "Sales, week 46 of 2026");
    EXPECT_EQ(brief.goals.size(), 3u);
    ASSERT_EQ(brief.points.size(), 3u);
    EXPECT_EQ(brief.points[0].title, "AI assistance");
    EXPECT_EQ(brief.points[0].kind, Point::Kind::risk);
    EXPECT_THAT(brief.points[0].evidence, HasSubstr("ChatGPT: 5–9 people on 3 days"));
    EXPECT_EQ(brief.points[0].alternative,
              "No agreed service is known for this need; assumed until you confirm the need.");
    EXPECT_EQ(brief.points[1].title, "Design");
    EXPECT_THAT(brief.points[1].question, HasSubstr("Canva"));
    for (const auto& point : brief.points)
        EXPECT_NE(point.title, "File sharing") << "released figures have no volume that would lift it to the top";
    ASSERT_FALSE(brief.working_well.empty());
    EXPECT_THAT(brief.working_well.front().text, HasSubstr("HubSpot (5–9 people)"));
    for (const auto& point : brief.points) {
        EXPECT_TRUE(point.question.ends_with("?")) << point.question;
        EXPECT_FALSE(point.options.empty());
        EXPECT_FALSE(point.confidence.reasons.empty());
        EXPECT_EQ(point.confidence.word, Confidence::Word::firm);
    }
}

TEST_F(BriefTest, EveryAgreedServiceInUseIsWorkingWellAlsoBesideOthers)
{
    std::size_t agreed = 0;
    for (const char* unit : {"sales", "engineering", "finance"}) {
        const auto brief = make(unit).value();
        const auto figures =
            release::released_figures(world->press(), *release::parse_period("2026-W46"), 5, Timestamp(today)).value();
        for (const auto& finding : insight::find(figures, world->meaning())) {
            const auto verdict = finding.decision.verdict;
            if (finding.figure.unit != unit || !finding.service || finding.low_interest) continue;
            if (verdict != policy::Verdict::sanctioned && verdict != policy::Verdict::tolerated) continue;
            ++agreed;
            EXPECT_TRUE(
                std::any_of(brief.working_well.begin(), brief.working_well.end(),
                            [&](const auto& line) { return line.text.find(finding.name()) != std::string::npos; }))
                << unit << ": " << finding.name();
        }
    }
    EXPECT_GE(agreed, 2u) << "nothing would be tested";
}

TEST_F(BriefTest, SaysConditionsWithTheServiceAndCountsThemApart)
{
    const auto mixed = make("engineering").value();
    EXPECT_THAT(mixed.working_well.front().text,
                HasSubstr("Figma (5–9 people; agreed with conditions: No customer names in drawings)"));
    SmallWorld own;
    own.visit({"www.figma.com", 1011, 1016, {"2026-11-09"}});
    own.visit({"app.hubspot.com", 1011, 1016, {"2026-11-09"}});
    const auto period = *release::parse_period("2026-W46");
    const auto figures = release::released_figures(own.press(), period, 5, Timestamp(today)).value();
    const auto coverage = insight::coverage_of(*own.usage, *own.directory, period, Timestamp(today), 5).value();
    const auto brief = make_brief("engineering", figures, coverage, own.meaning(), today).value();
    EXPECT_THAT(brief.in_short, ::testing::ElementsAre("1 need is served by agreed services: Customer relationship.",
                                                       "1 need is served by services agreed with conditions: Design."));
}

TEST_F(BriefTest, ComparesWithNothingWhereThereIsNothing)
{
    EXPECT_THAT(make("sales", "2026-W45").value().since_last_time,
                ::testing::ElementsAre("There is no earlier period to compare with.", HasSubstr("No promises")));
    EXPECT_THAT(make("sales", "2026-W40").value().since_last_time,
                ::testing::ElementsAre(HasSubstr("so nothing can be compared"), HasSubstr("No promises")));
    EXPECT_THAT(make("sales").value().since_last_time, Not(::testing::Contains(HasSubstr("no earlier period"))));
}

TEST_F(BriefTest, ConfidenceFollowsTheEvidence)
{
    const auto brief = make("finance").value();
    ASSERT_EQ(brief.points.size(), 1u);
    EXPECT_EQ(brief.points.front().title, "Remote work");
    EXPECT_EQ(brief.points.front().confidence.word, Confidence::Word::indicative) << "the name was inferred from DNS";
}

TEST_F(BriefTest, HidesTheGroupOfThreeInEveryFormat)
{
    const auto brief = make("sales").value();
    for (const auto format : {BriefFormat::text, BriefFormat::markdown, BriefFormat::html, BriefFormat::json})
        EXPECT_THAT(render(brief, format), Not(HasSubstr("ropbox")));
}

TEST_F(BriefTest, HasNoWordThatAccusesAndNoName)
{
    for (const char* unit : {"sales", "engineering", "finance"})
        for (const char* period : {"2026-W46", "2026-W45", "2026-10"}) {
            const auto brief = make(unit, period).value();
            for (const auto format : {BriefFormat::text, BriefFormat::markdown, BriefFormat::html, BriefFormat::json}) {
                const auto text = render(brief, format);
                EXPECT_FALSE(words::is_banned(text)) << text;
                for (const char* who : {"E10", "e10", "E19"})
                    EXPECT_THAT(text, Not(HasSubstr(who)));
            }
        }
    EXPECT_TRUE(words::is_banned("Shadow IT"));
    EXPECT_TRUE(words::is_banned("an UNSANCTIONED service"));
}

TEST_F(BriefTest, FitsTwoPages)
{
    for (const char* unit : {"sales", "engineering", "finance"}) {
        const auto text = render(make(unit).value(), BriefFormat::text);
        EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 116) << "58 lines to a page of A4 at 9 points";
        std::size_t columns = 0;
        for (const char c : text) {
            columns = c == '\n' ? 0 : columns + ((static_cast<unsigned char>(c) & 0xC0u) != 0x80u);
            ASSERT_LE(columns, 96u);
        }
    }
}

TEST_F(BriefTest, ThinEvidenceMakesAShortBrief)
{
    const auto brief = make("sales", "2026-W40").value();
    EXPECT_TRUE(brief.points.empty());
    EXPECT_EQ(brief.in_short, std::vector<std::string>{words::nothing_shown()});
    EXPECT_EQ(make("nowhere").error().kind, Failure::Kind::not_found);
    EXPECT_THAT(make("nowhere").error().message, HasSubstr("known are sales, engineering, finance"));
}

TEST_F(BriefTest, EscapesWhatFilesSay)
{
    Brief brief = make("sales").value();
    brief.goals = {{"goal-1", "<script>alert(1)</script> *bold* & \"more\"", {}}};
    EXPECT_THAT(render(brief, BriefFormat::html), Not(HasSubstr("<script>")));
    EXPECT_THAT(render(brief, BriefFormat::markdown), HasSubstr("\\<script\\>"));
    EXPECT_THAT(render(brief, BriefFormat::html), HasSubstr("@page { size: A4;"));
    EXPECT_THAT(render(brief, BriefFormat::html), Not(HasSubstr("http")));
}

/// A small world whose sales say what their first goal is about.
class GoalsTest : public ::testing::Test {
protected:
    GoalsTest() { insight::fill(own); }
    Brief brief_with(const char* about)
    {
        std::ofstream(file) << "id,name,goal_1,goal_2,goal_1_about,goal_2_about\n"
                               "sales,Sales,Answer every tender,Better design of our offers,"
                            << about << ",\nengineering,Engineering,,,,\nfinance,Finance,,,,\n";
        own.directory = directory::load_directory(
                            {file, insight::shipped_config / "people.csv", insight::shipped_config / "devices.csv"})
                            .value();
        EXPECT_TRUE(refresh_labels(*own.usage, own.catalog, *own.directory, own.keys));
        const auto period = *release::parse_period("2026-W46");
        const auto figures = release::released_figures(own.press(), period, 5, Timestamp(today)).value();
        const auto coverage = insight::coverage_of(*own.usage, *own.directory, period, Timestamp(today), 5).value();
        return make_brief("sales", figures, coverage, own.meaning(), today).value();
    }
    static std::vector<std::string> titles(const Brief& brief)
    {
        std::vector<std::string> out;
        for (const auto& point : brief.points)
            out.push_back(point.title);
        return out;
    }
    SmallWorld own;
    const std::filesystem::path file = own.folder_ / "business-units.csv";
};

TEST_F(GoalsTest, ABriefThatIsEmptySaysWhyAndWhatToDo)
{
    const auto brief_of = [&](const char* units, const std::filesystem::path& people, const char* unit) {
        std::ofstream(file) << units;
        own.directory = directory::load_directory({file, people, insight::shipped_config / "devices.csv"}).value();
        EXPECT_TRUE(refresh_labels(*own.usage, own.catalog, *own.directory, own.keys));
        // A week of which nothing is released; what is released of another stays, whatever the directory says today.
        const auto period = *release::parse_period("2026-W40");
        const auto figures = release::released_figures(own.press(), period, 5, Timestamp(today)).value();
        const auto coverage = insight::coverage_of(*own.usage, *own.directory, period, Timestamp(today), 5).value();
        return make_brief(unit, figures, coverage, own.meaning(), today).value();
    };
    const auto people = insight::shipped_config / "people.csv";
    const auto few = own.folder_ / "few.csv";
    std::ofstream(few) << "employee,unit,identifiers,from,to\nE1001,sales,e1001,2025-01-01,\n";
    const auto nobody = own.folder_ / "nobody.csv";
    std::ofstream(nobody) << "employee,unit,identifiers,from,to\n";
    const char* flat = "id,name,parent\nsales,Sales,\nengineering,Engineering,\nfinance,Finance,\nlegal,Legal,\n";

    const auto empty = brief_of(flat, people, "legal");
    ASSERT_EQ(empty.in_short.size(), 2u);
    EXPECT_THAT(empty.in_short[0], HasSubstr("the directory lists nobody in Legal"));
    EXPECT_THAT(empty.in_short[1], HasSubstr("people.csv"));
    EXPECT_THAT(render(empty, BriefFormat::text), Not(HasSubstr("needs a conversation this time")));
    const auto above = brief_of("id,name,parent\nsales,Sales,trade\nengineering,Engineering,\nfinance,Finance,trade\n"
                                "trade,Trade,\n",
                                people, "trade");
    ASSERT_EQ(above.in_short.size(), 1u);
    EXPECT_THAT(above.in_short[0], HasSubstr("Its people are in Sales and Finance"));
    EXPECT_THAT(brief_of(flat, few, "sales").in_short[0], HasSubstr("fewer than 5 people are listed in Sales"));
    EXPECT_THAT(brief_of(flat, nobody, "sales").in_short[0], HasSubstr("lists no people at all"));
}

TEST_F(GoalsTest, ANeedOfAGoalIsNotLeftOutForOthers)
{
    const auto none = brief_with("");
    EXPECT_THAT(titles(none), Not(::testing::Contains("File sharing")));
    EXPECT_EQ(none.left_out, "One more point is not on this page: File sharing.");
    const auto linked = brief_with("wetransfer");
    EXPECT_THAT(titles(linked), ::testing::ElementsAre("File sharing", "AI assistance", "Design"));
    EXPECT_EQ(linked.left_out, "One more point is not on this page: a service at tender-desk.example.");
    for (const auto format : {BriefFormat::text, BriefFormat::markdown, BriefFormat::html, BriefFormat::json})
        EXPECT_THAT(render(linked, format), HasSubstr("One more point is not on"));
    EXPECT_EQ(words::left_out({}), "");
    EXPECT_EQ(words::left_out({"Design", "Selling"}), "Two more points are not on this page: Design and Selling.");
}

TEST_F(GoalsTest, LinksAGoalOnlyWhereTheUnitSaysSo)
{
    const auto none = brief_with("");
    for (const auto& point : none.points) {
        EXPECT_EQ(point.goal, "none") << "a shared word is no link";
        EXPECT_EQ(point.goal_id, "");
    }
    EXPECT_EQ(none.points[1].title, "Design");
    EXPECT_EQ(none.points[1].goal_question, "Does this serve your goal “Better design of our offers”?");
    EXPECT_EQ(none.points[0].goal_question, "");
    const auto linked = brief_with("ai-assistance; canva");
    EXPECT_EQ(linked.points[0].goal, "Answer every tender");
    EXPECT_EQ(linked.points[0].goal_id, "goal-1");
    EXPECT_EQ(linked.points[1].goal_id, "goal-1") << "by one of its services";
    EXPECT_EQ(linked.points[1].goal_question, "");
    EXPECT_THAT(render(linked, BriefFormat::json), HasSubstr("\"about\": [\n    \"ai-assistance\","));

    const auto known = [&](const char* about) {
        brief_with(about);
        return directory::check_goals(*own.directory, file, {"ai-assistance"}, {"canva"});
    };
    EXPECT_TRUE(known("ai-assistance;canva"));
    EXPECT_THAT(known("ai-asistance").error().message, HasSubstr("business-units.csv:2: 'ai-asistance' is neither"));
}

TEST_F(BriefTest, IsDeterministic)
{
    EXPECT_EQ(render(make("sales").value(), BriefFormat::json), render(make("sales").value(), BriefFormat::json));
}

}    // namespace
}    // namespace dl::collector::dialogue
