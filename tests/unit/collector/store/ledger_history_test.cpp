// The law over a whole life: a real ledger reports through intake into real stores, while requests and replies get
// lost, are repeated and late, the agent is killed, the agent turns to another collector, stores are restored from
// older backups, days are pruned and the ledger's disk image is set back. In the end the store holds, cell by cell,
// what was used.
//
// A history is a seed and a number of steps; a failure names both. DAYLIGHT_HISTORY_SEED and DAYLIGHT_HISTORY_STEPS
// repeat one alone, and fewer steps are the beginning of the same history: that is how one is made small.
#include "agent/ledger/ledger.hpp"
#include "agent/uplink/compose_report.hpp"
#include "agent/uplink/reporting.hpp"
#include "collector/intake/committer.hpp"
#include "collector/intake/fold.hpp"
#include "store_room.hpp"

#include <cstdlib>
#include <future>
#include <random>

namespace dl::collector::store {
namespace {

using namespace std::chrono_literals;
namespace ledger = agent::ledger;
namespace uplink = agent::uplink;

/// The store under test. Another kind of store takes the place of this one line.
std::unique_ptr<UsageStore> open_store(const std::filesystem::path& file, Open how) { return open_usage(file, how); }

/// One collector: a store behind the real intake. Its backup is a copy of the closed store.
class Place {
public:
    Place(std::filesystem::path file, const Clock& clock) : file_(std::move(file)), clock_(clock)
    {
        open_store(file_, Open::create);
        start();
    }

    wire::Reply take(const wire::Report& report)
    {
        intake::FoldRules rules;
        rules.collector_key.fill(7);
        std::promise<Result<wire::Reply>> answer;
        const bool queued = committer_->submit(intake::fold(report, rules, clock_.now()),
                                               [&](Result<wire::Reply> reply) { answer.set_value(std::move(reply)); });
        if (!queued) throw std::runtime_error("the queue is full");
        auto reply = answer.get_future().get();
        if (!reply) throw std::runtime_error(reply.error().message);
        return *reply;
    }
    void restart()
    {
        committer_.reset();
        start();
    }
    void back_up()
    {
        committer_.reset();
        std::filesystem::copy_file(file_, backup(), std::filesystem::copy_options::overwrite_existing);
        start();
    }
    void restore()
    {
        if (!std::filesystem::exists(backup())) return;
        committer_.reset();
        for (const char* suffix : {"-wal", "-shm"})
            std::filesystem::remove(file_.string() + suffix);
        std::filesystem::copy_file(backup(), file_, std::filesystem::copy_options::overwrite_existing);
        execute(file_, "UPDATE meta SET value = randomblob(16) WHERE key = 'incarnation'");
        start();
    }
    std::unique_ptr<UsageStore> read()
    {
        committer_.reset();
        return open_store(file_, Open::read_write);
    }

private:
    [[nodiscard]] std::string backup() const { return file_.string() + ".backup"; }
    void start()
    {
        committer_ =
            std::make_unique<intake::Committer>(open_store(file_, Open::read_write), clock_, intake::StoreDuties{});
    }

    std::filesystem::path file_;
    const Clock& clock_;
    std::unique_ptr<intake::Committer> committer_;
};

using Figures = std::array<std::uint64_t, 3>;                           // connections, octets up, octets down
using Held = std::map<std::pair<std::string, std::string>, Figures>;    // by day and host

void add(Figures& to, const ledger::CellValue& use)
{
    to[0] += use.connections;
    to[1] += use.bytes_up;
    to[2] += use.bytes_down;
}

Held held_by(UsageStore& store)
{
    Held held;
    Query query;
    query.from = day(-1000);
    query.to = day(1000);
    query.by = {By::day, By::destination};
    const auto answer = store.report(query);
    if (!answer) throw std::runtime_error(answer.error().message);
    for (const Row& row : *answer)
        held[{to_iso_date(*row.day), row.host}] = {row.connections, row.bytes_up, row.bytes_down};
    return held;
}

/// One agent's life. What `Chances` leaves out does not happen.
struct Chances {
    bool other_collector = false;
    bool restores = false;
    bool long_time = false;    ///< weeks: acknowledged days are pruned, and used again
    bool set_back = false;     ///< the ledger's disk image
};

class Life {
public:
    Life(unsigned seed, const Chances& chances) : random_(seed), chances_(chances)
    {
        open();
        sender_.agent = numbered<AgentId>(1);
        sender_.version = "1.0";
    }

    void step()
    {
        switch (below(12)) {
            case 0:
            case 1:
            case 2:
            case 3: return use();
            case 4:
            case 5:
            case 6: return report();
            case 7: return late();
            case 8: return pass_time();
            case 9: return open();    // killed and started again
            case 10: return trouble();
            default: return image();
        }
    }

    /// Until the first collector holds everything.
    void settle()
    {
        for (int round = 0; round < 200; ++round) {
            const ledger::Batch batch = good(ledger_->unsent(50));
            if (round > 2 && batch.cells.empty() && batch.current) return;
            carry_out(batch, places_[0].take(compose(batch)));
        }
        FAIL() << "the queue is never empty";
    }

    Held truth;           ///< all that was used
    Held acknowledged;    ///< the most that the agent was told to be safe, of any one epoch
    std::array<Place, 2>& places() { return places_; }
    [[nodiscard]] bool was_set_back() const { return set_back_; }

private:
    int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
    template <class T>
    static T good(Result<T> result)
    {
        if (!result) throw std::runtime_error(result.error().message);
        return std::move(*result);
    }
    static void done(const Result<void>& result)
    {
        if (!result) throw std::runtime_error(result.error().message);
    }
    [[nodiscard]] std::filesystem::path file() const { return directory_ / "ledger.db"; }

    void open()
    {
        ledger_.reset();
        ledger_ = good(ledger::open_ledger(file(), {}, clock_));
        in_flight_.clear();
    }

    void use()
    {
        std::vector<ledger::Share> shares;
        for (int n = 1 + below(5); n > 0; --n) {
            ledger::Share share;
            share.key.day = day_of(clock_.now()) - std::chrono::days(below(3));
            share.key.device = numbered<Pseudonym>(1);
            if (below(3) > 0) share.key.person = numbered<Pseudonym>(static_cast<std::uint64_t>(2 + below(2)));
            share.key.destination = {fmt::format("host{}.example", below(5)), "", Transport::tcp, 443};
            share.key.evidence = below(2) ? wire::Evidence::tls_sni : wire::Evidence::quic_sni;
            const Timestamp when = Timestamp{share.key.day} + std::chrono::minutes(below(1400));
            share.use = {static_cast<std::uint64_t>(below(4)), static_cast<std::uint64_t>(below(5000)),
                         static_cast<std::uint64_t>(below(5000)), when, when + 1s};
            add(truth[{to_iso_date(share.key.day), share.key.destination.host}], share.use);
            shares.push_back(share);
        }
        done(ledger_->book(shares, {}, std::nullopt));
    }

    wire::Report compose(const ledger::Batch& batch) { return uplink::compose_report(batch, sender_, clock_.now()); }

    void report()
    {
        const ledger::Batch batch = good(ledger_->unsent(static_cast<std::size_t>(1 + below(20))));
        const wire::Report report = compose(batch);
        if (below(5) == 0) return;                                    // lost on its way
        if (below(4) == 0) in_flight_.emplace_back(batch, report);    // and once more, later
        Place& place = places_[chances_.other_collector ? static_cast<std::size_t>(below(2)) : 0];
        const wire::Reply reply = place.take(report);
        if (below(4) == 0) return;    // the reply is lost
        carry_out(batch, reply);
    }

    /// As the reporter does.
    void carry_out(const ledger::Batch& batch, const wire::Reply& reply)
    {
        using uplink::Consequence;
        const Consequence consequence = reporting_.replied(clock_.now(), reply, batch.current);
        if (consequence == Consequence::rewind) return done(ledger_->rewind(batch.epoch, reply.revision));
        done(ledger_->acknowledge(batch, reply.receipt, reply.store));
        for (const ledger::SentCell& cell : batch.cells) {
            Figures& most = acknowledged[{to_iso_date(cell.key.day), cell.key.destination.host}];
            most = {std::max(most[0], cell.value.connections), std::max(most[1], cell.value.bytes_up),
                    std::max(most[2], cell.value.bytes_down)};
        }
        if (consequence == Consequence::acknowledge_and_new_epoch)
            done(ledger_->start_epoch("ordered by the collector"));
    }

    /// A report that was on its way for long arrives, out of its order; nobody waits for the reply.
    void late()
    {
        if (in_flight_.empty()) return;
        const auto which = in_flight_.begin() + below(static_cast<int>(in_flight_.size()));
        (void)places_[chances_.other_collector ? static_cast<std::size_t>(below(2)) : 0].take(which->second);
        if (below(2)) in_flight_.erase(which);
    }

    void pass_time()
    {
        clock_.advance(chances_.long_time ? std::chrono::hours(below(100)) : std::chrono::minutes(below(90)));
        done(ledger_->prune());
    }

    void trouble()
    {
        Place& place = places_[chances_.other_collector ? static_cast<std::size_t>(below(2)) : 0];
        if (!chances_.restores || below(3) == 0) return place.restart();
        below(2) ? place.back_up() : place.restore();
    }

    void image()
    {
        if (!chances_.set_back) return;
        const std::filesystem::path image = directory_ / "image";
        ledger_.reset();
        if (below(2) || !std::filesystem::exists(image)) {
            std::filesystem::copy_file(file(), image, std::filesystem::copy_options::overwrite_existing);
        } else {
            for (const char* suffix : {"-wal", "-shm"})
                std::filesystem::remove(file().string() + suffix);
            std::filesystem::copy_file(image, file(), std::filesystem::copy_options::overwrite_existing);
            set_back_ = true;
        }
        open();
    }

    std::mt19937 random_;
    Chances chances_;
    TemporaryDirectory directory_;
    FixedClock clock_{Timestamp{day(100)} + 12h};
    std::array<Place, 2> places_{Place{directory_ / "one", clock_}, Place{directory_ / "two", clock_}};
    std::unique_ptr<ledger::Ledger> ledger_;
    uplink::Sender sender_;
    uplink::Reporting reporting_{{}, [] { return 0.5; }};
    std::vector<std::pair<ledger::Batch, wire::Report>> in_flight_;
    bool set_back_ = false;
};

unsigned number_of(const char* name, unsigned otherwise)
{
    const char* text = std::getenv(name);
    return text ? static_cast<unsigned>(std::stoul(text)) : otherwise;
}

/// Lives through `count` histories, and hands each to `judge` when everything has settled.
template <class Judge>
void live(const Chances& chances, unsigned first_seed, unsigned count, const Judge& judge)
{
    const unsigned only = number_of("DAYLIGHT_HISTORY_SEED", 0);
    const unsigned steps = number_of("DAYLIGHT_HISTORY_STEPS", 60);
    for (unsigned seed = only ? only : first_seed; seed < (only ? only + 1 : first_seed + count); ++seed) {
        SCOPED_TRACE(fmt::format("DAYLIGHT_HISTORY_SEED={} DAYLIGHT_HISTORY_STEPS={}", seed, steps));
        Life life(seed, chances);
        for (unsigned step = 0; step < steps; ++step)
            life.step();
        life.settle();
        const auto store = life.places()[0].read();
        judge(life, held_by(*store));
        const auto verified = store->verify();
        ASSERT_TRUE(verified.has_value()) << verified.error().message;
        if (testing::Test::HasFailure()) return;
    }
}

/// Exactly what was used; a use of nothing leaves no trace of figures.
void equal(Life& life, const Held& held)
{
    for (const auto& [key, figures] : life.truth) {
        const auto found = held.find(key);
        ASSERT_EQ(found == held.end() ? Figures{} : found->second, figures) << key.first << " " << key.second;
    }
    for (const auto& [key, figures] : held)
        ASSERT_TRUE(life.truth.contains(key)) << key.first << " " << key.second;
}

TEST(LedgerHistory, LostRepeatedLateAndKilled) { live({}, 1, 12, equal); }

TEST(LedgerHistory, SplitOverTwoCollectors) { live({.other_collector = true}, 100, 12, equal); }

TEST(LedgerHistory, StoresRestoredFromOlderBackups)
{
    live({.restores = true}, 200, 12, equal);
    live({.other_collector = true, .restores = true}, 300, 12, equal);
}

TEST(LedgerHistory, DaysThatWerePrunedAreUsedAgain) { live({.long_time = true}, 400, 12, equal); }

TEST(LedgerHistory, ALedgerSetBackLosesNothingAcknowledgedAndDoublesNothing)
{
    unsigned set_back = 0;
    live({.set_back = true}, 500, 16, [&](Life& life, const Held& held) {
        set_back += life.was_set_back() ? 1 : 0;
        for (const auto& [key, figures] : held)
            for (std::size_t i = 0; i < figures.size(); ++i)
                ASSERT_LE(figures[i], life.truth.at(key)[i])
                    << key.first << " " << key.second << ": more than was used";
        for (const auto& [key, figures] : life.acknowledged)
            for (std::size_t i = 0; i < figures.size(); ++i)
                ASSERT_GE(held.at(key)[i], figures[i]) << key.first << " " << key.second << ": acknowledged, and gone";
        if (!life.was_set_back()) equal(life, held);
    });
    EXPECT_GT(set_back, 0U) << "no history set the ledger back";
}

}    // namespace
}    // namespace dl::collector::store
