#include "agent/ledger/ledger.hpp"

#include "agent/ledger/damaged_ledger.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <random>
#include <set>

namespace dl::agent::ledger {
namespace {

using namespace std::chrono_literals;

const Day monday = *parse_iso_date("2026-03-02");

CellKey key(int host, Day day = monday, int person = 1)
{
    CellKey made;
    made.day = day;
    made.device.bytes.fill(9);
    if (person != 0) {
        made.person = Pseudonym{};
        made.person->bytes.fill(static_cast<std::uint8_t>(person));
    }
    if (host % 2) made.application = "app" + std::to_string(host % 5);
    made.destination = {"h" + std::to_string(host) + ".example", host % 3 ? "" : "cname.example", Transport::tcp, 443};
    made.evidence = host % 4 ? wire::Evidence::tls_sni : wire::Evidence::quic_sni;
    return made;
}

CellValue use(std::uint64_t connections, std::uint64_t up, std::uint64_t down, Timestamp when)
{
    return {connections, up, down, when, when + 1s};
}

class LedgerTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        directory_ = std::filesystem::temp_directory_path() /
                     (std::string("ledger-") + ::testing::UnitTest::GetInstance()->current_test_info()->name() + "-" +
                      std::to_string(::getpid()));
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        open();
    }
    void TearDown() override
    {
        ledger_.reset();
        std::filesystem::remove_all(directory_);
    }
    void open(Options options = {})
    {
        ledger_.reset();
        auto opened = open_ledger(directory_ / "ledger.db", options, clock_);
        ASSERT_TRUE(opened) << opened.error().message;
        ledger_ = std::move(*opened);
    }
    void book(std::vector<Share> shares)
    {
        const auto done = ledger_->book(shares, {}, std::nullopt);
        ASSERT_TRUE(done) << done.error().message;
    }
    Batch unsent(std::size_t most = 1000) { return *ledger_->unsent(most); }
    void acknowledge(const Batch& batch) { ASSERT_TRUE(ledger_->acknowledge(batch, Receipt::random(), store_)); }

    std::filesystem::path directory_;
    FixedClock clock_{Timestamp{monday} + 12h};
    StoreIncarnation store_ = StoreIncarnation::random();
    std::unique_ptr<Ledger> ledger_;
};

TEST(CellLaw, MergingIsASemilattice)
{
    std::mt19937_64 random(1);
    const auto any = [&] {
        const Timestamp when{std::chrono::microseconds(random() % 1000)};
        return CellValue{random() % 5, random() % 5, random() % 5, when,
                         when + std::chrono::microseconds(random() % 9)};
    };
    for (int i = 0; i < 2000; ++i) {
        const CellValue a = any(), b = any(), c = any();
        EXPECT_EQ(merged(a, a), a);
        EXPECT_EQ(merged(a, b), merged(b, a));
        EXPECT_EQ(merged(merged(a, b), c), merged(a, merged(b, c)));
        EXPECT_EQ(merged(a, CellValue{}), a);
        CellValue risen = a;
        risen.add(b);
        EXPECT_EQ(merged(a, risen), risen);    // use only rises, so the newer version wins whatever the order
    }
}

TEST_F(LedgerTest, KeepsWhatWasBookedAcrossARestart)
{
    wire::Counters counted;
    counted.packets = 10;
    counted.gap_seconds = 3;
    ASSERT_TRUE(ledger_->book(
        std::vector<Share>{{key(1), use(1, 10, 100, clock_.now())}, {key(2, monday, 0), use(2, 0, 5, clock_.now())}},
        counted, FilePosition{Digest{1}, 44, {12, 40}, "marks"}));
    open();
    book({{key(1), use(1, 5, 50, clock_.now() + 1min)}});
    const Batch batch = unsent();
    ASSERT_EQ(batch.cells.size(), 2u);
    EXPECT_EQ(batch.cells[0].key, key(2, monday, 0));
    EXPECT_EQ(batch.cells[1].key, key(1));
    EXPECT_EQ(batch.cells[1].value, (CellValue{2, 15, 150, clock_.now(), clock_.now() + 1min + 1s}));
    EXPECT_EQ(batch.counters.packets, 10u);
    EXPECT_EQ(batch.counters.gap_seconds, 3u);
    EXPECT_EQ(batch.revision_from, 0u);
    EXPECT_EQ(batch.revision_to, 3u);
    EXPECT_EQ(*ledger_->positions(), (std::vector{FilePosition{Digest{1}, 44, {12, 40}, "marks"}}));
}

TEST_F(LedgerTest, SendsAgainOnlyWhatChangedAfterTheAcknowledgedVersion)
{
    book({{key(1), use(1, 1, 1, clock_.now())}, {key(2), use(1, 1, 1, clock_.now())}});
    const Batch first = unsent();
    book({{key(2), use(1, 1, 1, clock_.now())}});    // while the report is on its way
    acknowledge(first);
    const Batch second = unsent();
    ASSERT_EQ(second.cells.size(), 1u);
    EXPECT_EQ(second.cells[0].key, key(2));
    EXPECT_EQ(second.revision_from, first.revision_to);
    EXPECT_EQ(second.last_store, store_);
    // What left this host is what was in the first report, not what the cell holds now.
    std::vector<LeftCell> left;
    ASSERT_TRUE(ledger_->for_each_left([&](const LeftCell& cell) { left.push_back(cell); }));
    ASSERT_EQ(left.size(), 2u);
    EXPECT_EQ(left[1].sent.connections, 1u);
    acknowledge(second);
    EXPECT_TRUE(unsent().cells.empty());
    EXPECT_EQ(ledger_->state()->unsent, 0u);
}

TEST_F(LedgerTest, SetsACulpritAsideAndGoesOn)
{
    book({{key(1), use(1, 1, 1, clock_.now())}, {key(2), use(1, 1, 1, clock_.now())}});
    ASSERT_TRUE(ledger_->set_aside(unsent(1)));
    const Batch rest = unsent();
    ASSERT_EQ(rest.cells.size(), 1u);
    EXPECT_EQ(rest.cells[0].key, key(2));
    book({{key(1), use(1, 1, 1, clock_.now())}});
    EXPECT_EQ(unsent().cells.size(), 1u);
    EXPECT_EQ(ledger_->state()->set_aside, 1u);
}

TEST_F(LedgerTest, ResendsWhatARestoredStoreDoesNotHold)
{
    for (int i = 0; i < 6; ++i)
        book({{key(i), use(1, 1, 1, clock_.now())}});
    acknowledge(unsent());
    EXPECT_TRUE(unsent().cells.empty());
    ASSERT_TRUE(ledger_->rewind(unsent().epoch, 4));
    EXPECT_EQ(unsent().cells.size(), 2u);
    EXPECT_EQ(unsent().revision_from, 4u);
}

TEST_F(LedgerTest, ANewEpochStartsAtZeroAndTheOldOneIsStillSent)
{
    book({{key(1), use(7, 7, 7, clock_.now())}});
    const Epoch old = unsent().epoch;
    ASSERT_TRUE(ledger_->start_epoch("ordered by the collector"));
    book({{key(1), use(1, 1, 1, clock_.now())}});
    const Batch first = unsent();
    EXPECT_EQ(first.epoch, old);
    EXPECT_FALSE(first.current);
    EXPECT_EQ(first.cells.at(0).value.connections, 7u);
    acknowledge(first);
    const Batch second = unsent();
    EXPECT_NE(second.epoch, old);
    EXPECT_TRUE(second.current);
    EXPECT_EQ(second.revision_from, 0u);
    EXPECT_EQ(second.cells.at(0).value.connections, 1u);
    EXPECT_FALSE(second.last_receipt);
}

TEST_F(LedgerTest, AcknowledgedCellsGoAfterSevenDaysAndTheirDayNeedsANewEpoch)
{
    book({{key(1), use(1, 1, 1, clock_.now())}});
    const Batch first = unsent();
    acknowledge(first);
    clock_.advance(24h * 6);
    book({{key(2, monday + std::chrono::days(6)), use(1, 1, 1, clock_.now())}});
    ASSERT_TRUE(ledger_->prune());
    EXPECT_EQ(ledger_->state()->cells, 2u);
    clock_.advance(24h);
    ASSERT_TRUE(ledger_->prune());
    EXPECT_EQ(ledger_->state()->cells, 1u);    // the second was never acknowledged
    book({{key(2, monday + std::chrono::days(6)), use(1, 1, 1, clock_.now())}});
    EXPECT_EQ(ledger_->state()->epoch, first.epoch);
    book({{key(1), use(1, 1, 1, clock_.now())}});
    const State state = *ledger_->state();
    EXPECT_NE(state.epoch, first.epoch);
    EXPECT_EQ(state.last_epoch_reason, "use on a day that was pruned");
    EXPECT_EQ(state.unsent, 2u);
}

TEST_F(LedgerTest, TheSizeLimitLetsGoOfTheOldestDaysAndCountsWhatWasNeverSent)
{
    open({320 * 1024, 7});
    for (int day = 0; day < 4; ++day) {
        std::vector<Share> shares;
        for (int host = 0; host < 1000; ++host)
            shares.push_back({key(host, monday + std::chrono::days(day)), use(1, 1, 1, clock_.now())});
        book(shares);
        if (day == 1) acknowledge(unsent(1000));    // the first day only
    }
    ASSERT_TRUE(ledger_->prune());
    const State state = *ledger_->state();
    EXPECT_LE(state.bytes, 320u * 1024u);
    EXPECT_GT(state.cells, 0u);
    EXPECT_GT(state.counters.cells_dropped, 0u);
    EXPECT_EQ(state.counters.cells_dropped, 3000 - state.cells);
    for (const SentCell& cell : unsent(5000).cells)
        EXPECT_GT(cell.key.day, monday + std::chrono::days(1));
    book({{key(1, monday + std::chrono::days(1)), use(1, 1, 1, clock_.now())}});
    EXPECT_NE(ledger_->state()->epoch, state.epoch);
}

TEST_F(LedgerTest, AnEpochThatLostItsLastCellStillTellsWhatItCounted)
{
    open({64 * 1024, 7});
    std::map<Epoch, std::uint64_t> told;
    std::uint64_t dropped = 0;
    for (int round = 0; round < 3; ++round) {    // more than there is room for, on one day
        std::vector<Share> shares;
        for (int host = 0; host < 800; ++host)
            shares.push_back({key(host), use(1, 1, 1, clock_.now())});
        book(shares);
        ASSERT_TRUE(ledger_->prune());
        EXPECT_EQ(ledger_->state()->cells, 0U);
        EXPECT_EQ(ledger_->state()->counters.cells_dropped, 800U);
        dropped += 800;
    }
    open({64 * 1024, 7});
    ASSERT_TRUE(ledger_->prune());
    for (int reports = 0; reports < 10; ++reports) {
        const Batch batch = unsent();
        EXPECT_TRUE(batch.cells.empty());
        told[batch.epoch] = batch.counters.cells_dropped;
        acknowledge(batch);
        if (batch.current) break;
    }
    std::uint64_t sum = 0;
    for (const auto& [epoch, cells] : told)
        sum += cells;
    EXPECT_EQ(told.size(), 3U);
    EXPECT_EQ(sum, dropped);
    ASSERT_TRUE(ledger_->prune());
    EXPECT_EQ(ledger_->state()->epochs, 1U) << "what was told may go";
    EXPECT_TRUE(unsent().current);
}

TEST_F(LedgerTest, AnotherStoreIsToldTheEarlierEpochsAgain)
{
    book({{key(1), use(1, 2, 3, clock_.now())}, {key(2), use(1, 2, 3, clock_.now())}});
    const Epoch earlier = unsent().epoch;
    acknowledge(unsent());
    ASSERT_TRUE(ledger_->start_epoch("ordered by the collector"));
    book({{key(3), use(1, 2, 3, clock_.now())}});
    acknowledge(unsent());
    EXPECT_EQ(ledger_->state()->unsent, 0U);
    book({{key(3), use(1, 2, 3, clock_.now())}});
    store_ = StoreIncarnation::random();    // restored from a backup
    acknowledge(unsent());
    const Batch again = unsent();
    EXPECT_EQ(again.epoch, earlier);
    EXPECT_EQ(again.revision_from, 0U);
    EXPECT_EQ(again.cells.size(), 2U);
    clock_.advance(9 * 24h);
    ASSERT_TRUE(ledger_->prune());
    EXPECT_EQ(unsent().cells.size(), 2U) << "the new store has not acknowledged them yet";
    acknowledge(unsent());
    EXPECT_TRUE(unsent().cells.empty()) << "once is enough";
    EXPECT_TRUE(unsent().current);
}

TEST_F(LedgerTest, AWeekWithoutACollectorCoalescesAndTellsItsOldestDay)
{
    EXPECT_FALSE(ledger_->state()->oldest_unsent);
    const Day first = day_of(clock_.now());
    std::uint64_t bytes_of_a_day = 0;
    for (int day = 0; day < 7; ++day) {
        for (int flush = 0; flush < 40; ++flush) {
            book({{key(1, first + std::chrono::days(day)), use(1, 2, 3, clock_.now())},
                  {key(2, first + std::chrono::days(day)), use(1, 2, 3, clock_.now())}});
            clock_.advance(36min);
        }
        if (day == 0) bytes_of_a_day = ledger_->state()->bytes;
    }
    const State state = *ledger_->state();
    EXPECT_EQ(state.unsent, 14U);    // two destinations on seven days, however often they were used
    EXPECT_EQ(state.oldest_unsent, first);
    EXPECT_LE(state.bytes, 2 * bytes_of_a_day);
    EXPECT_EQ(state.counters.cells_dropped, 0U);
    acknowledge(unsent(2));
    EXPECT_EQ(ledger_->state()->oldest_unsent, first + std::chrono::days(1));
    acknowledge(unsent(100));
    EXPECT_FALSE(ledger_->state()->oldest_unsent);
}

TEST_F(LedgerTest, ABookingThatFailsLeavesTheEpochThatTheFileHas)
{
    book({{key(1), use(1, 1, 1, clock_.now())}});
    acknowledge(unsent(10));
    clock_.advance(std::chrono::days(9));
    ASSERT_TRUE(ledger_->prune());
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open((directory_ / "ledger.db").c_str(), &raw), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(raw,
                           "CREATE TRIGGER refuse BEFORE INSERT ON cells BEGIN SELECT RAISE(ABORT, 'refused'); END",
                           nullptr, nullptr, nullptr),
              SQLITE_OK);
    const std::vector<Share> late{{key(1), use(1, 5, 5, clock_.now())}};    // its day was pruned: an epoch begins first
    const auto refused = ledger_->book(late, {}, std::nullopt);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("refused"), std::string::npos);
    ASSERT_EQ(sqlite3_exec(raw, "DROP TRIGGER refuse", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(raw);
    book(late);
    const Batch batch = unsent(10);
    ASSERT_EQ(batch.cells.size(), 1U);
    EXPECT_EQ(batch.cells.front().value.bytes_up, 5U);
    EXPECT_EQ(ledger_->state()->epochs, 2U);
}

TEST_F(LedgerTest, OffersTravelWithCellsOfTheirApplication)
{
    using enum wire::TlsVersion;
    Share of_curl{key(1), use(1, 2, 3, clock_.now())}, of_nobody{key(2), use(1, 2, 3, clock_.now())};
    of_curl.key.application = "curl";
    of_nobody.key.application.reset();
    const Offers first{{{"curl", tls_1_2}, {wire::Protocols::http_1, monday}}};
    ASSERT_TRUE(ledger_->book(std::vector{of_curl}, {}, std::nullopt, {}, first));
    acknowledge(unsent());
    ASSERT_TRUE(ledger_->book(std::vector{of_nobody}, {}, std::nullopt));
    EXPECT_TRUE(unsent().offers.empty()) << "nothing of curl is told now";
    const Offers second{{{"curl", tls_1_2}, {wire::Protocols::http_2, monday + std::chrono::days(1)}},
                        {{"curl", tls_1_3}, {wire::Protocols::none, monday}}};
    ASSERT_TRUE(ledger_->book(std::vector{of_curl}, {}, std::nullopt, {}, second));
    const Offers both{
        {{"curl", tls_1_2}, {wire::Protocols::http_1 | wire::Protocols::http_2, monday + std::chrono::days(1)}},
        {{"curl", tls_1_3}, {wire::Protocols::none, monday}}};
    EXPECT_EQ(unsent().offers, both);
    open();
    EXPECT_EQ(*ledger_->offers(), both);
    acknowledge(unsent());
    clock_.set(clock_.now() + std::chrono::days(9));
    ASSERT_TRUE(ledger_->prune());
    EXPECT_TRUE(ledger_->offers()->empty()) << "they go with the last cell of their application";
}

TEST_F(LedgerTest, AFileOfTheFirstSchemaIsTakenAlongWithItsCells)
{
    book({{key(1), use(1, 2, 3, clock_.now())}});
    ledger_.reset();
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open((directory_ / "ledger.db").c_str(), &raw), SQLITE_OK);
    ASSERT_EQ(
        sqlite3_exec(raw,
                     "DROP TABLE open_connections; DROP TABLE offers; ALTER TABLE positions DROP COLUMN ends; "
                     "ALTER TABLE positions DROP COLUMN marks; INSERT INTO positions VALUES (zeroblob(32), 9, 1); "
                     "ALTER TABLE epochs DROP COLUMN connections_with_program; "
                     "UPDATE epochs SET connections = 10; "
                     "INSERT INTO notes VALUES ('connections_without_program', '4'); PRAGMA user_version = 1",
                     nullptr, nullptr, nullptr),
        SQLITE_OK);
    sqlite3_close(raw);
    {    // read beside the agent that has not been upgraded yet
        const auto beside = open_existing_ledger(directory_ / "ledger.db", clock_);
        ASSERT_TRUE(beside);
        EXPECT_EQ((*beside)->state()->cells, 1U);
        EXPECT_EQ((*beside)->state()->counters.connections_with_program, 6U);
        EXPECT_TRUE((*beside)->offers()->empty());
    }
    auto upgraded = open_ledger(directory_ / "ledger.db", {}, clock_);
    ASSERT_TRUE(upgraded) << upgraded.error().message;
    EXPECT_EQ((*upgraded)->state()->cells, 1U);
    EXPECT_EQ((*upgraded)->state()->counters.connections_with_program, 6U) << "what the note counted goes on";
    EXPECT_EQ(*(*upgraded)->positions(), (std::vector{FilePosition{Digest{}, 9, {9}, ""}}));
    KeptConnection kept;
    kept.key[0] = 7;
    kept.connection.name = "app.example";
    kept.connection.evidence = wire::Evidence::tls_sni;
    kept.connection.named = kept.connection.counted = true;
    kept.connection.last = clock_.now();
    kept.connection.places[0] = {true, true, false, 4'000'000'000U, 5, 0};
    OpenChanges changes;
    changes.put.push_back(kept);
    ASSERT_TRUE((*upgraded)->book({}, {}, std::nullopt, changes));
    EXPECT_EQ(*(*upgraded)->open_connections(), std::vector{kept});
    changes = {};
    changes.gone.push_back(kept.key);
    ASSERT_TRUE((*upgraded)->book({}, {}, std::nullopt, changes));
    EXPECT_TRUE((*upgraded)->open_connections()->empty());
}

TEST_F(LedgerTest, NobodyElseMayReadItsFiles)
{
    const auto open_to_others = [&] {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(directory_))
            if ((entry.status().permissions() & std::filesystem::perms(077)) != std::filesystem::perms::none)
                names.insert(entry.path().filename());
        return names;
    };
    const auto book = [&] {
        ASSERT_TRUE(ledger_->book(std::vector{Share{key(1), use(1, 1, 1, clock_.now())}}, {}, std::nullopt));
        ASSERT_TRUE(std::filesystem::exists(directory_ / "ledger.db-wal"));
        ASSERT_TRUE(std::filesystem::exists(directory_ / "ledger.db-shm"));
    };
    book();
    EXPECT_EQ(open_to_others(), std::set<std::string>());

    // As an earlier agent made them, or somebody put them back.
    ledger_.reset();
    std::ofstream(directory_ / "ledger.db-wal").flush();
    for (const char* file : {"ledger.db", "ledger.db-wal"})
        std::filesystem::permissions(directory_ / file, std::filesystem::perms(0644));
    open();
    book();
    EXPECT_EQ(open_to_others(), std::set<std::string>());
}

TEST_F(LedgerTest, RefusesNewerFilesAndOtherFiles)
{
    ledger_.reset();
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open((directory_ / "ledger.db").c_str(), &raw), SQLITE_OK);
    sqlite3_exec(raw, "PRAGMA user_version = 99", nullptr, nullptr, nullptr);
    sqlite3_close(raw);
    auto newer = open_ledger(directory_ / "ledger.db", {}, clock_);
    ASSERT_FALSE(newer);
    EXPECT_NE(newer.error().message.find("newer agent (schema 99"), std::string::npos) << newer.error().message;
    EXPECT_NE(newer.error().message.find("; install the newer agent again, or move"), std::string::npos);
    ASSERT_EQ(sqlite3_open((directory_ / "other.db").c_str(), &raw), SQLITE_OK);
    sqlite3_exec(raw, "CREATE TABLE other (x)", nullptr, nullptr, nullptr);
    sqlite3_close(raw);
    auto other = open_ledger(directory_ / "other.db", {}, clock_);
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().message.find("another program's database"), std::string::npos) << other.error().message;
    EXPECT_EQ(damaged_kept(directory_ / "ledger.db").size() + damaged_kept(directory_ / "other.db").size(), 0U);
    auto none = open_existing_ledger(directory_ / "none.db", clock_);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, Failure::Kind::not_found);
}

/// A collector that merges what it is told, in whatever order and however often it is told.
struct Merging {
    std::map<std::pair<Epoch, CellKey>, CellValue> held;
    void take(const Batch& batch)
    {
        for (const SentCell& cell : batch.cells) {
            auto& value = held[{batch.epoch, cell.key}];
            value = merged(value, cell.value);
        }
    }
};

TEST_F(LedgerTest, NothingIsLostOrDoubledUnderLossRepetitionReorderingAndRestarts)
{
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        ledger_.reset();
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        open();
        Merging collector;
        std::map<CellKey, CellValue> truth;
        std::vector<Batch> in_flight;
        for (int step = 0; step < 120; ++step) {
            switch (random() % 8) {
                case 0:
                case 1:
                case 2: {
                    std::vector<Share> shares;
                    for (std::uint64_t n = random() % 6; n > 0; --n) {
                        const Share share{key(static_cast<int>(random() % 12), monday + std::chrono::days(random() % 3),
                                              static_cast<int>(random() % 3)),
                                          use(random() % 3, random() % 1000, random() % 1000,
                                              clock_.now() + std::chrono::seconds(random() % 100))};
                        shares.push_back(share);
                        truth[share.key].add(share.use);
                    }
                    book(shares);
                    break;
                }
                case 3: in_flight.push_back(unsent(1 + random() % 9)); break;
                case 4:    // taken, and the answer arrives
                    if (!in_flight.empty()) {
                        const Batch batch = unsent(1 + random() % 9);
                        collector.take(batch);
                        acknowledge(batch);
                    }
                    break;
                case 5:    // an old report arrives late, perhaps again; its answer is lost
                    if (!in_flight.empty()) collector.take(in_flight[random() % in_flight.size()]);
                    break;
                case 6: open(); break;    // killed and started again
                case 7:
                    if (random() % 4 == 0) {
                        ASSERT_TRUE(ledger_->start_epoch("test"));
                    }
                    break;
            }
        }
        for (Batch batch = unsent(7); !batch.cells.empty(); batch = unsent(7)) {
            collector.take(batch);
            acknowledge(batch);
        }
        std::map<CellKey, CellValue> sum;
        for (const auto& [where, value] : collector.held)
            sum[where.second].add(value);
        EXPECT_EQ(sum.size(), truth.size());
        for (const auto& [cell, value] : truth)
            EXPECT_EQ(sum[cell], value);
    }
}

}    // namespace
}    // namespace dl::agent::ledger
