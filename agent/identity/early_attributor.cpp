#include "agent/identity/early_attributor.hpp"

#include "agent/dissect/link.hpp"
#include "agent/dissect/packet.hpp"
#include "agent/identity/recent_answers.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace dl::agent::identity {
namespace {

using namespace std::chrono_literals;
constexpr auto look_at_stop = 500ms;
constexpr std::size_t most_waiting = 1024;
constexpr auto patience = 5ms;    // of the capture, for a program that is being looked for
constexpr std::size_t few_waiting = 4;

class Early final : public EarlyAttributor {
public:
    Early(std::unique_ptr<SystemAttributor> system, capture::FirstPackets first_packets)
        : system_(std::move(system)), first_packets_(std::move(first_packets))
    {}

    ~Early() override
    {
        {
            const std::lock_guard lock(answers_mutex_);
            stop_ = true;
        }
        changed_.notify_all();
        if (watching_.joinable()) watching_.join();
        if (searching_.joinable()) searching_.join();
    }

    void start() override
    {
        system_->start();
        watching_ = std::thread([this] { watch(); });
        searching_ = std::thread([this] { search(); });
    }

    Identity identify(const flow::Connection& connection) override
    {
        std::optional<Identity> known = whole(connection);
        if (known) return std::move(*known);
        {
            std::unique_lock lock(answers_mutex_);
            if (answers_.find_to_complete(connection)) {
                ++counters_.in_time;
                // Never long in sum: behind a queue the capture would fall back and lose packets.
                if (waiting_.size() < few_waiting)
                    changed_.wait_for(lock, patience, [&] { return stop_ || !is_waiting(connection); });
            }
            known = answers_.find(connection);
            if (!known) ++counters_.too_late;
        }
        const std::lock_guard lock(system_mutex_);
        if (!known) return system_->identify(connection);
        system_->add_unit(*known);
        return std::move(*known);
    }

    EarlyCounters counters() const override
    {
        const std::lock_guard lock(answers_mutex_);
        return counters_;
    }

private:
    struct Question {
        flow::Connection connection;
        SocketOwner owner;
        bool again = false;    ///< was asked once in vain
    };

    /// An answer to which nothing can be added: from what was kept, else from the kernel's records.
    std::optional<Identity> whole(const flow::Connection& connection)
    {
        const std::lock_guard system_lock(system_mutex_);
        std::optional<Identity> known;
        {
            const std::lock_guard lock(answers_mutex_);
            const Identity* kept = answers_.find_to_complete(connection);
            if (kept != nullptr && kept->process) {
                ++counters_.in_time;
                known = *kept;
            }
        }
        if (known) {
            system_->add_unit(*known);
            return known;
        }
        known = system_->recorded(connection);
        const std::lock_guard lock(answers_mutex_);
        if (known) ++counters_.recorded;
        return known;
    }

    [[nodiscard]] bool is_waiting(const flow::Connection& connection) const
    {
        const auto same = [&](const flow::Connection& other) {
            return other.transport == connection.transport && other.client == connection.client &&
                   other.server == connection.server;
        };
        if (asked_now_ && same(*asked_now_)) return true;
        for (const Question& question : waiting_)
            if (same(question.connection)) return true;
        return false;
    }

    /// As packets leave: the kernel knows the socket now, and answers in microseconds.
    void watch()
    {
        std::array<std::uint8_t, 256> room{};
        dissect::PacketDissector dissector;
        while (!stop_) {
            const auto packet = first_packets_.next(room, look_at_stop);
            if (packet.empty()) {
                const std::lock_guard lock(answers_mutex_);
                counters_.missed = first_packets_.dropped();
                continue;
            }
            const Timestamp now = clock_.now();
            const auto segment = dissector.dissect(dissect::link::raw, packet, now);
            if (!segment) continue;
            flow::Connection connection;
            connection.transport = segment->transport;
            connection.client = segment->source;
            connection.server = segment->destination;
            connection.opened = now;
            ask(connection);
        }
    }

    void ask(const flow::Connection& connection)
    {
        if (connection.transport == Transport::udp) {
            // A flight of QUIC packets: once is enough.
            const std::lock_guard lock(answers_mutex_);
            if (answers_.find(connection)) return;
        }
        std::optional<SocketOwner> owner;
        std::optional<Identity> identity;
        {
            const std::lock_guard lock(system_mutex_);
            identity = system_->recorded(connection);
            if (!identity) owner = system_->owner_of(connection);
            if (owner) {
                identity = system_->without_process(*owner);
                add_process(*identity, system_->recorded(*owner));
            }
        }
        const std::lock_guard lock(answers_mutex_);
        ++counters_.asked;
        if (!identity) return;
        ++counters_.kept;
        const bool is_whole = identity->process.has_value();
        answers_.keep(connection, std::move(*identity));
        if (is_whole) return;
        if (owner->inode == 0 || waiting_.size() >= most_waiting) {
            ++counters_.no_process;
            return;
        }
        waiting_.push_back({connection, *owner, false});
        changed_.notify_all();
    }

    /// The newest question first: its socket is the likeliest to be open still.
    void search()
    {
        std::unique_lock lock(answers_mutex_);
        while (true) {
            changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
            if (stop_) return;
            const Question question = waiting_.back();
            waiting_.pop_back();
            asked_now_ = question.connection;
            lock.unlock();
            const auto process = system_->process_of(question.owner);
            lock.lock();
            asked_now_.reset();
            // Perhaps there was no time to look everywhere: once more when nothing newer waits.
            if (!process && !question.again && waiting_.size() < most_waiting)
                waiting_.push_front({question.connection, question.owner, true});
            else if (!process)
                ++counters_.no_process;
            if (Identity* identity = answers_.find_to_complete(question.connection)) add_process(*identity, process);
            changed_.notify_all();
        }
    }

    std::unique_ptr<SystemAttributor> system_;
    capture::FirstPackets first_packets_;
    SystemClock clock_;
    std::mutex system_mutex_;
    mutable std::mutex answers_mutex_;    ///< of everything below
    std::condition_variable changed_;
    RecentAnswers answers_;
    EarlyCounters counters_;
    std::deque<Question> waiting_;
    std::optional<flow::Connection> asked_now_;
    std::atomic<bool> stop_{false};
    std::thread watching_;
    std::thread searching_;
};

}    // namespace

std::unique_ptr<EarlyAttributor> create_early_attributor(std::unique_ptr<SystemAttributor> system,
                                                         capture::FirstPackets first_packets)
{
    return std::make_unique<Early>(std::move(system), std::move(first_packets));
}

}    // namespace dl::agent::identity
