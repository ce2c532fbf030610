#include "collector/policy/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace dl::collector::policy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const catalog::Catalog& shipped()
{
    static const auto loaded = catalog::load_catalog(DAYLIGHT_SOURCE_DIR "/config/catalog");
    if (!loaded) throw std::runtime_error(loaded.error().message);
    return **loaded;
}

class PolicyTest : public testing::Test {
protected:
    ~PolicyTest() override { std::filesystem::remove(file_); }

    Result<std::unique_ptr<Policy>> load(const std::string& rules)
    {
        std::ofstream(file_) << "{\"rules\": [\n" << rules << "\n]}\n";
        return load_policy(file_, shipped(), &clock_);
    }
    std::string complaint(const std::string& rules)
    {
        const auto loaded = load(rules);
        return loaded ? std::string() : loaded.error().message;
    }
    static const catalog::Service& service(std::string_view id) { return *shipped().service(id); }

    std::filesystem::path file_ =
        std::filesystem::path(testing::TempDir()) / ("policy-" + std::to_string(::getpid()) + ".json");
    FixedClock clock_{*parse_rfc3339("2026-11-21T12:00:00.000000Z")};
};

constexpr const char* tail = R"(, "reason": "r", "owner": "E1001"})";

std::string rule(const std::string& id, const std::string& effect, const std::string& target,
                 const std::string& more = "")
{
    return R"({"id": ")" + id + R"(", "effect": ")" + effect + R"(", )" + target + more +
           (effect == "tolerate" ? R"(, "conditions": "c")" : "") + tail;
}

TEST_F(PolicyTest, MostSpecificRuleWinsAndTheChainTellsAll)
{
    const auto policy = load(rule("cat", "unsanction", R"("category": "team-chat")", R"(, "units": ["sales"])") +
                             ",\n" + rule("all", "tolerate", R"("service": "slack")", R"(, "review": "2027-01-31")") +
                             ",\n" + rule("eng", "sanction", R"("service": "slack")", R"(, "units": ["engineering"])") +
                             ",\n" + rule("vendor", "unsanction", R"("vendor": "Salesforce")"));
    ASSERT_TRUE(policy) << policy.error().message;
    const Decision engineering = (*policy)->decide(service("slack"), "engineering");
    EXPECT_EQ(engineering.verdict, Verdict::sanctioned);
    EXPECT_EQ(engineering.rule, "eng");
    ASSERT_EQ(engineering.chain.size(), 3U);
    EXPECT_THAT(engineering.chain[0],
                AllOf(HasSubstr(":4 'eng' sanctions service 'slack' for engineering"), HasSubstr(": r")));
    for (const auto& step : engineering.chain)
        EXPECT_EQ(step.find('/'), std::string::npos) << "shows where files lie on the server: " << step;
    EXPECT_THAT(engineering.chain[1], HasSubstr("'all' tolerates"));
    EXPECT_THAT(engineering.chain[2], HasSubstr("'vendor' unsanctions vendor 'Salesforce'"));

    const Decision sales = (*policy)->decide(service("slack"), "sales");
    EXPECT_EQ(sales.verdict, Verdict::tolerated);
    EXPECT_EQ(sales.conditions, "c");
    EXPECT_EQ(sales.owner, "E1001");
    EXPECT_EQ(sales.review, *parse_iso_date("2027-01-31"));
    EXPECT_EQ((*policy)->decide(service("mattermost"), "sales").verdict, Verdict::unsanctioned);
    EXPECT_EQ((*policy)->decide(service("mattermost"), "finance").verdict, Verdict::unreviewed);
    EXPECT_TRUE((*policy)->decide(service("mattermost"), "finance").chain.empty());
    EXPECT_EQ((*policy)->decide(service("salesforce"), "").verdict, Verdict::unsanctioned);
}

TEST_F(PolicyTest, AVendorRuleDoesNotReachItsPersonalInstances)
{
    const auto policy = load(rule("vendor", "sanction", R"("vendor": "Microsoft")") + ",\n" +
                             rule("one", "tolerate", R"("service": "microsoft-account")"));
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ((*policy)->decide(service("microsoft-teams"), "").verdict, Verdict::sanctioned);
    EXPECT_EQ((*policy)->decide(service("teams-personal"), "").verdict, Verdict::unreviewed);
    for (const char* private_use : {"xbox", "msn", "bing", "minecraft"})
        EXPECT_EQ((*policy)->decide(service(private_use), "").verdict, Verdict::unreviewed) << private_use;
    EXPECT_EQ((*policy)->decide(service("microsoft-account"), "").verdict, Verdict::tolerated) << "named itself";
}

TEST_F(PolicyTest, ExpiredRulesApplyNoMoreAndAreNamed)
{
    const auto policy = load(rule("old", "sanction", R"("service": "xero")", R"(, "expires": "2026-11-21")"));
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ((*policy)->decide(service("xero"), "finance").verdict, Verdict::sanctioned) << "on its last day";
    clock_.advance(std::chrono::hours(24));
    const Decision later = (*policy)->decide(service("xero"), "finance");
    EXPECT_EQ(later.verdict, Verdict::unreviewed);
    ASSERT_EQ(later.chain.size(), 1U);
    EXPECT_THAT(later.chain[0], HasSubstr("expired 2026-11-21"));
    ASSERT_EQ((*policy)->overdue().size(), 1U);
    EXPECT_THAT((*policy)->overdue()[0], HasSubstr("the rule 'old' expired on 2026-11-21"));
}

TEST_F(PolicyTest, InternalServicesAreSanctionedUnlessARuleSaysOtherwise)
{
    const auto policy = load(rule("crm", "unsanction", R"("category": "crm")"));
    ASSERT_TRUE(policy) << policy.error().message;
    catalog::Service erp{"erp", "Ledger", "internal", "accounting-erp", "Finance", true, false};
    EXPECT_EQ((*policy)->decide(erp, "finance").verdict, Verdict::sanctioned);
    erp.category = "crm";
    EXPECT_EQ((*policy)->decide(erp, "finance").verdict, Verdict::unsanctioned);
}

TEST_F(PolicyTest, RefusesBadRulesWithFileLineAndReason)
{
    const std::string slack = R"("service": "slack")";
    const std::pair<std::string, const char*> cases[] = {
        {rule("a", "sanction", R"("service": "slaack")"), "did you mean 'slack'"},
        {rule("a", "sanction", R"("category": "team-chatt")"), "did you mean 'team-chat'"},
        {rule("a", "sanction", R"("vendor": "Microsft")"), "did you mean 'Microsoft'"},
        {rule("a", "sanktion", slack), "did you mean 'sanction'"},
        {rule("a", "sanction", slack, R"(, "vendor": "Zoom")"), "not for two of them"},
        {rule("a", "sanction", R"("note": "n")"), "says of nothing"},
        {rule("a", "sanction", slack, R"(, "unit": "sales")"), "did you mean 'units'"},
        {rule("a", "sanction", slack, R"(, "units": [])"), "leave it out to mean all units"},
        {rule("a", "sanction", slack, R"(, "review": "31.1.2027")"), "is no date"},
        {R"({"id": "a", "effect": "tolerate", "service": "slack", "reason": "r", "owner": "o"})", "conditions"},
        {R"({"id": "a", "effect": "sanction", "service": "slack", "reason": "", "owner": "o"})", "empty reason"},
        {R"({"id": "a", "effect": "sanction", "service": "slack", "reason": "r"})", "owner"},
    };
    for (const auto& [text, reason] : cases)
        EXPECT_THAT(complaint(text), AllOf(HasSubstr(file_.string() + ":2: "), HasSubstr(reason), Not(HasSubstr("\n"))))
            << text;
}

TEST_F(PolicyTest, RefusesTiesThatDisagreeAndDoubleIds)
{
    const std::string slack = R"("service": "slack")";
    EXPECT_THAT(complaint(rule("a", "sanction", slack) + ",\n" + rule("b", "unsanction", slack)),
                AllOf(HasSubstr(":3: "), HasSubstr("the rules 'a'"), HasSubstr("disagree about service 'slack'")));
    EXPECT_THAT(complaint(rule("a", "sanction", slack, R"(, "units": ["sales", "finance"])") + ",\n" +
                          rule("b", "unsanction", slack, R"(, "units": ["finance"])")),
                HasSubstr("disagree"));
    EXPECT_EQ(complaint(rule("a", "sanction", slack, R"(, "units": ["sales"])") + ",\n" +
                        rule("b", "unsanction", slack, R"(, "units": ["finance"])") + ",\n" +
                        rule("c", "unsanction", slack)),
              "");
    EXPECT_THAT(complaint(rule("a", "sanction", slack) + ",\n" + rule("a", "sanction", R"("service": "zoom")")),
                HasSubstr("the id 'a' is taken at"));
}

TEST_F(PolicyTest, ChecksUnitsAgainstTheDirectory)
{
    const auto policy = load(rule("a", "sanction", R"("service": "slack")", R"(, "units": ["sales", "finanse"])"));
    ASSERT_TRUE(policy) << policy.error().message;
    const std::vector<UnitPlace> units{{"sales", ""}, {"engineering", ""}, {"finance", ""}};
    const auto checked = (*policy)->place_units(units);
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message,
                AllOf(HasSubstr(":2: "), HasSubstr("'finanse'"), HasSubstr("did you mean 'finance'")));
    const std::vector<UnitPlace> more{{"sales", ""}, {"finanse", ""}};
    EXPECT_TRUE((*policy)->place_units(more));
}

TEST_F(PolicyTest, ARuleReachesTheUnitsBelowAndTheNearestWins)
{
    const std::string slack = R"("service": "slack")";
    const auto policy = load(rule("company", "unsanction", slack) + ",\n" +
                             rule("group", "tolerate", slack, R"(, "units": ["sales"])") + ",\n" +
                             rule("north", "sanction", slack, R"(, "units": ["sales-north"])") + ",\n" +
                             rule("ended", "sanction", slack, R"(, "units": ["sales"], "expires": "2026-01-31")"));
    ASSERT_FALSE(policy) << "two rules for the same unit disagree, also when one has expired";
    const auto mended = load(rule("company", "unsanction", slack) + ",\n" +
                             rule("group", "tolerate", slack, R"(, "units": ["sales"])") + ",\n" +
                             rule("north", "sanction", slack, R"(, "units": ["sales-north", "finance"])"));
    ASSERT_TRUE(mended) << mended.error().message;
    const std::vector<UnitPlace> units{{"sales", ""},
                                       {"sales-north", "sales"},
                                       {"sales-south", "sales"},
                                       {"sales-south-1", "sales-south"},
                                       {"finance", ""}};
    ASSERT_TRUE((*mended)->place_units(units));
    const auto decide = [&](const char* unit) { return (*mended)->decide(service("slack"), unit); };
    EXPECT_EQ(decide("sales").rule, "group");
    EXPECT_EQ(decide("sales-south").rule, "group");
    EXPECT_EQ(decide("sales-south-1").rule, "group") << "from the unit above the one above";
    EXPECT_EQ(decide("sales-north").rule, "north") << "its own goes before its parent's";
    EXPECT_EQ(decide("finance").rule, "north");
    EXPECT_EQ(decide("unassigned").rule, "company");
    const auto chain = decide("sales-north").chain;
    ASSERT_EQ(chain.size(), 3U);
    EXPECT_THAT(chain[0], Not(HasSubstr("reaches this unit")));
    EXPECT_THAT(chain[1], AllOf(HasSubstr("'group'"), HasSubstr("reaches this unit because it lies in 'sales'")));
    EXPECT_THAT(chain[2], HasSubstr("'company'"));
}

TEST_F(PolicyTest, ARuleThatNamesAUnitAndTheOneAboveItIsToldOnce)
{
    const auto policy =
        load(rule("both", "tolerate", R"("service": "slack")", R"(, "units": ["sales", "sales-north"])"));
    ASSERT_TRUE(policy);
    const std::vector<UnitPlace> units{{"sales", ""}, {"sales-north", "sales"}};
    ASSERT_TRUE((*policy)->place_units(units));
    EXPECT_EQ((*policy)->decide(service("slack"), "sales-north").chain.size(), 1U);
}

TEST_F(PolicyTest, AVendorsRangeSaysWhatTheCategorySpeaksAgainst)
{
    const std::string tunnels = R"("category": "tunnels-webhooks")";
    const auto policy =
        load(rule("range", "sanction", R"("vendor": "Microsoft")") + ",\n" + rule("ban", "unsanction", tunnels) +
             ",\n" + rule("lab", "tolerate", tunnels, R"(, "units": ["engineering"])"));
    ASSERT_TRUE(policy) << policy.error().message;
    const auto& dev_tunnels = service("visual-studio-dev-tunnels");
    EXPECT_EQ((*policy)->decide(dev_tunnels, "sales").verdict, Verdict::sanctioned);
    EXPECT_EQ((*policy)->decide(dev_tunnels, "sales").against, "ban");
    EXPECT_EQ((*policy)->decide(dev_tunnels, "engineering").against, "") << "its own rule for the category is milder";
    EXPECT_EQ((*policy)->decide(service("microsoft-teams"), "sales").against, "");
    const auto named = load(rule("range", "sanction", R"("service": "visual-studio-dev-tunnels")") + ",\n" +
                            rule("ban", "unsanction", tunnels));
    EXPECT_EQ((*named)->decide(dev_tunnels, "sales").against, "") << "agreed by name, knowing the category";
}

TEST_F(PolicyTest, TheShippedExampleHoldsForTheShippedUnits)
{
    const auto policy = load_policy(DAYLIGHT_SOURCE_DIR "/config/policy.json", shipped(), &clock_);
    ASSERT_TRUE(policy) << policy.error().message;
    const std::vector<UnitPlace> units{{"sales", ""}, {"engineering", ""}, {"finance", ""}};
    EXPECT_TRUE((*policy)->place_units(units));
    const auto verdict = [&](const char* id, const char* unit) { return (*policy)->decide(service(id), unit).verdict; };
    EXPECT_EQ(verdict("exchange-online", "sales"), Verdict::sanctioned);
    EXPECT_EQ(verdict("outlook-personal", "sales"), Verdict::unsanctioned);
    EXPECT_EQ(verdict("github", "engineering"), Verdict::sanctioned);
    EXPECT_EQ(verdict("github", "sales"), Verdict::unreviewed);
    EXPECT_EQ(verdict("deepl", "finance"), Verdict::tolerated);
    EXPECT_EQ(verdict("wetransfer", "sales"), Verdict::unsanctioned);
    EXPECT_EQ(verdict("anydesk", "finance"), Verdict::unsanctioned);
    EXPECT_EQ(verdict("chatgpt", "sales"), Verdict::unreviewed);
    EXPECT_EQ(verdict("ngrok", "engineering"), Verdict::tolerated);
    EXPECT_EQ(verdict("ngrok", "finance"), Verdict::unsanctioned);
    EXPECT_EQ((*policy)->version().size(), 16U);
}

}    // namespace
}    // namespace dl::collector::policy
