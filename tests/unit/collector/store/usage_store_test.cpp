#include "store_room.hpp"

#include <sqlite3.h>

#include <gmock/gmock.h>

#include <limits>

namespace dl::collector::store {
namespace {

using testing::HasSubstr;

Dimensions dimensions(UsageStore& store, const std::string& stamp,
                      const std::map<std::string, DestinationLabel>& by_host)
{
    Dimensions d;
    d.stamp = stamp;
    const auto known = store.destinations(false);
    for (const KnownDestination& k : *known)
        if (const auto at = by_host.find(k.destination.host); at != by_host.end()) {
            d.destinations.push_back(at->second);
            d.destinations.back().destination = k.id;
        }
    return d;
}

class UsageStoreTest : public testing::Test {
protected:
    TemporaryDirectory directory_;
    std::unique_ptr<UsageStore> store_ = open_usage(directory_ / "usage.sqlite", Open::create);
};

TEST_F(UsageStoreTest, SumsOneUseOverEverything)
{
    commit(*store_, {ReportBuilder(1).add({.connections = 3, .up = 30, .down = 300}).report()});
    const auto all = rows(*store_, {});
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].people, 1U);
    EXPECT_EQ(all[0].devices, 1U);
    EXPECT_EQ(all[0].devices_without_person, 0U);
    EXPECT_EQ(all[0].days, 1U);
    EXPECT_EQ(all[0].connections, 3U);
    EXPECT_EQ(all[0].bytes_up, 30U);
    EXPECT_EQ(all[0].bytes_down, 300U);
    EXPECT_EQ(all[0].first_seen, day(0) + std::chrono::minutes(60));
    EXPECT_EQ(all[0].last_seen, day(0) + std::chrono::minutes(120));
}

TEST_F(UsageStoreTest, SumsStopAtTheGreatestValueInsteadOfWrapping)
{
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();    // of one cell
    constexpr std::uint64_t top = std::numeric_limits<std::uint64_t>::max();    // 2^64 - 1
    const auto add = [&](int device, std::uint64_t value) {
        ReportBuilder builder(device);
        builder.add({.device = device, .person = device, .connections = value, .up = value, .down = value});
        builder.report().counters.packets = value;
        commit(*store_, {builder.report()});
    };
    const auto totals = [&] { return *store_->totals(day(0), day(1)); };
    add(1, most);
    add(2, most);
    EXPECT_EQ(totals().bytes_up, top - 1) << "exact as long as it fits";
    EXPECT_EQ(totals().connections, top - 1);
    add(3, 1);
    EXPECT_EQ(totals().bytes_up, top) << "exactly full";
    add(4, 1);
    EXPECT_EQ(totals().bytes_up, top) << "2^64 would be nought";
    EXPECT_EQ(totals().bytes_down, top);
    EXPECT_EQ(totals().connections, top);
    EXPECT_EQ(totals().cells, 4U);
    add(5, most);
    EXPECT_EQ(totals().bytes_up, top);

    // A report's rows, from roll-ups and from facts, end where the store's integers do.
    for (const auto& by : {std::set<By>{}, std::set<By>{By::evidence}}) {
        const auto all = rows(*store_, by);
        ASSERT_EQ(all.size(), 1U);
        EXPECT_EQ(all[0].bytes_up, most);
        EXPECT_EQ(all[0].bytes_down, most);
        EXPECT_EQ(all[0].connections, most);
        EXPECT_EQ(all[0].people, 5U);
    }
    EXPECT_TRUE(store_->verify().has_value());
}

TEST_F(UsageStoreTest, AnEmptyWindowIsOneRowOfNothingOrNoRows)
{
    commit(*store_, {ReportBuilder(1).add({}).report()});
    EXPECT_EQ(rows(*store_, {}, 5, 6).at(0).people, 0U);
    EXPECT_TRUE(rows(*store_, {By::label}, 5, 6).empty());
}

TEST_F(UsageStoreTest, UnlabelledHostsAreUnknownUnderTheirName)
{
    commit(*store_, {ReportBuilder(1).add({.host = "new.example.net"}).report()});
    const auto by = rows(*store_, {By::kind, By::label, By::capability});
    ASSERT_EQ(by.size(), 1U);
    EXPECT_EQ(by[0].kind, "unknown");
    EXPECT_EQ(by[0].label, "new.example.net");
    EXPECT_EQ(by[0].capability, "");
    EXPECT_EQ(store_->destinations(true)->size(), 1U);
}

TEST_F(UsageStoreTest, LabelsAddedUnderTheSameStampReachUseThatWasCountedBefore)
{
    commit(*store_, {ReportBuilder(1).add({.host = "mail.example.net"}).report()});
    ASSERT_TRUE(store_->label(dimensions(*store_, "a", {})).has_value());
    EXPECT_EQ(rows(*store_, {By::label}).at(0).label, "mail.example.net");
    ASSERT_TRUE(store_->label(dimensions(*store_, "a", {{"mail.example.net", {0, "service", "mail", "messaging"}}}))
                    .has_value());
    const auto by = rows(*store_, {By::kind, By::label, By::capability});
    ASSERT_EQ(by.size(), 1U);
    EXPECT_EQ(by[0].label, "mail");
    EXPECT_EQ(by[0].capability, "messaging");
    EXPECT_TRUE(store_->destinations(true)->empty());
    EXPECT_EQ(*store_->stamp(), "a");
}

TEST_F(UsageStoreTest, TheSameStampLeavesKnownLabelsAlone)
{
    commit(*store_, {ReportBuilder(1).add({.host = "mail.example.net"}).report()});
    ASSERT_TRUE(
        store_->label(dimensions(*store_, "a", {{"mail.example.net", {0, "service", "mail", ""}}})).has_value());
    ASSERT_TRUE(
        store_->label(dimensions(*store_, "a", {{"mail.example.net", {0, "noise", "noise:ads", ""}}})).has_value());
    EXPECT_EQ(rows(*store_, {By::label}).at(0).label, "mail");
    ASSERT_TRUE(
        store_->label(dimensions(*store_, "b", {{"mail.example.net", {0, "noise", "noise:ads", ""}}})).has_value());
    EXPECT_EQ(rows(*store_, {By::label}).at(0).label, "noise:ads");
    ASSERT_TRUE(store_->label(dimensions(*store_, "c", {})).has_value());
    EXPECT_EQ(rows(*store_, {By::kind}).at(0).kind, "unknown");
}

TEST_F(UsageStoreTest, AReorganisationMovesPeopleFromItsDayOn)
{
    commit(*store_, {ReportBuilder(1)
                         .add({.day = 1})
                         .add({.day = 9})
                         .add({.day = 9, .device = 2, .person = 2})
                         .add({.day = 9, .device = 3, .person = 0})
                         .report()});
    Dimensions d = dimensions(*store_, "org 1", {});
    d.people = {{numbered<Pseudonym>(100'001), "sales", Day::min(), day(5)},
                {numbered<Pseudonym>(100'001), "finance", day(5)}};
    d.devices = {{numbered<Pseudonym>(3), "lab"}, {numbered<Pseudonym>(1), "wrong"}};
    ASSERT_TRUE(store_->label(d).has_value());
    const auto by = rows(*store_, {By::unit, By::day});
    std::vector<std::string> seen;
    for (const Row& r : by)
        seen.push_back(fmt::format("{} {} {}", to_iso_date(*r.day), r.unit, r.people));
    const std::string first = to_iso_date(day(1)), last = to_iso_date(day(9));
    EXPECT_EQ(seen, (std::vector<std::string>{first + " sales 1", last + " finance 1", last + " lab 0",
                                              last + " unassigned 1"}));
}

TEST_F(UsageStoreTest, PeopleOfTheDirectoryAreToldFromAccountsAndCountOnce)
{
    commit(*store_, {ReportBuilder(1)
                         .add({.day = 1, .person = 1})
                         .add({.day = 1, .person = 2})    // the same person's other account
                         .add({.day = 1, .person = 3})    // nobody's, at a device of sales
                         .add({.day = 1, .person = 0})
                         .add({.day = 9, .person = 1})    // in no unit any more
                         .report()});
    Dimensions d = dimensions(*store_, "org 1", {});
    const auto anna = numbered<Pseudonym>(100'001);
    d.people = {{anna, "sales", Day::min(), day(5)}, {numbered<Pseudonym>(100'002), "sales", Day::min(), day(5), anna}};
    d.devices = {{numbered<Pseudonym>(1), "sales"}};
    ASSERT_TRUE(store_->label(d).has_value());
    for (const auto& by : {std::set<By>{By::unit}, std::set<By>{By::unit, By::evidence}}) {
        const auto first = rows(*store_, by, 1, 2).at(0), last = rows(*store_, by, 9, 10).at(0);
        EXPECT_EQ(first.unit, "sales");
        EXPECT_EQ(first.people, 2U);
        EXPECT_EQ(first.people_known, 1U);
        EXPECT_EQ(last.unit, "sales");
        EXPECT_EQ(last.people, 1U);
        EXPECT_EQ(last.people_known, 0U);
    }
    // Another directory says that they are two: the same names, so only the dimension changes.
    d = dimensions(*store_, "org 2", {});
    d.people = {{anna, "sales"}, {numbered<Pseudonym>(100'002), "sales"}};
    ASSERT_TRUE(store_->label(d).has_value());
    EXPECT_EQ(rows(*store_, {}, 1, 2).at(0).people_known, 2U);
}

TEST_F(UsageStoreTest, FiltersNarrowByUnitKindLabelAndCapability)
{
    commit(*store_, {ReportBuilder(1).add({.host = "a.example"}).add({.person = 2, .host = "b.example"}).report()});
    Dimensions d = dimensions(
        *store_, "1", {{"a.example", {0, "service", "alpha", "crm"}}, {"b.example", {0, "noise", "noise:ads", ""}}});
    d.people = {{numbered<Pseudonym>(100'001), "sales"}, {numbered<Pseudonym>(100'002), "finance"}};
    ASSERT_TRUE(store_->label(d).has_value());
    Query query{.from = day(0), .to = day(1), .by = {By::unit}, .unit = {}, .kind = {}, .label = {}, .capability = {}};
    const auto units = [&](auto set) {
        Query narrowed = query;
        set(narrowed);
        std::string text;
        for (const Row& r : *store_->report(narrowed))
            text += r.unit + " ";
        return text;
    };
    EXPECT_EQ(units([](Query&) {}), "finance sales ");
    EXPECT_EQ(units([](Query& q) { q.unit = "sales"; }), "sales ");
    EXPECT_EQ(units([](Query& q) { q.kind = "noise"; }), "finance ");
    EXPECT_EQ(units([](Query& q) { q.label = "alpha"; }), "sales ");
    EXPECT_EQ(units([](Query& q) { q.capability = "crm"; }), "sales ");
    EXPECT_EQ(units([](Query& q) { q.capability = "crm", q.unit = "finance"; }), "");
}

TEST_F(UsageStoreTest, FactsAreReportedByDestinationEvidenceObserverAndApplication)
{
    commit(*store_,
           {ReportBuilder(1)
                .add({.host = "a.example", .connections = 2, .application = "firefox"})
                .add({.host = "a.example", .connections = 5, .evidence = wire::Evidence::dns_answer, .port = 80})
                .report()});
    const auto by = rows(*store_, {By::destination, By::evidence, By::observer, By::application});
    ASSERT_EQ(by.size(), 2U);
    EXPECT_EQ(by[0].host, "a.example");
    EXPECT_EQ(by[0].evidence, "dns_answer");
    EXPECT_EQ(by[0].application, "");
    EXPECT_EQ(by[0].connections, 5U);
    EXPECT_EQ(by[1].application, "firefox");
    EXPECT_EQ(by[1].observer, numbered<AgentId>(1).hex());
    const auto host = rows(*store_, {By::destination});
    ASSERT_EQ(host.size(), 1U) << "ports of one host are one row";
    EXPECT_EQ(host[0].connections, 7U);
}

TEST_F(UsageStoreTest, HoldsTheRevisionUpToTheFirstGap)
{
    const auto send = [&](std::uint64_t from, std::uint64_t to) {
        return store_->commit(std::vector<FoldedReport>{ReportBuilder(1).add({}).revisions(from, to).report()})->at(0);
    };
    const Held first = send(0, 10);
    EXPECT_EQ(first.revision, 10U);
    EXPECT_EQ(first.store, store_->incarnation());
    EXPECT_EQ(send(20, 30).revision, 10U) << "11 to 20 were lost on the way";
    EXPECT_EQ(send(10, 20).revision, 20U);
    EXPECT_EQ(send(0, 5).revision, 20U) << "an old one, repeated";
    const Held last = send(20, 30);
    EXPECT_EQ(last.revision, 30U);
    EXPECT_NE(last.receipt, first.receipt);
    const auto held = store_->held(numbered<AgentId>(1), numbered<Epoch>(1001));
    ASSERT_TRUE(held.has_value() && held->has_value());
    EXPECT_EQ((*held)->receipt, last.receipt);
    EXPECT_FALSE(store_->held(numbered<AgentId>(1), numbered<Epoch>(9))->has_value());
}

TEST_F(UsageStoreTest, ObserversTellKindVersionClockAndCounters)
{
    const FixedClock clock{day(3) + std::chrono::hours(1)};
    store_.reset();
    store_ = std::move(*open_sqlite_usage_store(directory_ / "usage.sqlite", Open::read_write, clock));
    ReportBuilder one(1, 1, wire::ObserverKind::sensor), two(1, 2, wire::ObserverKind::sensor);
    one.report().counters.packets = 10;
    one.report().sent_at = clock.now() + std::chrono::seconds(2);
    two.report().counters.packets = 5;
    two.report().sent_at = clock.now() + std::chrono::seconds(2);
    commit(*store_, {one.report(), one.report(), two.report()});
    ASSERT_TRUE(store_->count_refused(numbered<AgentId>(1), 3, 4).has_value());
    const auto seen = store_->observers();
    ASSERT_EQ(seen->size(), 1U);
    const ObserverState& state = seen->at(0);
    EXPECT_EQ(state.agent, numbered<AgentId>(1));
    EXPECT_EQ(state.kind, wire::ObserverKind::sensor);
    EXPECT_EQ(state.version, "1.0");
    EXPECT_EQ(state.last_report, clock.now());
    EXPECT_EQ(state.clock_offset_us, 2'000'000);
    EXPECT_EQ(state.counters.packets, 15U) << "epochs add up, repetitions do not";
    EXPECT_EQ(state.quarantined, 3U);
    EXPECT_EQ(state.too_old, 4U);
}

TEST_F(UsageStoreTest, OffersOfApplicationsMergeOverAgentsAndExpire)
{
    using enum wire::TlsVersion;
    using wire::Protocols;
    const auto offering = [](int agent, wire::TlsVersion version, Protocols protocols, int last) {
        ReportBuilder builder(agent);
        builder.add({.day = last, .application = "curl"});
        builder.report().offers.push_back({0, version, protocols, day(last)});
        builder.report().counters.connections = 10;
        builder.report().counters.connections_with_program = 4;
        return builder.report();
    };
    const auto old = offering(1, tls_1_1, Protocols::http_1, 0), late = offering(2, tls_1_2, Protocols::http_2, 3),
               more = offering(1, tls_1_2, Protocols::http_1, 1);
    commit(*store_, {late, old, more, late});
    EXPECT_EQ(*store_->offers(day(0)),
              (std::vector<ApplicationOffer>{{"curl", tls_1_1, Protocols::http_1, day(0)},
                                             {"curl", tls_1_2, Protocols::http_1 | Protocols::http_2, day(3)}}));
    EXPECT_EQ(store_->offers(day(1))->size(), 1U);
    EXPECT_EQ(store_->observers()->at(0).counters.connections_with_program, 4U);
    ASSERT_TRUE(store_->expire(day(1)));
    EXPECT_EQ(store_->offers(day(0))->size(), 1U);
}

TEST_F(UsageStoreTest, ExpiryTakesFactsRollUpsAndThePeopleOfOldDays)
{
    commit(*store_, {ReportBuilder(1).add({.day = 0, .person = 7}).add({.day = 1}).add({.day = 2}).report()});
    EXPECT_EQ(rows(*store_, {}).at(0).people, 2U);
    ASSERT_TRUE(store_->expire(day(1)).has_value());
    EXPECT_EQ(rows(*store_, {}).at(0).people, 1U);
    EXPECT_EQ(rows(*store_, {}).at(0).days, 2U);
    EXPECT_EQ(store_->totals(day(0), day(9))->cells, 2U);
    EXPECT_TRUE(store_->verify().has_value());
    // Somebody forgotten comes back under a new number.
    commit(*store_, {ReportBuilder(1).add({.day = 2, .person = 7}).report()});
    EXPECT_EQ(rows(*store_, {}).at(0).people, 2U);
}

TEST_F(UsageStoreTest, AReaderBesideTheWriterSeesCommitsThatAreNotRolledUpYet)
{
    const auto reader = open_usage(directory_ / "usage.sqlite", Open::read_only);
    commit(*store_, {ReportBuilder(1).add({}).report()});
    EXPECT_EQ(rows(*reader, {By::label}).at(0).connections, 1U);
    EXPECT_EQ(*store_->refresh(0), 1U) << "one device-day waits";
    EXPECT_EQ(*store_->refresh(100), 0U);
    commit(*store_, {ReportBuilder(1).add({.connections = 4}).report()});
    EXPECT_EQ(rows(*reader, {By::label}).at(0).connections, 4U);
    EXPECT_EQ(lines(rows(*reader, {By::label})), lines(rows(*store_, {By::label})));
    EXPECT_TRUE(reader->verify().has_value());
    const auto refused = reader->commit({});
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, Failure::Kind::denied);
    EXPECT_TRUE(reader->label({}).has_error());
}

TEST_F(UsageStoreTest, ACellBeyondItsTableIsRefusedAndNothingOfTheBatchIsKept)
{
    FoldedReport bad = ReportBuilder(2).add({}).report();
    bad.cells[0].destination = 7;
    const auto held = store_->commit(std::vector<FoldedReport>{ReportBuilder(1).add({}).report(), bad});
    ASSERT_TRUE(held.has_error());
    EXPECT_THAT(held.error().message, HasSubstr("destinations"));
    EXPECT_EQ(store_->totals(day(0), day(9))->cells, 0U);
    commit(*store_, {ReportBuilder(1).add({}).report()});
    EXPECT_EQ(rows(*store_, {}).at(0).people, 1U);
}

TEST_F(UsageStoreTest, ANewerSchemaIsRefusedInWords)
{
    store_.reset();
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open((directory_ / "usage.sqlite").c_str(), &raw), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(raw);
    const auto opened = open_sqlite_usage_store(directory_ / "usage.sqlite", Open::read_write);
    ASSERT_TRUE(opened.has_error());
    EXPECT_THAT(opened.error().message, HasSubstr("schema version 99"));
    EXPECT_THAT(opened.error().message, HasSubstr("newer"));
}

TEST(UsageStoreFile, RefusesWhatIsNotItsOwn)
{
    const TemporaryDirectory directory;
    EXPECT_EQ(open_sqlite_usage_store(directory / "none", Open::read_write).error().kind, Failure::Kind::not_found);
    ASSERT_TRUE(open_sqlite_state_store(directory / "state.sqlite", Open::create).has_value());
    EXPECT_THAT(open_sqlite_usage_store(directory / "state.sqlite", Open::read_write).error().message,
                HasSubstr("no usage store"));
    EXPECT_EQ(open_sqlite_usage_store(directory / "state.sqlite", Open::create).error().kind, Failure::Kind::conflict);
    FILE* garbage = std::fopen((directory / "garbage").c_str(), "w");
    std::fputs(std::string(8192, 'x').c_str(), garbage);
    std::fclose(garbage);
    EXPECT_THAT(open_sqlite_usage_store(directory / "garbage", Open::read_write).error().message, HasSubstr("restore"));
}

TEST_F(UsageStoreTest, VerifyNamesARollUpThatLies)
{
    commit(*store_, {ReportBuilder(1).add({.host = "a.example"}).report()});
    rows(*store_, {});
    ASSERT_TRUE(store_->verify().has_value());
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open((directory_ / "usage.sqlite").c_str(), &raw), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(raw, "UPDATE day_use SET connections = 9", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(raw);
    const auto verified = store_->verify();
    ASSERT_TRUE(verified.has_error());
    EXPECT_THAT(verified.error().message, HasSubstr("a.example"));
}

}    // namespace
}    // namespace dl::collector::store
