// What was acknowledged is there after a kill -9 at any moment.
#include "store_room.hpp"

#include <csignal>
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

}    // namespace
}    // namespace dl::collector::store
