// A ledger whose file was overwritten or cut is set aside, and a new one begun: at the start and while it is used.
#include "agent/ledger/damaged_ledger.hpp"
#include "agent/ledger/ledger.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace dl::agent::ledger {
namespace {

using namespace std::chrono_literals;

class LedgerDamageTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        directory_ = std::filesystem::temp_directory_path() /
                     (std::string("damage-") + ::testing::UnitTest::GetInstance()->current_test_info()->name() + "-" +
                      std::to_string(::getpid()));
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        file_ = directory_ / "ledger.db";
        open();
        book(0, 400);    // pages enough to cut and to overwrite
    }
    void TearDown() override
    {
        ledger_.reset();
        std::filesystem::remove_all(directory_);
    }
    void open()
    {
        ledger_.reset();
        auto opened = open_ledger(file_, {}, clock_);
        ASSERT_TRUE(opened) << opened.error().message;
        ledger_ = std::move(*opened);
    }
    Result<void> try_book(int first, int count)
    {
        std::vector<Share> shares;
        for (int host = first; host < first + count; ++host) {
            Share share;
            share.key.day = day_of(clock_.now());
            share.key.device.bytes.fill(9);
            share.key.destination = {"host" + std::to_string(host) + ".of.some.length.example", "", Transport::tcp,
                                     443};
            share.key.evidence = wire::Evidence::tls_sni;
            share.use = {1, 2, 3, clock_.now(), clock_.now()};
            shares.push_back(share);
        }
        return ledger_->book(shares, {}, std::nullopt);
    }
    void book(int first, int count)
    {
        const auto done = try_book(first, count);
        ASSERT_TRUE(done) << done.error().message;
    }
    void overwrite(std::streamoff from, std::size_t octets, char with = 'x')
    {
        std::fstream out(file_, std::ios::in | std::ios::out | std::ios::binary);
        out.seekp(from);
        out << std::string(octets, with);
        out.flush();
        ASSERT_TRUE(out.good());
    }
    /// All pages but the first, while the ledger is open: what it has in memory of them is made stale first.
    void overwrite_in_use()
    {
        sqlite3* raw = nullptr;
        ASSERT_EQ(sqlite3_open(file_.c_str(), &raw), SQLITE_OK);
        for (const char* sql : {"UPDATE notes SET value = value", "PRAGMA wal_checkpoint(TRUNCATE)"})
            EXPECT_EQ(sqlite3_exec(raw, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
        sqlite3_close(raw);
        overwrite(4096, size() - 4096);
    }
    std::size_t size() { return std::filesystem::file_size(file_); }
    /// A new ledger of one cell at most, that says what it took the place of.
    void expect_begun_anew(std::uint64_t cells, const Epoch& before)
    {
        const auto state = ledger_->state();
        ASSERT_TRUE(state) << state.error().message;
        EXPECT_EQ(state->cells, cells);
        EXPECT_NE(state->epoch, before);
        EXPECT_EQ(state->last_epoch_reason, "the ledger was damaged");
        EXPECT_EQ(ledger_->begun_anew(), 1U);
        EXPECT_TRUE(ledger_->note(set_aside_note)->starts_with("ledger.db.damaged-20260302T120000Z: "))
            << *ledger_->note(set_aside_note);
        EXPECT_EQ(*ledger_->note(set_aside_count_note), "1");
        const auto kept = damaged_kept(file_);
        ASSERT_EQ(kept.size(), 1U);
        EXPECT_EQ(std::filesystem::status(kept[0]).permissions(), std::filesystem::perms(0600));
    }

    std::filesystem::path directory_, file_;
    FixedClock clock_{Timestamp{*parse_iso_date("2026-03-02")} + 12h};
    std::unique_ptr<Ledger> ledger_;
};

TEST_F(LedgerDamageTest, AnOverwrittenHeaderIsFoundAtTheStart)
{
    const Epoch before = ledger_->state()->epoch;
    ledger_.reset();
    overwrite(0, 100);
    open();
    expect_begun_anew(0, before);
    book(1, 1);
    open();
    EXPECT_EQ(ledger_->state()->cells, 1U);
    EXPECT_EQ(ledger_->begun_anew(), 0U) << "the new one is whole";
}

TEST_F(LedgerDamageTest, ACutFileIsFoundAtTheStart)
{
    const Epoch before = ledger_->state()->epoch;
    ledger_.reset();
    ASSERT_GT(size(), 60'000U);
    std::filesystem::resize_file(file_, 30'000);
    open();
    expect_begun_anew(0, before);
}

TEST_F(LedgerDamageTest, OverwrittenPagesAreFoundAtTheStart)
{
    const Epoch before = ledger_->state()->epoch;
    ledger_.reset();
    overwrite(20'480, size() - 20'480);
    open();
    expect_begun_anew(0, before);
}

TEST_F(LedgerDamageTest, DamageMetWhileItIsUsedFailsOnceAndThenGoesOn)
{
    const Epoch before = ledger_->state()->epoch;
    overwrite_in_use();
    const auto failed = try_book(7, 1);
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message.find("set aside as ledger.db.damaged-20260302T120000Z and a new ledger was begun"),
              std::string::npos)
        << failed.error().message;
    book(7, 1);
    expect_begun_anew(1, before);
}

TEST_F(LedgerDamageTest, WhatWasOnItsWayMeanwhileIsNotBookedInTheNewOne)
{
    const auto batch = ledger_->unsent(10);
    ASSERT_TRUE(batch);
    overwrite_in_use();
    EXPECT_FALSE(try_book(7, 1));
    book(500, 20);    // rows of the same ids
    EXPECT_TRUE(ledger_->acknowledge(*batch, Receipt::random(), StoreIncarnation::random()));
    EXPECT_TRUE(ledger_->set_aside(*batch));
    const auto state = ledger_->state();
    EXPECT_EQ(state->unsent, 20U);
    EXPECT_EQ(state->set_aside, 0U);
    EXPECT_FALSE(state->last_receipt);
}

TEST_F(LedgerDamageTest, AReaderBesideTheAgentLeavesTheFileAsItIs)
{
    ledger_.reset();
    overwrite(0, 100);
    const auto reader = open_existing_ledger(file_, clock_);
    ASSERT_FALSE(reader);
    EXPECT_NE(reader.error().message.find("`daylight-agent run` sets it aside"), std::string::npos)
        << reader.error().message;
    EXPECT_TRUE(damaged_kept(file_).empty());
}

TEST_F(LedgerDamageTest, ThreeDamagedFilesAreKeptTheOldestGoesFirst)
{
    for (int i = 0; i < 5; ++i) {    // within one second
        ledger_.reset();
        overwrite(0, 100, static_cast<char>('a' + i));
        open();
        book(0, 10);
    }
    const auto kept = damaged_kept(file_);
    ASSERT_EQ(kept.size(), most_damaged_kept);
    EXPECT_EQ(kept.back().filename(), "ledger.db.damaged-20260302T120004Z");
    std::ifstream newest(kept.back());
    EXPECT_EQ(newest.get(), 'e');
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
        files += entry.path().filename().string().find(".damaged-") != std::string::npos;
    EXPECT_LE(files, 3 * most_damaged_kept);
}

}    // namespace
}    // namespace dl::agent::ledger
