// What was released stays as it was: whatever is reported, catalogued or configured afterwards.
#include "../insight/small_world.hpp"
#include "collector/insight/coverage.hpp"
#include "collector/insight/demand.hpp"
#include "collector/insight/portfolio.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace dl::collector::release {
namespace {

using insight::SmallWorld;
using ::testing::HasSubstr;

const Timestamp now{*parse_iso_date("2026-11-25")};
const std::vector<std::string> w46{"2026-11-09", "2026-11-10", "2026-11-11"};
Period period(const char* id) { return *parse_period(id); }

Figures ask(SmallWorld& world, const char* id, std::uint64_t k = 5, Timestamp when = now)
{
    return released_figures(world.press(), period(id), k, when).value();
}
std::string text(const Figures& figures) { return to_document(figures).dump(); }
const Figure* of(const Figures& figures, const std::string& unit, const std::string& label)
{
    for (const auto& figure : figures.uses)
        if (figure.unit == unit && figure.label == label) return &figure;
    return nullptr;
}
const CapabilityFigure* need(const Figures& figures, const std::string& unit, const std::string& capability)
{
    for (const auto& figure : figures.capabilities)
        if (figure.unit == unit && figure.capability == capability) return &figure;
    return nullptr;
}
std::string shares(SmallWorld& world, const char* id)
{
    const auto made = insight::published_coverage(world.press(), *world.directory, period(id), 5, now).value();
    std::string out = made.devices.text() + made.readable_names.text() + made.hidden_road_bytes.text();
    for (const auto& entry : made.devices_by_unit)
        out += entry.unit + (entry.share ? entry.share->text() : "-");
    return out;
}

TEST(Releases, ALateReportChangesNothingThatWasReleased)
{
    SmallWorld world;
    insight::fill(world);
    const auto week = text(ask(world, "2026-W46"));
    const auto covered = shares(world, "2026-W46");
    ASSERT_FALSE(of(ask(world, "2026-W46"), "sales", "dropbox")) << "a group of three";
    // Two more of the group report late, and one of another service on a day that was quiet.
    world.visit({"www.dropbox.com", 1005, 1006, w46});
    world.visit({"chatgpt.com", 1001, 1007, {"2026-11-13"}});
    world.visit({"www.canva.com", 1009, 1009, w46, 10, 10, wire::Evidence::address_only, "finance-03"});
    EXPECT_EQ(text(ask(world, "2026-W46")), week);
    EXPECT_EQ(shares(world, "2026-W46"), covered);
    EXPECT_EQ(of(ask(world, "2026-W46", 10), "sales", "dropbox"), nullptr);
    // Also as the week before of the next one.
    EXPECT_EQ(of(ask(world, "2026-W46"), "sales", "chatgpt")->days, 3u);

    auto exact = exact_figures(*world.usage, period("2026-W46"), 5).value();
    ASSERT_TRUE(add_lateness(world.press(), exact));
    EXPECT_EQ(exact.late_connections, 4u * (2 * 3 + 7 + 3)) << "the security role is told";
    EXPECT_EQ(of(exact, "sales", "dropbox")->people->text(), "5") << "and sees them";
    EXPECT_THAT(insight::notes_on(exact), ::testing::Contains(HasSubstr("64 connections were reported after")));
}

TEST(Releases, AMonthSaysWhatItsWeeksSaidAlsoAfterLateReports)
{
    SmallWorld world;
    insight::fill(world);
    const Timestamp later{*parse_iso_date("2026-12-02")};
    const auto w45 = ask(world, "2026-W45"), w46_before = ask(world, "2026-W46");
    world.visit({"chatgpt.com", 1001, 1009, w46});
    world.visit({"www.dropbox.com", 1001, 1009, {"2026-11-05"}});    // released weeks: too late
    const auto month = ask(world, "2026-11", 5, later);
    EXPECT_EQ(of(month, "sales", "chatgpt")->days,
              of(w45, "sales", "chatgpt")->days + of(w46_before, "sales", "chatgpt")->days);
    EXPECT_EQ(of(month, "sales", "chatgpt")->people->text(), "5 or more") << "no more than the weeks";
    EXPECT_EQ(text(ask(world, "2026-11", 5, later)), text(month));
    world.visit({"www.figma.com", 1001, 1009, {"2026-11-24"}});
    EXPECT_EQ(text(ask(world, "2026-11", 5, later)), text(month));
}

TEST(Releases, EveryFloorIsTakenFromTheSameFrozenFigures)
{
    SmallWorld world;
    insight::fill(world);
    const auto at_ten = ask(world, "2026-W46", 10);
    EXPECT_EQ(at_ten.k, 10u);
    EXPECT_TRUE(at_ten.uses.empty());
    // The first question was at ten: that is what is released, and a lower floor adds nothing to it.
    world.visit({"www.dropbox.com", 1001, 1006, w46});
    EXPECT_TRUE(ask(world, "2026-W46", 5).uses.empty());
    EXPECT_EQ(ask(world, "2026-W46", 5).k, 10u);

    const auto at_five = ask(world, "2026-W45", 5);
    EXPECT_EQ(text(restrict_to(at_five, 7)), text(ask(world, "2026-W45", 7)));
}

TEST(Releases, ANewCatalogueMakesNoSecondRelease)
{
    SmallWorld world;
    insight::fill(world);
    const Timestamp later{*parse_iso_date("2026-12-02")};
    const auto week = text(ask(world, "2026-W46"));
    world.catalog.move("figma", "prototyping");
    const auto moved = released_figures(world.press(), period("2026-W47"), 5, now);
    ASSERT_FALSE(moved) << "the labels are not laid yet: what is released now would be of two catalogues";
    EXPECT_EQ(moved.error().kind, Failure::Kind::unavailable);
    EXPECT_EQ(text(ask(world, "2026-W46")), week) << "what is frozen needs no labels";
    ASSERT_TRUE(insight::refresh_labels(*world.usage, world.catalog, *world.directory, world.keys));
    EXPECT_EQ(text(ask(world, "2026-W46")), week);

    // Sketch alone is too few in each week (five in one): the month is not counted anew under other labels.
    world.visit({"plain.sketch.com", 1001, 1004, {"2026-11-17"}});
    world.visit({"plain.sketch.com", 1005, 1008, {"2026-11-23"}});
    const auto month = ask(world, "2026-11", 5, later);
    EXPECT_EQ(of(month, "sales", "sketch"), nullptr);
    EXPECT_EQ(need(month, "engineering", "prototyping"), nullptr) << "the week said design";
    ASSERT_TRUE(need(month, "engineering", "design"));
}

TEST(Releases, AMonthOfOneCatalogueMayCountItsHiddenWeeks)
{
    SmallWorld world;
    const Timestamp later{*parse_iso_date("2026-12-02")};
    world.visit({"plain.sketch.com", 1001, 1004, {"2026-11-03", "2026-11-17"}});
    world.visit({"plain.sketch.com", 1005, 1008, {"2026-11-10", "2026-11-24"}});
    const auto month = ask(world, "2026-11", 5, later);
    ASSERT_TRUE(of(month, "sales", "sketch")) << "eight of four weeks prove none of them";
    EXPECT_EQ(of(month, "sales", "sketch")->people->text(), "5–9");
    EXPECT_EQ(of(month, "sales", "sketch")->days, 0u);
}

TEST(Releases, TwoProcessesReleaseOnce)
{
    SmallWorld world;
    insight::fill(world);
    auto other = store::open_sqlite_state_store(world.folder_ / "state.db", store::Open::read_write).value();
    Press second{*world.usage, *other, world.catalog, "d", world.press().stamp, 0, 100};
    const auto first = text(ask(world, "2026-W46"));
    world.visit({"www.dropbox.com", 1005, 1006, w46});
    EXPECT_EQ(text(released_figures(second, period("2026-W46"), 5, now).value()), first);

    // The other is faster between our look and our writing: what it published stands.
    nlohmann::json document;
    const auto make = [&](nlohmann::json& made) -> Result<void> {
        made = {{"who", "we"}};
        const auto put = other->put_if_version("race", "a", 0, {{"who", "other"}});
        if (!put) return put.error();
        return {};
    };
    ASSERT_TRUE(freeze_once(*world.state, "race", "a", document, make));
    EXPECT_EQ(document.at("who"), "other");
}

TEST(Releases, NothingIsShownThatWasNotFrozenFirst)
{
    SmallWorld world;
    insight::fill(world);
    auto reader = store::open_sqlite_state_store(world.folder_ / "state.db", store::Open::read_only).value();
    Press press{*world.usage, *reader, world.catalog, "d", world.press().stamp, 0, 100};
    EXPECT_FALSE(released_figures(press, period("2026-W46"), 5, now)) << "it can't be frozen, so it is not shown";
    ASSERT_TRUE(ask(world, "2026-W46").frozen);
    EXPECT_TRUE(frozen_release(*reader, period("2026-W46")).value()) << "what one shows, all hold";
    ASSERT_TRUE(world.state->put_if_version(frozen_figures, "2026-W45", 1, {{"version", 2}}));
    const auto newer = released_figures(world.press(), period("2026-W45"), 5, now);
    ASSERT_FALSE(newer);
    EXPECT_THAT(newer.error().message, HasSubstr("released-figures/2026-W45"));
}

TEST(Releases, ReportsOnTheirWayAreWaitedFor)
{
    SmallWorld world;
    insight::fill(world);
    const auto at = [&](const char* day) {
        return released_figures(world.press(2), period("2026-W46"), 5, Timestamp(*parse_iso_date(day)));
    };
    EXPECT_EQ(at("2026-11-16").error().kind, Failure::Kind::denied);
    EXPECT_EQ(at("2026-11-17").error().kind, Failure::Kind::denied);
    EXPECT_TRUE(at("2026-11-18"));
    const auto choose = [](const char* today) {
        const Day day = *parse_iso_date(today);
        return id_of(insight::choose_period("", "", "", day, day - std::chrono::days(2)).value());
    };
    EXPECT_EQ(choose("2026-11-17"), "2026-W45");
    EXPECT_EQ(choose("2026-11-18"), "2026-W46");
}

TEST(Releases, AWeekWithoutReportsIsNotYetReleased)
{
    SmallWorld world;
    ASSERT_TRUE(insight::refresh_labels(*world.usage, world.catalog, *world.directory, world.keys));
    EXPECT_FALSE(ask(world, "2026-W46").frozen);
    insight::fill(world);
    EXPECT_TRUE(ask(world, "2026-W46").frozen);
    EXPECT_FALSE(ask(world, "2026-W46").uses.empty());
}

TEST(Releases, AreMadeBeforeTheirFactsExpireAndForgottenAfterThreeYears)
{
    SmallWorld world;
    insight::fill(world);
    const Timestamp late{*parse_iso_date("2027-02-10")};    // 100 days after 2026-11-02
    EXPECT_TRUE(ask(world, "2026-W45", 5, late).uses.empty()) << "its first day's facts may be gone: never released";
    ASSERT_TRUE(release_expiring(world.press(), 5, late));
    EXPECT_TRUE(frozen_release(*world.state, period("2026-W46")).value());
    const auto frozen = text(ask(world, "2026-W46", 5, late));
    ASSERT_TRUE(world.usage->expire(*parse_iso_date("2027-03-01")));
    const Timestamp years_later{*parse_iso_date("2028-03-01")};
    EXPECT_EQ(text(ask(world, "2026-W46", 5, years_later)), frozen) << "history outlives the facts";

    EXPECT_EQ(forget_releases(*world.state, *parse_iso_date("2026-11-16")).value(), 0u);
    EXPECT_EQ(forget_releases(*world.state, *parse_iso_date("2026-11-17")).value(), 1u);
    EXPECT_TRUE(ask(world, "2026-W46", 5, Timestamp(*parse_iso_date("2030-01-05"))).uses.empty());
}

TEST(Releases, DaysAreThoseOfFiveOrMore)
{
    SmallWorld world;
    world.visit({"www.canva.com", 1001, 1006, {"2026-11-09", "2026-11-10"}});
    world.visit({"www.canva.com", 1001, 1001, {"2026-11-15"}});    // one works on Sunday
    EXPECT_EQ(of(ask(world, "2026-W46"), "sales", "canva")->days, 2u);
}

TEST(Releases, CoverageTellsNothingOfAFewBehindAHiddenRoad)
{
    const auto covered = [](int last) {
        SmallWorld world;
        world.visit({"www.canva.com", 1001, 1009, w46});
        if (last > 0) world.visit({"vpn.example", 1001, last, w46, 9000, 9000, wire::Evidence::hidden_road});
        return insight::published_coverage(world.press(), *world.directory, period("2026-W46"), 5, now).value();
    };
    EXPECT_EQ(covered(1003).hidden_road_bytes.text(), "not shown") << "three people";
    EXPECT_EQ(covered(1003).hidden_road_bytes.text(), covered(0).hidden_road_bytes.text()) << "look like nobody";
    EXPECT_EQ(covered(1003).readable_names.text(), covered(0).readable_names.text());
    EXPECT_NE(covered(1006).hidden_road_bytes.text(), "unknown");
    EXPECT_NE(covered(1006).readable_names.text(), "unknown");
}

TEST(Releases, EmbeddedTrafficIsNoUse)
{
    SmallWorld world;
    world.visit({"embed.salesforce.com", 1001, 1008, w46});    // on other people's pages
    world.visit({"embed.hubspot.com", 1001, 1009, w46});
    world.visit({"app.hubspot.com", 1001, 1006, w46});
    world.visit({"embed.figma.com", 1011, 1018, w46});
    world.visit({"www.figma.com", 1011, 1013, w46});    // three use it
    for (const bool exact : {true, false}) {
        const auto figures =
            exact ? exact_figures(*world.usage, period("2026-W46"), 5).value() : ask(world, "2026-W46");
        EXPECT_EQ(of(figures, "sales", "hubspot")->people->at_least, exact ? 6u : 5u) << "heads of use, not of contact";
        EXPECT_EQ(need(figures, "sales", "customer-relationship")->people.at_least, exact ? 6u : 5u);
        const auto findings = insight::find(figures, world.meaning());
        EXPECT_EQ(findings.size(), 3u) << "one line per service";
        for (const auto& finding : findings) {
            const bool contact = finding.id() == "sales/salesforce" || (!exact && finding.id() == "engineering/figma");
            EXPECT_EQ(finding.background, contact) << finding.id();
            if (!contact) continue;
            EXPECT_TRUE(finding.options.empty() && finding.risks.empty());
            EXPECT_THAT(finding.decision.chain.front(), HasSubstr("only embedded or background traffic"));
        }
        const auto portfolio = insight::portfolio_of(figures, findings, world.meaning(), 1);
        EXPECT_EQ(portfolio.at("sales", "customer-relationship")->services.size(), 1u);
        EXPECT_EQ(portfolio.at("engineering", "design") != nullptr, exact);
        for (const auto& need_of : insight::demand_of(std::span(&figures, 1), world.meaning()))
            EXPECT_TRUE(exact && need_of.capability == "design") << need_of.capability << ": contact is no demand";
    }
}

/// An account that no line of people.csv names, at a device of sales.
SmallWorld::Visit unlisted(const char* host, int first, int last, const std::vector<std::string>& days)
{
    return {host, first, last, days, 1000, 5000, wire::Evidence::tls_sni, "sales-01"};
}

void use_directory(SmallWorld& world, const std::string& people)
{
    const auto file = world.folder_ / "people.csv";
    std::ofstream(file) << people;
    world.directory = directory::load_directory({insight::shipped_config / "business-units.csv",
                                                 people.empty() ? std::filesystem::path{} : file,
                                                 insight::shipped_config / "devices.csv"})
                          .value();
    ASSERT_TRUE(insight::refresh_labels(*world.usage, world.catalog, *world.directory, world.keys));
}

TEST(Releases, AccountsThatAreNotInTheDirectoryAreNobody)
{
    SmallWorld world;
    world.visit({"www.dropbox.com", 1001, 1003, w46});
    world.visit(unlisted("www.dropbox.com", 1091, 1092, w46));    // their second accounts
    world.visit({"app.hubspot.com", 1001, 1009, w46});
    world.visit(unlisted("app.hubspot.com", 1099, 1099, w46));    // a service's account
    world.visit({"www.canva.com", 1001, 1005, {"2026-11-02", "2026-11-09"}});
    world.visit({"www.canva.com", 1001, 1004, {"2026-11-10"}});
    world.visit(unlisted("www.canva.com", 1099, 1099, {"2026-11-10"}));
    world.visit({"plain.figma.com", 1001, 1004, {"2026-11-02", "2026-11-09"}});
    world.visit(unlisted("plain.figma.com", 1091, 1092, {"2026-11-02"}));
    world.visit({"plain.figma.com", 1005, 1005, {"2026-11-09"}});
    world.visit({"vpn.example", 1001, 1003, w46, 9000, 9000, wire::Evidence::hidden_road});
    auto hidden = unlisted("vpn.example", 1091, 1092, w46);
    hidden.evidence = wire::Evidence::hidden_road;
    world.visit(hidden);

    const auto released = ask(world, "2026-W46");
    EXPECT_EQ(of(released, "sales", "dropbox"), nullptr) << "three people, whatever they log in as";
    EXPECT_EQ(need(released, "sales", "file-sharing"), nullptr);
    EXPECT_EQ(of(released, "sales", "hubspot")->people->text(), "5–9") << "no more than the unit's nine people";
    EXPECT_EQ(need(released, "sales", "customer-relationship")->people.at_least, 5u);
    EXPECT_EQ(of(released, "sales", "canva")->days, 1u) << "four people and an account on the other";
    EXPECT_TRUE(of(released, "sales", "canva")->before);
    ASSERT_TRUE(of(released, "sales", "figma"));
    EXPECT_FALSE(of(released, "sales", "figma")->before) << "four people and two accounts the week before";
    EXPECT_EQ(insight::published_coverage(world.press(), *world.directory, period("2026-W46"), 5, now)
                  .value()
                  .hidden_road_bytes.percent(),
              std::nullopt);

    const auto exact = exact_figures(*world.usage, period("2026-W46"), 5).value();
    EXPECT_EQ(of(exact, "sales", "dropbox")->people->text(), "5") << "security sees every account";
    EXPECT_THAT(insight::notes_on(exact), ::testing::Contains(HasSubstr("each account that is not in the directory")));
}

TEST(Releases, AllAccountsOfOnePersonAreOnePerson)
{
    SmallWorld world;
    use_directory(world, "employee,unit,identifiers\nE1001,sales,e1011;e1012\nE1002,sales,CORP\\e1013\n"
                         "E1003,sales,\nE1004,sales,\nE1005,sales,\n");
    world.visit({"www.dropbox.com", 1001, 1003, w46});
    world.visit({"www.dropbox.com", 1011, 1013, w46});
    world.visit({"app.hubspot.com", 1002, 1005, w46});
    world.visit({"app.hubspot.com", 1011, 1012, w46});
    const auto released = ask(world, "2026-W46");
    EXPECT_EQ(of(released, "sales", "dropbox"), nullptr) << "six accounts, three people";
    ASSERT_TRUE(of(released, "sales", "hubspot")) << "five people, one by their other accounts";
    const auto exact = exact_figures(*world.usage, period("2026-W46"), 5).value();
    EXPECT_EQ(of(exact, "sales", "dropbox")->people->text(), "3");
    EXPECT_EQ(of(exact, "sales", "hubspot")->people->text(), "5");
}

TEST(Releases, WithoutPeopleInTheDirectoryNothingIsReleasedAndThatIsSaid)
{
    SmallWorld world;
    use_directory(world, "");
    world.visit({"app.hubspot.com", 1001, 1009, w46});
    const auto empty = ask(world, "2026-W46");
    EXPECT_TRUE(empty.uses.empty());
    EXPECT_THAT(insight::notes_on(empty), ::testing::Contains(HasSubstr("No people in the directory")));
    EXPECT_EQ(of(exact_figures(*world.usage, period("2026-W46"), 5).value(), "sales", "hubspot")->people->text(), "9");
    // What was never released can be once they are listed.
    std::string people = "employee,unit\n";
    for (int employee = 1001; employee <= 1009; ++employee)
        people += fmt::format("E{},sales\n", employee);
    use_directory(world, people);
    const auto released = ask(world, "2026-W46");
    ASSERT_TRUE(of(released, "sales", "hubspot"));
    EXPECT_THAT(insight::notes_on(released), ::testing::Not(::testing::Contains(HasSubstr("No people"))));
}

}    // namespace
}    // namespace dl::collector::release
