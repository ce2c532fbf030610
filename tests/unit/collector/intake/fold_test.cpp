#include "collector/intake/continuity.hpp"
#include "collector/intake/fold.hpp"
#include "shared/names/identifiers.hpp"
#include "tests/unit/collector/store/store_room.hpp"

#include <gtest/gtest.h>

namespace dl::collector::intake {
namespace {

using store::day;
using store::numbered;

const Timestamp now = Timestamp{day(100)} + std::chrono::hours(12);

wire::Report report_of(std::initializer_list<int> days)
{
    wire::Report report;
    report.agent = numbered<AgentId>(1);
    report.revision_to = 10;
    report.devices = {numbered<Pseudonym>(1)};
    report.persons = {numbered<Pseudonym>(2)};
    report.destinations = {{"App.Example.NET.", "Edge.Example.ORG", Transport::tcp, 443},
                           {"not a host", "", Transport::tcp, 443}};
    for (const int number : days) {
        wire::Cell cell;
        cell.day = day(number);
        cell.person = 0;
        cell.evidence = wire::Evidence::tls_sni;
        cell.connections = 1;
        cell.first_seen = Timestamp{day(number)} + std::chrono::hours(1);
        cell.last_seen = Timestamp{day(number)} + std::chrono::hours(2);
        cell.revision = 1;
        report.cells.push_back(cell);
    }
    return report;
}

FoldRules rules()
{
    FoldRules out;
    out.collector_key.fill(7);
    return out;
}

TEST(Fold, rekeys_every_pseudonym_and_normalises_hosts)
{
    const wire::Report report = report_of({100});
    const Folded folded = fold(report, rules(), now);
    EXPECT_EQ(folded.accepted, 1U);
    EXPECT_EQ(folded.report.devices[0], names::rekey(rules().collector_key, report.devices[0]));
    EXPECT_EQ(folded.report.persons[0], names::rekey(rules().collector_key, report.persons[0]));
    EXPECT_NE(folded.report.persons[0], report.persons[0]);
    EXPECT_EQ(folded.report.destinations[0].host, "app.example.net");
    EXPECT_EQ(folded.report.destinations[0].canonical, "edge.example.org");
}

TEST(Fold, counts_days_that_are_too_old_or_implausible_and_takes_the_rest)
{
    const Folded folded = fold(report_of({-1, 0, 100, 102, 103}), rules(), now);
    EXPECT_EQ(folded.too_old, 1U);
    EXPECT_EQ(folded.quarantined, 1U);
    EXPECT_EQ(folded.accepted, 3U);
    EXPECT_TRUE(folded.rejected.empty());
}

TEST(Fold, rejects_each_senseless_cell_with_its_index_and_a_reason)
{
    wire::Report report = report_of({100, 100, 100, 100, 100, 100, 100});
    report.cells[0].device = 5;
    report.cells[1].destination = 1;
    report.cells[2].last_seen = report.cells[2].first_seen - std::chrono::seconds(1);
    report.cells[3].first_seen = Timestamp{day(98)};
    report.cells[4].revision = 11;
    report.cells[5].person = 9;
    const Folded folded = fold(report, rules(), now);
    ASSERT_EQ(folded.rejected.size(), 6U);
    EXPECT_EQ(folded.accepted, 1U);
    for (std::uint32_t i = 0; i < 6; ++i) {
        EXPECT_EQ(folded.rejected[i].index, i);
        EXPECT_FALSE(folded.rejected[i].reason.empty());
        EXPECT_EQ(folded.rejected[i].reason.find('\n'), std::string::npos);
    }
}

TEST(Fold, rejects_what_no_device_can_do_in_a_day)
{
    constexpr auto one = std::uint64_t{1};
    wire::Report report = report_of({100, 100, 100, 100});
    report.cells[0].bytes_up = (one << 50) + 1;
    report.cells[1].bytes_down = (one << 50) + 1;
    report.cells[2].connections = (one << 40) + 1;
    report.cells[3].bytes_up = report.cells[3].bytes_down = one << 50;
    report.cells[3].connections = one << 40;
    const Folded folded = fold(report, rules(), now);
    ASSERT_EQ(folded.rejected.size(), 3U);
    EXPECT_NE(folded.rejected[0].reason.find("bytes_up"), std::string::npos);
    EXPECT_NE(folded.rejected[1].reason.find("bytes_down"), std::string::npos);
    EXPECT_NE(folded.rejected[2].reason.find("connections"), std::string::npos);
    EXPECT_EQ(folded.accepted, 1U);
}

TEST(Fold, takes_imported_evidence_from_importers_only)
{
    wire::Report report = report_of({100});
    report.cells[0].evidence = wire::Evidence::imported;
    for (const auto kind : {wire::ObserverKind::endpoint, wire::ObserverKind::sensor}) {
        report.observer = kind;
        EXPECT_EQ(fold(report, rules(), now).total_rejected, 1U);
    }
    report.observer = wire::ObserverKind::import;
    EXPECT_EQ(fold(report, rules(), now).accepted, 1U);
}

TEST(Fold, leaves_out_offers_of_days_that_cells_would_be_refused_for)
{
    wire::Report report = report_of({100});
    report.applications = {"curl"};
    const Day today = day_of(now);
    for (const Day day : {today, today + std::chrono::days(3), today - std::chrono::days(400)})
        report.offers.push_back({0, wire::TlsVersion::tls_1_2, wire::Protocols::http_1, day});
    const Folded folded = fold(report, rules(), now);
    ASSERT_EQ(folded.report.offers.size(), 1U);
    EXPECT_EQ(folded.report.offers[0].last_day, today);
    EXPECT_EQ(folded.report.applications.at(folded.report.offers[0].application), "curl");
}

struct Life {
    StoreIncarnation store = numbered<StoreIncarnation>(1);
    Receipt older = numbered<Receipt>(1);
    Receipt newer = numbered<Receipt>(2);
    store::Held held{store, newer, 20};
};

TEST(Continuity, goes_on_where_the_last_report_ended)
{
    const Life life;
    wire::Report report = report_of({});
    report.revision_from = 20;
    report.revision_to = 25;
    report.last_receipt = life.newer;
    report.last_store = life.store;
    const Continuity judged = judge(report, life.held, life.store, life.older);
    EXPECT_EQ(judged.order, wire::Order::none);
    EXPECT_EQ(judged.revision, 25U);
}

TEST(Continuity, an_agent_that_missed_the_reply_repeats_itself_unpunished)
{
    const Life life;
    wire::Report report = report_of({});
    report.revision_from = 10;
    report.revision_to = 22;
    report.last_receipt = life.older;
    EXPECT_EQ(judge(report, life.held, life.store, life.older).order, wire::Order::none);
    EXPECT_EQ(judge(report, life.held, life.store, std::nullopt).order, wire::Order::none);
}

TEST(Continuity, a_ledger_that_went_back_gets_a_new_epoch)
{
    const Life life;
    wire::Report report = report_of({});
    report.revision_from = 5;
    report.revision_to = 12;    // behind the 20 that are held
    report.last_receipt = life.older;
    EXPECT_EQ(judge(report, life.held, life.store, std::nullopt).order, wire::Order::new_epoch);
    report.revision_to = 40;    // overtook, but echoes what no report of this epoch echoed last
    EXPECT_EQ(judge(report, life.held, life.store, numbered<Receipt>(9)).order, wire::Order::new_epoch);
}

TEST(Continuity, a_restored_store_asks_for_what_it_lost_and_claims_no_more)
{
    const Life life;
    wire::Report report = report_of({});
    report.revision_from = 30;
    report.revision_to = 35;
    report.last_store = numbered<StoreIncarnation>(8);
    const Continuity judged = judge(report, life.held, life.store, std::nullopt);
    EXPECT_EQ(judged.order, wire::Order::resend);
    EXPECT_EQ(judged.revision, 20U);
    EXPECT_EQ(judge(report, std::nullopt, life.store, std::nullopt).revision, 0U);
}

}    // namespace
}    // namespace dl::collector::intake
