#include "collector/intake/committer.hpp"

#include "collector/intake/continuity.hpp"

#include <spdlog/spdlog.h>

#include <exception>

namespace dl::collector::intake {
namespace {

constexpr std::size_t most_echoes = 1'000'000;    ///< agents remembered; forgetting only makes the judgement milder

}    // namespace

Committer::Committer(std::unique_ptr<store::UsageStore> usage, const Clock& clock, StoreDuties duties,
                     CommitLimits limits)
    : usage_(std::move(usage)), clock_(clock), duties_(std::move(duties)), limits_(limits), thread_([this] { run(); })
{}

Committer::~Committer() { stop(); }

bool Committer::submit(Folded folded, Completion completion)
{
    const std::size_t cells = folded.report.cells.size();
    {
        const std::lock_guard lock{mutex_};
        // An empty queue takes any report: a large one must not be turned away for ever.
        const bool full =
            !queue_.empty() && (queue_.size() >= limits_.queued_reports ||
                                cells > limits_.queued_cells - std::min(queued_cells_, limits_.queued_cells));
        if (closed_ || full) {
            ++counters_.turned_away;
            return false;
        }
        queued_cells_ += cells;
        queue_.push_back({std::move(folded), std::move(completion)});
    }
    wake_.notify_one();
    return true;
}

void Committer::request_upkeep()
{
    {
        const std::lock_guard lock{mutex_};
        upkeep_wanted_ = true;
    }
    wake_.notify_one();
}

void Committer::stop()
{
    {
        const std::lock_guard lock{mutex_};
        closed_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

CommitCounters Committer::counters() const
{
    const std::lock_guard lock{mutex_};
    return counters_;
}

void Committer::run()
{
    auto next_upkeep = std::chrono::steady_clock::now();
    bool behind = true;
    for (;;) {
        std::vector<Waiting> batch;
        bool upkeep = false;
        {
            std::unique_lock lock{mutex_};
            wake_.wait_until(lock, next_upkeep, [&] { return closed_ || upkeep_wanted_ || behind || !queue_.empty(); });
            if (closed_ && queue_.empty()) return;
            std::size_t cells = 0;
            while (!queue_.empty() && batch.size() < limits_.batch_reports && cells < limits_.batch_cells) {
                cells += queue_.front().folded.report.cells.size();
                batch.push_back(std::move(queue_.front()));
                queue_.pop_front();
            }
            queued_cells_ -= cells;
            const bool due = std::chrono::steady_clock::now() >= next_upkeep;
            upkeep = !closed_ && batch.empty() && (due || upkeep_wanted_);
            if (upkeep) upkeep_wanted_ = false;
        }
        if (!batch.empty()) {
            commit(std::move(batch));
            perform(duties_.after_commit, "labelling");
            behind = true;
        } else if (behind) {
            behind = catch_up();
        }
        if (upkeep) {
            perform(duties_.upkeep, "upkeep");
            next_upkeep = std::chrono::steady_clock::now() + limits_.upkeep_every;
        }
    }
}

void Committer::commit(std::vector<Waiting> batch)
{
    const StoreIncarnation incarnation = usage_->incarnation();
    std::vector<wire::Reply> replies(batch.size());
    std::vector<store::FoldedReport> reports;
    reports.reserve(batch.size());
    std::size_t cells = 0;
    std::optional<Failure> failure;

    try {
        // Two reports of one (agent, epoch) in a batch: the second is judged as the first will leave things.
        std::map<std::pair<AgentId, Epoch>, std::uint64_t> coming;
        for (std::size_t i = 0; i < batch.size() && !failure; ++i) {
            wire::Report& report = batch[i].folded.report;
            auto held = usage_->held(report.agent, report.epoch);
            if (!held) {
                failure = held.error();
                break;
            }
            const auto earlier = coming.find({report.agent, report.epoch});
            Continuity judged;
            if (earlier != coming.end()) {
                const bool gap = report.revision_from > earlier->second;
                judged = gap ? Continuity{wire::Order::resend, earlier->second}
                             : Continuity{wire::Order::none, std::max(earlier->second, report.revision_to)};
            } else {
                std::optional<Receipt> last_echo;
                if (const auto echo = echoes_.find(report.agent);
                    echo != echoes_.end() && echo->second.epoch == report.epoch)
                    last_echo = echo->second.receipt;
                judged = judge(report, *held, incarnation, last_echo);
            }
            coming[{report.agent, report.epoch}] = judged.revision;
            report.revision_to = judged.revision;
            report.revision_from = std::min(report.revision_from, judged.revision);
            replies[i].order = judged.order;
            cells += report.cells.size();
            reports.push_back(report);
        }
        if (!failure) {
            auto held = usage_->commit(reports);
            if (!held) failure = held.error();
            for (std::size_t i = 0; held && i < held->size(); ++i) {
                replies[i].store = (*held)[i].store;
                replies[i].receipt = (*held)[i].receipt;
                replies[i].revision = (*held)[i].revision;
            }
        }
    } catch (const std::exception& bug) {
        failure = Failure{Failure::Kind::internal, bug.what()};
    }

    if (failure) spdlog::error("reports: {} could not be stored: {}", batch.size(), failure->message);
    const Timestamp now = clock_.now();
    if (echoes_.size() > most_echoes) echoes_.clear();
    for (std::size_t i = 0; i < batch.size(); ++i) {
        Folded& folded = batch[i].folded;
        if (failure) {
            batch[i].completion(unavailable("the collector's store takes no reports now; try again later"));
            continue;
        }
        if (folded.quarantined > 0 || folded.too_old > 0) {
            const auto counted = usage_->count_refused(folded.report.agent, folded.quarantined, folded.too_old);
            if (!counted) spdlog::error("reports: refused cells were not counted: {}", counted.error().message);
        }
        remember(folded.report, now);
        replies[i].accepted = folded.accepted;
        replies[i].too_old = folded.too_old;
        replies[i].quarantined = folded.quarantined;
        replies[i].rejected = std::move(folded.rejected);
        replies[i].collector_time = now;
        batch[i].completion(std::move(replies[i]));
    }
    const std::lock_guard lock{mutex_};
    ++counters_.commits;
    (failure ? counters_.failed : counters_.reports) += batch.size();
    if (!failure) counters_.cells += cells;
}

void Committer::remember(const wire::Report& report, Timestamp now)
{
    Echo& echo = echoes_[report.agent];
    const auto offset = report.sent_at - now;
    const bool off = store::is_clock_off(offset);
    if (off != echo.clock_off) {
        if (off)
            spdlog::warn("agent {}: its clock is {}; set it, days and times of what it sees are off as much",
                         report.agent.hex(), store::clock_words(offset));
        else
            spdlog::info("agent {}: its clock is right again", report.agent.hex());
    }
    echo = {report.epoch, report.last_receipt.value_or(Receipt{}), off};
}

bool Committer::catch_up()
{
    if (!duties_.catch_up) return false;
    try {
        const auto more = duties_.catch_up(*usage_);
        if (more) return *more;
        spdlog::error("roll-ups: {}", more.error().message);
    } catch (const std::exception& bug) {
        spdlog::error("roll-ups: {}", bug.what());
    }
    return false;
}

void Committer::perform(const std::function<Result<void>(store::UsageStore&)>& duty, const char* name)
{
    if (!duty) return;
    try {
        if (auto done = duty(*usage_); !done) spdlog::error("{}: {}", name, done.error().message);
    } catch (const std::exception& bug) {
        spdlog::error("{}: {}", name, bug.what());
    }
}

}    // namespace dl::collector::intake
