// What was acknowledged is there after a kill -9 at any moment, and after backup and restore.
#include "store_room.hpp"

#include "collector/store/sqlite/backup.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>

namespace dl::collector::store {
namespace {

/// Commits reports 0, 1, 2 … and writes each number to the pipe once it is acknowledged, until it is killed.
[[noreturn]] void commit_until_killed(const std::filesystem::path& file, int pipe_end, std::uint32_t first)
{
    auto store = open_sqlite_usage_store(file, Open::read_write);
    if (!store) _exit(3);
    for (std::uint32_t n = first;; ++n) {
        ReportBuilder builder(static_cast<int>(n));
        for (int cell = 0; cell < 20; ++cell)
            builder.add({.device = static_cast<int>(n), .host = fmt::format("h{}.example", cell), .connections = n});
        if (!(*store)->commit(std::vector<FoldedReport>{builder.report()})) _exit(4);
        if (write(pipe_end, &n, sizeof n) != sizeof n) _exit(5);
        if (n % 3 == 0 && !(*store)->refresh(2)) _exit(6);
    }
}

TEST(StoreDurability, EverythingAcknowledgedSurvivesKill9)
{
    const TemporaryDirectory directory;
    const auto file = directory / "usage.sqlite";
    open_usage(file, Open::create).reset();
    std::uint32_t next = 1;
    std::uint64_t acknowledged = 0;
    for (int round = 0; round < 8; ++round) {
        int ends[2];
        ASSERT_EQ(pipe(ends), 0);
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            close(ends[0]);
            commit_until_killed(file, ends[1], next);
        }
        close(ends[1]);
        // The child is killed at a moment of its own work, after a few acknowledgements more each round.
        const int wanted = 2 + 3 * round;
        std::uint32_t n = 0;
        for (int seen = 0; seen < wanted; ++seen)
            ASSERT_EQ(read(ends[0], &n, sizeof n), static_cast<ssize_t>(sizeof n));
        ASSERT_EQ(kill(child, SIGKILL), 0);
        while (read(ends[0], &n, sizeof n) == static_cast<ssize_t>(sizeof n)) {
        }
        close(ends[0]);
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the child gave up with " << WEXITSTATUS(status);
        acknowledged = n;

        const auto store = open_usage(file, Open::read_write);
        const auto by_observer = rows(*store, {By::observer});
        ASSERT_GE(by_observer.size(), acknowledged);
        ASSERT_LE(by_observer.size(), acknowledged + 1) << "one more may have been on its way";
        for (std::uint32_t agent = 1; agent <= acknowledged; ++agent) {
            const auto held = store->held(numbered<AgentId>(agent), numbered<Epoch>(std::uint64_t{agent} * 1000 + 1));
            ASSERT_TRUE(held.has_value() && held->has_value()) << "report " << agent << " was acknowledged and is gone";
        }
        std::uint64_t expected = 0;
        for (std::uint64_t agent = 1; agent <= by_observer.size(); ++agent)
            expected += 20 * agent;
        EXPECT_EQ(store->totals(day(0), day(1))->connections, expected) << "a report is there whole or not at all";
        const auto verified = store->verify();
        ASSERT_TRUE(verified.has_value()) << verified.error().message;
        next = static_cast<std::uint32_t>(by_observer.size()) + 1;
    }
}

class StoreBackupTest : public testing::Test {
protected:
    StoreBackupTest()
    {
        std::filesystem::create_directories(data_ / "keys");
        std::ofstream(data_ / "keys" / "collector.key") << "secret";
        chmod((data_ / "keys" / "collector.key").c_str(), 0600);
        std::ofstream(data_ / "collector.lock") << "1";
        usage_ = open_usage(data_ / "usage.sqlite", Open::create);
        state_ = std::move(*open_sqlite_state_store(data_ / "state.sqlite", Open::create));
        EXPECT_TRUE(state_->put_if_version("tokens", "t", 0, {{"n", 1}}).has_value());
        for (int n = 1; n < 40; ++n)
            EXPECT_TRUE(
                usage_->commit(std::vector<FoldedReport>{ReportBuilder(n).add({.device = n}).report()}).has_value());
    }

    TemporaryDirectory directory_;
    std::filesystem::path data_ = directory_ / "data";
    std::unique_ptr<UsageStore> usage_;
    std::unique_ptr<StateStore> state_;
};

TEST_F(StoreBackupTest, BringsStoresAndKeysBackWithANewIncarnation)
{
    const auto file = directory_ / "backup";
    const auto written = back_up(data_, file);
    ASSERT_TRUE(written.has_value()) << written.error().message;
    struct stat status {};
    ASSERT_EQ(stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    commit(*usage_, {ReportBuilder(50).add({.device = 50}).report()});    // not in the backup

    const auto restored = restore(file, directory_ / "again");
    ASSERT_TRUE(restored.has_value()) << restored.error().message;
    const auto again = open_usage(directory_ / "again" / "usage.sqlite", Open::read_write);
    EXPECT_NE(again->incarnation(), usage_->incarnation());
    EXPECT_EQ(rows(*again, {}).at(0).devices, 39U);
    EXPECT_TRUE(again->verify().has_value());
    EXPECT_TRUE((*again->held(numbered<AgentId>(1), numbered<Epoch>(1001))).has_value());
    const auto state = open_sqlite_state_store(directory_ / "again" / "state.sqlite", Open::read_write);
    EXPECT_EQ((*(*state)->get("tokens", "t"))->value.at("n"), 1);
    std::string key;
    std::ifstream(directory_ / "again" / "keys" / "collector.key") >> key;
    EXPECT_EQ(key, "secret");
    EXPECT_FALSE(std::filesystem::exists(directory_ / "again" / "collector.lock"));
    EXPECT_FALSE(std::filesystem::exists(directory_ / "again.restoring"));
}

TEST_F(StoreBackupTest, ABackupUnderLoadIsOneMoment)
{
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        auto store = open_sqlite_usage_store(data_ / "usage.sqlite", Open::read_write);
        for (int n = 100; store; ++n)
            if (!(*store)->commit(std::vector<FoldedReport>{
                    ReportBuilder(n).add({.device = n}).add({.device = n, .host = "b.example"}).report()}))
                _exit(1);
        _exit(2);
    }
    std::string failed;
    for (int round = 0; round < 5 && failed.empty(); ++round)
        if (const auto written = back_up(data_, directory_ / ("backup" + std::to_string(round))); !written)
            failed = written.error().message;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    ASSERT_EQ(failed, "");
    for (int round = 0; round < 5; ++round) {
        const auto into = directory_ / ("again" + std::to_string(round));
        ASSERT_TRUE(restore(directory_ / ("backup" + std::to_string(round)), into).has_value());
        const auto again = open_usage(into / "usage.sqlite", Open::read_write);
        EXPECT_TRUE(again->verify().has_value());
        EXPECT_EQ((again->totals(day(0), day(1))->cells - 39) % 2, 0U) << "half a report";
    }
}

TEST_F(StoreBackupTest, NothingIsOverwrittenAndStrangersFilesAreRefused)
{
    const auto file = directory_ / "backup";
    ASSERT_TRUE(back_up(data_, file).has_value());
    EXPECT_EQ(back_up(data_, file).error().kind, Failure::Kind::conflict);
    EXPECT_EQ(restore(file, data_).error().kind, Failure::Kind::conflict);
    EXPECT_THAT(restore(data_ / "usage.sqlite", directory_ / "x").error().message, testing::HasSubstr("no backup"));
    EXPECT_EQ(restore(directory_ / "none", directory_ / "x").error().kind, Failure::Kind::not_found);
    std::ofstream(directory_ / "garbage") << std::string(9000, 'g');
    EXPECT_TRUE(restore(directory_ / "garbage", directory_ / "x").has_error());
    EXPECT_TRUE(back_up(directory_ / "none", directory_ / "y").has_error());
    EXPECT_FALSE(std::filesystem::exists(directory_ / "x"));
    EXPECT_FALSE(std::filesystem::exists(directory_ / "y.partial"));
    std::filesystem::create_directory(directory_ / "empty");
    EXPECT_TRUE(restore(file, directory_ / "empty").has_value());
}

}    // namespace
}    // namespace dl::collector::store
