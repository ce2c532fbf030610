// The store's own thread. Reports of all connections queue up here and are committed together: one fsync pays for many.
// A report is answered only when it can't be lost.
#pragma once

#include "collector/intake/fold.hpp"
#include "collector/store/usage_store.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace dl::collector::intake {

struct CommitLimits {
    std::size_t queued_reports = 4096;
    std::size_t queued_cells = 1'000'000;    ///< about 100 MiB
    std::size_t batch_reports = 512;
    std::size_t batch_cells = 50'000;    ///< keeps one commit, and so an answer, short
    std::chrono::milliseconds upkeep_every = std::chrono::seconds(60);
};

struct CommitCounters {
    std::uint64_t reports = 0;
    std::uint64_t cells = 0;
    std::uint64_t commits = 0;
    std::uint64_t turned_away = 0;    ///< the queue was full
    std::uint64_t failed = 0;         ///< reports whose commit the store refused
};

/// Called on the store's thread; a failure is logged and does not stop anything.
struct StoreDuties {
    std::function<Result<void>(store::UsageStore&)> after_commit;    ///< once the answers are on their way: labels
    /// Work that can wait until no report does: true when more of it is left.
    std::function<Result<bool>(store::UsageStore&)> catch_up;
    std::function<Result<void>(store::UsageStore&)>
        upkeep;    ///< at start, and then every so often: expiry, re-labelling
};

class Committer {
public:
    using Completion = std::function<void(Result<wire::Reply>)>;

    /// Takes the store over; its thread starts at once.
    Committer(std::unique_ptr<store::UsageStore> usage, const Clock& clock, StoreDuties duties,
              CommitLimits limits = {});
    /// Drains, then joins.
    ~Committer();
    Committer(const Committer&) = delete;
    Committer& operator=(const Committer&) = delete;

    /// Any thread. False when the queue is full or closed: the completion will not be called. Else it is called once,
    /// on the store's thread, and must not block.
    [[nodiscard]] bool submit(Folded folded, Completion completion);
    /// Any thread: has the upkeep run soon (a new catalogue was loaded).
    void request_upkeep();
    /// Takes no more, commits what is queued, returns when the thread ended.
    void stop();
    [[nodiscard]] CommitCounters counters() const;

private:
    struct Waiting {
        Folded folded;
        Completion completion;
    };
    struct Echo {
        Epoch epoch;
        Receipt receipt;
        bool clock_off = false;    ///< and said to be, once
    };

    void run();
    void commit(std::vector<Waiting> batch);
    void perform(const std::function<Result<void>(store::UsageStore&)>& duty, const char* name);
    [[nodiscard]] bool catch_up();
    /// Keeps the report's echo, and remarks on a clock that went off or came right.
    void remember(const wire::Report& report, Timestamp now);

    std::unique_ptr<store::UsageStore> usage_;
    const Clock& clock_;
    const StoreDuties duties_;
    const CommitLimits limits_;
    std::unordered_map<AgentId, Echo>
        echoes_;    ///< what the last taken report of each agent echoed; store's thread only

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Waiting> queue_;
    std::size_t queued_cells_ = 0;
    bool closed_ = false;
    bool upkeep_wanted_ = true;
    CommitCounters counters_;
    std::thread thread_;    ///< last: it uses all of the above
};

/// submit() for a coroutine: completes on the caller's executor with the reply, or `unavailable` when the queue is
/// full.
template <class Token>
auto async_commit(Committer& committer, std::shared_ptr<Folded> folded, Token&& token)
{
    auto start = [](auto handler, Committer* queue, std::shared_ptr<Folded> report) {
        using Handler = decltype(handler);
        auto executor = boost::asio::get_associated_executor(handler);
        auto work = boost::asio::make_work_guard(executor);
        auto waiting = std::make_shared<Handler>(std::move(handler));
        auto answer = [waiting, work](Result<wire::Reply> reply) {
            auto shared = std::make_shared<Result<wire::Reply>>(std::move(reply));
            boost::asio::post(work.get_executor(), [waiting, shared] { (*waiting)(shared); });
        };
        if (!queue->submit(std::move(*report), answer))
            answer(unavailable("the collector has more reports than it can store at once; try again later"));
    };
    return boost::asio::async_initiate<Token, void(std::shared_ptr<Result<wire::Reply>>)>(
        std::move(start), token, &committer, std::move(folded));
}

}    // namespace dl::collector::intake
