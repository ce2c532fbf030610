#include "collector/insight/audience.hpp"
#include "collector/insight/coverage.hpp"
#include "collector/insight/demand.hpp"
#include "collector/insight/portfolio.hpp"
#include "small_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dl::collector::insight {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

const Day today = *parse_iso_date("2026-11-21");
release::Period week(const char* id) { return *release::parse_period(id); }

const Finding* at(const std::vector<Finding>& findings, const std::string& id)
{
    for (const auto& finding : findings)
        if (finding.id() == id) return &finding;
    return nullptr;
}
std::vector<std::string> risk_ids(const Finding& finding)
{
    std::vector<std::string> ids;
    for (const auto& risk : finding.risks)
        ids.push_back(risk.id);
    return ids;
}
std::vector<std::string> option_ids(const Finding& finding)
{
    std::vector<std::string> ids;
    for (const auto& option : finding.options)
        ids.push_back(option.id);
    return ids;
}

class FindingsTest : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        world = new SmallWorld;
        fill(*world);
    }
    static void TearDownTestSuite()
    {
        delete world;
        world = nullptr;
    }
    static std::vector<Finding> exact(const char* id = "2026-W46")
    {
        figures = release::exact_figures(*world->usage, week(id), 5).value();
        return find(figures, world->meaning());
    }
    static std::vector<Finding> released(const char* id = "2026-W46", std::uint64_t k = 5)
    {
        figures = release::released_figures(world->press(), week(id), k, Timestamp(today)).value();
        return find(figures, world->meaning());
    }
    static inline SmallWorld* world = nullptr;
    static inline release::Figures figures;
};

TEST_F(FindingsTest, SecuritySeesEveryServiceExactly)
{
    const auto findings = exact();
    const auto* chatgpt = at(findings, "sales/chatgpt");
    ASSERT_TRUE(chatgpt);
    EXPECT_EQ(chatgpt->figure.people->text(), "7");
    EXPECT_EQ(chatgpt->figure.devices->text(), "3");
    EXPECT_EQ(chatgpt->figure.days, 3u);
    EXPECT_EQ(chatgpt->decision.verdict, policy::Verdict::unsanctioned);
    EXPECT_EQ(chatgpt->decision.rule, "no-public-ai");
    EXPECT_EQ(chatgpt->matched, std::vector<std::string>{"chatgpt.com"});
    EXPECT_EQ(chatgpt->trend, Trend::steady);
    EXPECT_THAT(risk_ids(*chatgpt), Contains("ai_with_upload"));
    EXPECT_EQ(at(findings, "sales/wetransfer")->trend, Trend::fresh);
    EXPECT_EQ(at(findings, "engineering/chatgpt")->trend, Trend::fresh);
    EXPECT_EQ(at(findings, "finance/anydesk")->trend, Trend::unknown) << "nothing of finance was seen before";
    EXPECT_EQ(at(findings, "sales/dropbox")->figure.people->text(), "3");
    EXPECT_EQ(at(findings, "sales/hubspot")->decision.verdict, policy::Verdict::sanctioned);
    EXPECT_EQ(findings.front().decision.verdict, policy::Verdict::unsanctioned);
}

TEST_F(FindingsTest, NoisePersonalHostsAndLonelyDomainsNeverAppear)
{
    for (const auto& findings : {exact(), released()})
        for (const auto& finding : findings) {
            EXPECT_THAT(finding.id(), Not(HasSubstr("analytics")));
            EXPECT_THAT(finding.id(), Not(HasSubstr("personal")));
            EXPECT_THAT(finding.id(), Not(HasSubstr("lonely")));
        }
    const auto unknown = exact();
    ASSERT_TRUE(at(unknown, "sales/tender-desk.example"));
    EXPECT_EQ(at(unknown, "sales/tender-desk.example")->decision.verdict, policy::Verdict::unreviewed);
}

TEST_F(FindingsTest, AnUnknownDomainOfFewAppearsWhenMuchIsUploaded)
{
    SmallWorld small;
    small.visit({"drop.example", 1001, 1002, {"2026-11-09"}, release::unknown_upload_threshold, 0});
    const auto some = release::exact_figures(*small.usage, week("2026-W46"), 5).value();
    EXPECT_EQ(some.uses.size(), 1u);
    EXPECT_TRUE(release::released_figures(small.press(), week("2026-W46"), 5, Timestamp(today))->uses.empty());
}

TEST_F(FindingsTest, AnAddressIsForSecurityToLookUpAndNobodysNeed)
{
    SmallWorld small;
    small.visit({"198.51.100.7", 1001, 1006, {"2026-11-09"}});
    const auto findings = find(release::exact_figures(*small.usage, week("2026-W46"), 5).value(), small.meaning());
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings.front().figure.label, "198.51.100.7");
    EXPECT_TRUE(findings.front().low_interest);
}

TEST_F(FindingsTest, AnUnlistedHostOfAKnownVendorIsForSecurityAlone)
{
    SmallWorld small;
    small.visit({"odd.microsoft.com", 1001, 1006, {"2026-11-09"}});
    const auto findings = find(release::exact_figures(*small.usage, week("2026-W46"), 5).value(), small.meaning());
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings.front().counted, catalog::Counted::vendor);
    EXPECT_TRUE(findings.front().low_interest);
    EXPECT_THAT(findings.front().decision.reason, HasSubstr("known vendor"));
    EXPECT_TRUE(release::released_figures(small.press(), week("2026-W46"), 5, Timestamp(today))->uses.empty());
}

TEST_F(FindingsTest, AnUploadToSharedStorageIsShownToSecurityAndReachingItIsNot)
{
    SmallWorld small;
    small.visit({"exports.s3.example", 1001, 1002, {"2026-11-09"}, release::unknown_upload_threshold / 2, 0});
    small.visit({"pictures.s3.example", 1001, 1009, {"2026-11-09"}, 1000, 90'000'000});
    const auto findings = find(release::exact_figures(*small.usage, week("2026-W46"), 5).value(), small.meaning());
    ASSERT_EQ(findings.size(), 1u) << "what is only read from a bucket is a page's picture";
    const auto& finding = findings.front();
    EXPECT_EQ(finding.name(), "Shared storage: exports.s3.example");
    EXPECT_EQ(finding.service, nullptr);
    EXPECT_EQ(finding.decision.verdict, policy::Verdict::unreviewed);
    EXPECT_THAT(finding.decision.reason, HasSubstr("whose it is"));
    EXPECT_THAT(finding.decision.chain, Contains(HasSubstr("50 MB uploaded")));
    ASSERT_FALSE(finding.risks.empty());
    EXPECT_EQ(finding.risks.front().id, "storage_upload");
    EXPECT_EQ(finding.risks.front().name, "Upload to shared storage, service unknown");
    EXPECT_THAT(finding.risks.front().evidence, HasSubstr("50 MB sent by 2 people on 1 day"));
    EXPECT_FALSE(finding.low_interest);
    EXPECT_TRUE(release::released_figures(small.press(), week("2026-W46"), 5, Timestamp(today))->uses.empty());
}

TEST_F(FindingsTest, ANameIsShownInTheLettersItIsMeantIn)
{
    SmallWorld small;
    small.visit({"xn--mnchen-3ya.example", 1001, 1006, {"2026-11-09"}});
    small.visit({"xn--80ak6aa92e.com", 1001, 1006, {"2026-11-09"}});
    const auto findings = find(release::exact_figures(*small.usage, week("2026-W46"), 5).value(), small.meaning());
    ASSERT_TRUE(at(findings, "sales/xn--mnchen-3ya.example"));
    EXPECT_EQ(at(findings, "sales/xn--mnchen-3ya.example")->name(), "münchen.example");
    EXPECT_THAT(at(findings, "sales/xn--80ak6aa92e.com")->name(), HasSubstr("(xn--80ak6aa92e.com, "));
}

TEST_F(FindingsTest, WhatServesTheNeedBesidesItsFirstOneIsOffered)
{
    SmallWorld small;
    small.catalog.add_capability("hubspot", "ai-assistance");
    small.catalog.add_capability("canva", "file-sharing");
    small.visit({"claude.ai", 1001, 1006, {"2026-11-09"}});
    small.visit({"www.canva.com", 1001, 1006, {"2026-11-09"}});
    const auto made = release::exact_figures(*small.usage, week("2026-W46"), 5).value();
    const auto findings = find(made, small.meaning());
    const auto offered = [&](const char* id) {
        std::vector<std::string> ids;
        for (const auto* service : at(findings, id)->alternatives)
            ids.push_back(service->id);
        return ids;
    };
    EXPECT_EQ(offered("sales/claude"), std::vector<std::string>{"hubspot"}) << "agreed, and it does this too";
    EXPECT_EQ(offered("sales/canva"), std::vector<std::string>{"onedrive"}) << "for what Canva does besides";
    const auto portfolio = portfolio_of(made, findings, small.meaning(), 1);
    EXPECT_EQ(portfolio.at("sales", "ai-assistance")->state, CellState::not_yet_agreed);
    EXPECT_FALSE(portfolio.at("sales", "file-sharing")) << "use counts for the first one alone";
}

TEST_F(FindingsTest, WhatTheCategorySpeaksAgainstIsNoAlternative)
{
    struct Contested final : SmallPolicy {
        policy::Decision decide(const catalog::Service& service, std::string_view unit) const override
        {
            auto decision = SmallPolicy::decide(service, unit);
            if (service.id == "onedrive") decision.against = "no-cloud-files";
            return decision;
        }
    };
    const Contested contested;
    const auto findings = find(release::exact_figures(*world->usage, week("2026-W46"), 5).value(),
                               {world->catalog, contested, *world->directory});
    EXPECT_TRUE(at(findings, "sales/wetransfer")->alternatives.empty());
    EXPECT_FALSE(at(exact(), "sales/wetransfer")->alternatives.empty());
}

TEST_F(FindingsTest, WhoUsesPrivateServicesAloneIsCountedBehindNoCapability)
{
    SmallWorld small;
    small.catalog.add_private("gallery", "Gallery", "design", "gallery.example");
    small.catalog.add_personal("dropbox-home", "Dropbox at home", "file-sync-share", "file-sharing", "home.example");
    small.visit({"gallery.example", 1001, 1009, {"2026-11-09"}});
    small.visit({"www.canva.com", 1001, 1005, {"2026-11-09"}});
    small.visit({"home.example", 1001, 1008, {"2026-11-09"}});
    const auto exact = release::exact_figures(*small.usage, week("2026-W46"), 5).value();
    const auto shown = release::released_figures(small.press(), week("2026-W46"), 5, Timestamp(today)).value();
    for (const auto* made : {&exact, &shown}) {
        ASSERT_EQ(made->capabilities.size(), 1u);
        EXPECT_EQ(made->capabilities.front().capability, "design");
        EXPECT_EQ(made->capabilities.front().people.at_least, 5u) << "Canva's five, not the gallery's nine";
        const auto findings = find(*made, small.meaning());
        ASSERT_TRUE(at(findings, "sales/dropbox-home")) << "it is a finding";
        EXPECT_THAT(risk_ids(*at(findings, "sales/dropbox-home")), Contains("personal_instance"));
        EXPECT_FALSE(portfolio_of(*made, findings, small.meaning(), 1).at("sales", "file-sharing"));
        const auto needs = demand_of(std::span(made, 1), small.meaning());
        ASSERT_EQ(needs.size(), 1u);
        EXPECT_EQ(needs.front().capability, "design");
    }
}

TEST_F(FindingsTest, ReleasedFiguresHideTheGroupOfThree)
{
    const auto findings = released();
    EXPECT_FALSE(at(findings, "sales/dropbox"));
    const auto* engineering = at(findings, "engineering/dropbox");
    ASSERT_TRUE(engineering);
    EXPECT_EQ(engineering->figure.people->text(), "5–9");
    EXPECT_FALSE(engineering->figure.devices);
    EXPECT_FALSE(engineering->figure.connections);
    EXPECT_FALSE(engineering->figure.first_seen);
    const auto portfolio = portfolio_of(figures, findings, world->meaning(), 1);
    const auto* files = portfolio.at("sales", "file-sharing");
    ASSERT_TRUE(files) << "WeTransfer is shown";
    EXPECT_EQ(files->people->text(), "5 or more") << "the capability says no more than its shown part";
    ASSERT_EQ(files->services.size(), 1u);
    EXPECT_EQ(files->services.front()->figure.label, "wetransfer");
}

TEST_F(FindingsTest, WithoutTheGroupTheReleasedFiguresAreTheSame)
{
    SmallWorld without;
    const std::vector<std::string> days{"2026-11-09"};
    SmallWorld with;
    for (auto* one : {&with, &without})
        one->visit({"wetransfer.com", 1001, 1006, days});
    with.visit({"www.dropbox.com", 1007, 1009, days});
    const auto figures_of = [](SmallWorld& one) {
        std::string out;
        const auto made = release::released_figures(one.press(), week("2026-W46"), 5, Timestamp(today)).value();
        for (const auto& figure : made.uses)
            out += figure.label + " " + figure.people->text() + "; ";
        for (const auto& figure : made.capabilities)
            out += figure.capability + " " + figure.people.text() + "; ";
        return out;
    };
    EXPECT_EQ(figures_of(with), figures_of(without));
    EXPECT_EQ(figures_of(with), "wetransfer 5–9; file-sharing 5 or more; ");
}

TEST_F(FindingsTest, ReleasedFiguresAreOfClosedWeeksAndMonthsOnly)
{
    const auto ask = [&](const release::Period& period) {
        return release::released_figures(world->press(), period, 5, Timestamp(today));
    };
    EXPECT_EQ(ask(week("2026-W47")).error().kind, Failure::Kind::denied);
    EXPECT_EQ(ask(week("2026-11")).error().kind, Failure::Kind::denied);
    EXPECT_EQ(ask(*release::window(*parse_iso_date("2026-11-02"), *parse_iso_date("2026-11-04"))).error().kind,
              Failure::Kind::denied);
    const auto month =
        release::released_figures(world->press(), week("2026-11"), 5, Timestamp(*parse_iso_date("2026-12-01")));
    ASSERT_TRUE(month);
    for (const auto& figure : month->uses)
        if (figure.label == "chatgpt" && figure.unit == "sales") {
            EXPECT_EQ(figure.people->text(), "5 or more") << "its weeks are public: it may say no more than they do";
        }
}

/// October 2026 is weeks 40 to 44. Six people in one week; three of them, who stay hidden, in another.
const std::vector<std::string> six_days{"2026-09-28", "2026-09-29"},
    three_days{"2026-10-05", "2026-10-06", "2026-10-07"};

std::string everything_of(const release::Figures& figures)
{
    std::string out;
    for (const auto& figure : figures.uses) {
        out += figure.label + ' ' + figure.people->text() + ' ' + std::to_string(figure.days) + " days";
        for (const auto& evidence : figure.evidence)
            out += ' ' + evidence.kind;
        for (const auto& host : figure.hosts)
            out += ' ' + host.host;
        for (const bool told :
             {figure.bytes_up.has_value(), figure.bytes_down.has_value(), figure.connections.has_value(),
              figure.devices.has_value(), figure.first_seen.has_value(), figure.last_seen.has_value()})
            EXPECT_FALSE(told) << figure.label << ": no exact sum or time is released";
        out += figure.before ? " before " + figure.before->text() + "; " : "; ";
    }
    for (const auto& figure : figures.capabilities)
        out += figure.capability + ' ' + figure.people.text() + "; ";
    return out;
}

TEST_F(FindingsTest, AMonthLessItsWeeksLeavesNothing)
{
    SmallWorld three, nobody;
    for (SmallWorld* small : {&three, &nobody}) {
        small->visit({"www.dropbox.com", 1001, 1006, six_days, 1000, 5000});
        small->visit({"eu.dropbox.com", 1001, 1004, six_days, 10, 10, wire::Evidence::http_host});
    }
    three.visit({"www.dropbox.com", 1007, 1009, three_days, 777, 333});
    three.visit({"eu.dropbox.com", 1007, 1009, three_days, 10, 10, wire::Evidence::http_host});
    std::uint64_t days = 0, days_of_month = 0;
    for (const char* id : {"2026-W40", "2026-W41", "2026-W42", "2026-W43", "2026-W44", "2026-10"}) {
        const auto ask = [&](SmallWorld& small) {
            return release::released_figures(small.press(), week(id), 5, Timestamp(today)).value();
        };
        const auto with = ask(three);
        EXPECT_EQ(everything_of(with), everything_of(ask(nobody))) << id;
        for (const auto& figure : with.uses)
            (std::string_view(id) == "2026-10" ? days_of_month : days) += figure.days;
    }
    EXPECT_EQ(days, 2u) << "something was said";
    EXPECT_EQ(days_of_month - days, 0u) << "and nothing is left over";
    const auto exact = release::exact_figures(*three.usage, week("2026-10"), 5).value();
    EXPECT_EQ(exact.uses.front().days, 5u) << "the security role sees the three's days";
}

TEST_F(FindingsTest, AUnitSeesItselfUnderAHigherFloor)
{
    auto made = release::released_figures(world->press(), week("2026-W46"), 5, Timestamp(today)).value();
    EXPECT_FALSE(made.uses.empty());
    EXPECT_TRUE(release::restrict_to(std::move(made), 10).uses.empty()) << "nine people to a unit";
}

TEST_F(FindingsTest, RisksAreMeasured)
{
    const auto findings = exact();
    EXPECT_THAT(risk_ids(*at(findings, "sales/wetransfer")), Contains("upload_volume"));
    EXPECT_THAT(at(findings, "sales/wetransfer")->risks.front().evidence,
                HasSubstr("1.1 GB sent by 6 people on 3 days"));
    EXPECT_THAT(risk_ids(*at(findings, "engineering/sketch")), Contains("plaintext_http"));
    EXPECT_THAT(risk_ids(*at(findings, "finance/anydesk")), Contains("remote_access"));
    EXPECT_TRUE(at(findings, "engineering/claude")->risks.empty()) << "questions alone are no upload";
    EXPECT_TRUE(at(findings, "sales/hubspot")->risks.empty());
}

TEST_F(FindingsTest, OptionsCarryConsequences)
{
    const auto findings = exact();
    EXPECT_EQ(option_ids(*at(findings, "sales/wetransfer")),
              (std::vector<std::string>{"sanction_with_conditions", "migrate", "accept_until", "retire"}));
    EXPECT_EQ(at(findings, "sales/wetransfer")->options[1].service->id, "onedrive");
    EXPECT_EQ(option_ids(*at(findings, "sales/canva")),
              (std::vector<std::string>{"adopt", "sanction_with_conditions", "accept_until"}));
    EXPECT_THAT(option_ids(*at(findings, "engineering/figma")), Contains("adopt"));
    for (const auto& finding : findings)
        for (const auto& option : finding.options)
            EXPECT_FALSE(option.consequence.empty()) << finding.id();
}

TEST_F(FindingsTest, TrendsComparePeriods)
{
    SmallWorld small;
    small.visit({"www.canva.com", 1001, 1003, {"2026-11-02"}});
    small.visit({"www.canva.com", 1001, 1008, {"2026-11-09"}});
    small.visit({"www.figma.com", 1001, 1008, {"2026-11-02"}});
    small.visit({"www.figma.com", 1001, 1003, {"2026-11-09"}});
    small.visit({"claude.ai", 1001, 1006, {"2026-11-02"}});
    const auto findings = find(release::exact_figures(*small.usage, week("2026-W46"), 5).value(), small.meaning());
    EXPECT_EQ(at(findings, "sales/canva")->trend, Trend::growing);
    EXPECT_EQ(at(findings, "sales/figma")->trend, Trend::fading);
    EXPECT_EQ(at(findings, "sales/claude")->trend, Trend::gone);
    EXPECT_TRUE(at(findings, "sales/claude")->options.empty());
}

TEST_F(FindingsTest, PortfolioTellsStatesApart)
{
    const auto findings = exact();
    const auto portfolio = portfolio_of(figures, findings, world->meaning(), 1);
    const auto state = [&](const char* unit, const char* capability) { return portfolio.at(unit, capability)->state; };
    EXPECT_EQ(state("sales", "customer-relationship"), CellState::agreed);
    EXPECT_EQ(state("sales", "ai-assistance"), CellState::not_offered_assumed);
    EXPECT_EQ(state("sales", "file-sharing"), CellState::not_yet_agreed);
    EXPECT_EQ(state("engineering", "design"), CellState::mixed);
    EXPECT_EQ(state("finance", "customer-relationship"), CellState::idle);
    EXPECT_FALSE(portfolio.at("finance", "design"));
    for (const auto& capability : portfolio.capabilities)
        EXPECT_TRUE(std::any_of(
            portfolio.cells.begin(), portfolio.cells.end(),
            [&](const auto& cell) { return cell.capability == capability && cell.state != CellState::idle; }))
            << capability << ": a row that no unit uses";
    EXPECT_EQ(portfolio.at("sales", "file-sharing")->people->text(), "6")
        << "distinct people: the three are among the six";
    const auto public_findings = released();
    for (const auto& cell : portfolio_of(figures, public_findings, world->meaning(), 1).cells)
        EXPECT_NE(cell.state, CellState::idle) << "would tell nobody from too few";
}

TEST_F(FindingsTest, PrivateUseIsNoNeed)
{
    SmallWorld own;
    own.catalog.add_private("chess", "Chess", "games", "chess.example");
    own.catalog.add_private("gallery", "Gallery", "design", "gallery.example");    // beside a need of work
    own.visit({"play.chess.example", 1001, 1008, {"2026-11-09"}});
    own.visit({"gallery.example", 1001, 1008, {"2026-11-09"}});
    own.visit({"gallery.example", 1011, 1018, {"2026-11-09"}});
    own.visit({"www.canva.com", 1011, 1016, {"2026-11-09"}});
    const auto exact = release::exact_figures(*own.usage, week("2026-W46"), 5).value();
    const auto shown = release::released_figures(own.press(), week("2026-W46"), 5, Timestamp(today)).value();
    for (const auto* made : {&exact, &shown}) {
        const auto findings = find(*made, own.meaning());
        EXPECT_TRUE(at(findings, "sales/chess")) << "it is listed as a finding";
        const auto portfolio = portfolio_of(*made, findings, own.meaning(), 1);
        EXPECT_EQ(portfolio.capabilities, std::vector<std::string>{"design"});
        EXPECT_FALSE(portfolio.at("sales", "games"));
        EXPECT_FALSE(portfolio.at("sales", "design")) << "nothing but private use";
        ASSERT_TRUE(portfolio.at("engineering", "design"));
        EXPECT_EQ(portfolio.at("engineering", "design")->services.size(), 1u) << "Canva, not the gallery";
    }
    EXPECT_EQ(words_of(CellState::not_offered_assumed), "not offered yet (assumed)") << "nobody confirmed the need";
}

TEST_F(FindingsTest, DemandIsRankedWithEvidence)
{
    std::vector<release::Figures> weeks;
    for (const char* id : {"2026-W46", "2026-W45"})
        weeks.push_back(release::released_figures(world->press(), week(id), 5, Timestamp(today)).value());
    const auto needs = demand_of(weeks, world->meaning());
    ASSERT_FALSE(needs.empty());
    EXPECT_EQ(needs.front().capability, "ai-assistance");
    EXPECT_EQ(needs.front().units, (std::vector<std::string>{"engineering", "sales"}));
    EXPECT_EQ(needs.front().people_at_least, 10u);
    EXPECT_EQ(needs.front().weeks, 2u);
    EXPECT_EQ(needs.front().signal, 10u * 2 + 10 + 5 * 2 + 10 + 20);
    EXPECT_THAT(needs.front().why, HasSubstr("2 of 2 weeks"));
}

TEST_F(FindingsTest, CoverageSaysWhatIsSeen)
{
    const auto coverage =
        coverage_of(*world->usage, *world->directory, week("2026-W46"), Timestamp(today) + std::chrono::hours(9), 5)
            .value();
    EXPECT_EQ(coverage.devices.text(), "100.0 % (9 of 9)");
    EXPECT_EQ(coverage.of_unit("sales")->text(), "100.0 % (3 of 3)");
    EXPECT_EQ(coverage.readable_names.percent(), 100.0);
    EXPECT_EQ(coverage.observers.size(), 9u);
    EXPECT_EQ(coverage.hidden_road_bytes.part, 0u);
    const auto nobody = coverage_of(*world->usage, *world->directory, week("2026-W46"), Timestamp(today), 10).value();
    EXPECT_FALSE(nobody.of_unit("sales")) << "fewer people than the floor";
}

TEST_F(FindingsTest, CoverageCountsDevicesByTheirOwnUnit)
{
    SmallWorld small;
    const std::vector<std::string> days{"2026-11-09", "2026-11-10"};
    small.visit({"www.canva.com", 1001, 1003, days});    // sales-01
    small.visit({"www.canva.com", 1004, 1004, days, 1, 1, wire::Evidence::tls_sni, "finance-02"});
    small.visit({"www.canva.com", 1005, 1005, days, 1, 1, wire::Evidence::tls_sni, "nobody-s-device"});
    const auto coverage = coverage_of(*small.usage, *small.directory, week("2026-W46"), Timestamp(today), 5).value();
    EXPECT_EQ(coverage.of_unit("sales")->part, 1u) << "neither the borrowed device nor the unknown one is its own";
    EXPECT_EQ(coverage.of_unit("finance")->part, 1u) << "whoever sits at it";
    EXPECT_EQ(coverage.of_unit("engineering")->part, 0u);
    EXPECT_EQ(coverage.devices.part, 2u);
}

TEST_F(FindingsTest, CoverageForEverybodyIsRoundedAndOfClosedPeriods)
{
    Settings settings;
    const Timestamp now{today};
    const auto ask = [&](std::optional<access::Role> role, const char* period) {
        std::optional<access::Account> caller;
        if (role) caller = access::Account{"E1001", *role, {}, false};
        return coverage_for(audience_of(caller, settings), world->press(), *world->directory, week(period), now);
    };
    for (const auto role : {std::optional<access::Role>(), std::optional(access::Role::relationship_manager),
                            std::optional(access::Role::administrator)}) {
        EXPECT_EQ(ask(role, "2026-W47").error().kind, Failure::Kind::denied);
        EXPECT_EQ(ask(role, "2026-11").error().kind, Failure::Kind::denied);
        EXPECT_EQ(ask(role, "2026-W46")->devices.text(), "100 %") << "no parts";
        const auto coverage = ask(role, "2026-W46").value();
        EXPECT_EQ(coverage.of_unit("sales")->text(), "100 %");
        EXPECT_EQ(coverage.readable_names.text(), "not shown") << "all are readable: known, and like all but a few";
        EXPECT_TRUE(coverage.readable_names.withheld);
        // What agents count is live and exact.
        EXPECT_FALSE(coverage.agents_shown);
        EXPECT_TRUE(coverage.observers.empty() && coverage.silent.empty());
        EXPECT_EQ(coverage.counters.connections, 0u);
        EXPECT_EQ(coverage.people_attributed.whole, 0u);
    }
    for (const auto role : {access::Role::security, access::Role::operations}) {
        EXPECT_TRUE(ask(role, "2026-W47"));
        EXPECT_EQ(ask(role, "2026-W46")->devices.text(), "100.0 % (9 of 9)");
        EXPECT_FALSE(ask(role, "2027-W01")) << "not begun";
    }
    settings.small_group = 10;
    EXPECT_EQ(ask(std::nullopt, "2026-W46")->devices.text(), "not shown") << "hidden units would fall out of the total";
    EXPECT_EQ((Share{26, 27, true}.text()), "96 %");
}

TEST_F(FindingsTest, WeakOffersAreForSecurityAndUnknownProgramsForOperationsToo)
{
    SmallWorld small;
    small.visit({"www.canva.com", 1001, 1009, {"2026-11-09"}});
    store::FoldedReport report;
    report.agent = AgentId::random();
    report.epoch.bytes.fill(9);
    report.applications = {"legacy-sync", "firefox"};
    report.offers = {{0, wire::TlsVersion::tls_1_1, wire::Protocols::http_1, parse_iso_date("2026-11-10").value()},
                     {0, wire::TlsVersion::tls_1_2, wire::Protocols::http_1, parse_iso_date("2026-11-01").value()},
                     {1, wire::TlsVersion::tls_1_3, wire::Protocols::http_2, parse_iso_date("2026-11-10").value()}};
    ASSERT_TRUE(small.usage->commit(std::vector{report}));
    const auto ask = [&](std::optional<access::Role> role) {
        std::optional<access::Account> caller;
        if (role) caller = access::Account{"E1001", *role, {}, false};
        return coverage_for(audience_of(caller, Settings{}), small.press(), *small.directory, week("2026-W46"),
                            Timestamp{today})
            .value();
    };
    const auto security = ask(access::Role::security);
    ASSERT_EQ(security.weak_offers.size(), 1U) << "1.2 was before the period, 1.3 is not weak";
    EXPECT_EQ(security.weak_offers[0].application, "legacy-sync");
    EXPECT_EQ(security.weak_offers[0].version, wire::TlsVersion::tls_1_1);
    EXPECT_EQ(security.programs_known.percent(), 80.0);
    const auto operations = ask(access::Role::operations);
    EXPECT_TRUE(operations.weak_offers.empty());
    EXPECT_EQ(operations.programs_known.percent(), 80.0);
    const auto anybody = ask(std::nullopt);
    EXPECT_TRUE(anybody.weak_offers.empty());
    EXPECT_EQ(anybody.programs_known.whole, 0U);
}

TEST_F(FindingsTest, LabelsFollowTheCatalogueAndOnlyThen)
{
    EXPECT_EQ(refresh_labels(*world->usage, world->catalog, *world->directory, world->keys).value(), 0u);
    EXPECT_EQ(world->usage->stamp().value(), label_stamp(world->catalog, *world->directory));
}

TEST(Audience, WhatIsNotListedIsDenied)
{
    using access::Role;
    EXPECT_TRUE(may(Role::security, Operation::findings));
    EXPECT_FALSE(may(Role::operations, Operation::findings));
    EXPECT_FALSE(may(Role::administrator, Operation::brief));
    EXPECT_TRUE(may(Role::administrator, Operation::coverage));
    const Settings settings;
    access::Account leader{"E1001", Role::unit_leader, {"sales"}, false};
    const auto audience = audience_of(leader, settings);
    EXPECT_EQ(audience.floor, 10u);
    EXPECT_TRUE(audience.reads("sales"));
    EXPECT_FALSE(audience.reads("finance"));
    leader.units.clear();
    EXPECT_FALSE(audience_of(leader, settings).reads("sales")) << "a leader of no unit reads none";
    EXPECT_EQ(audience_of(std::nullopt, settings).strength, release::Strength::released);
}

TEST(Audience, ChoosesPeriods)
{
    EXPECT_EQ(release::id_of(choose_period("", "", "", today, today).value()), "2026-W46");
    EXPECT_EQ(release::id_of(choose_period("", "2026-11-01", "2026-11-03", today, today).value()),
              "2026-11-01..2026-11-02");
    EXPECT_EQ(release::id_of(choose_period("", "2026-11-20", "", today, today).value()), "2026-11-20..2026-11-21");
    EXPECT_FALSE(choose_period("2026-W46", "2026-11-01", "", today, today));
    EXPECT_FALSE(choose_period("", "", "2026-11-01", today, today));
    EXPECT_FALSE(choose_period("", "2026-11-03", "2026-11-03", today, today));
}

}    // namespace
}    // namespace dl::collector::insight
