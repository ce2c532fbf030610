// The law that exactly-once stands on: however reports are lost, repeated, reordered, split or mixed, the store ends as
// if each agent had told its last word once.
#include "store_room.hpp"

#include <algorithm>
#include <random>

namespace dl::collector::store {
namespace {

const std::set<By> everything{By::day,         By::unit,     By::kind,     By::label,
                              By::destination, By::evidence, By::observer, By::application};

class History {
public:
    explicit History(unsigned seed) : random_(seed) {}

    int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

    /// One agent's cells as they grow: each step some cells rise or appear; returns the report of what changed.
    struct Agent {
        int number;
        int epoch;
        wire::ObserverKind kind;
        std::map<std::tuple<int, int, int, std::string, int>, Used> cells;
        std::uint64_t revision = 0;
    };

    FoldedReport grow(Agent& agent)
    {
        std::vector<Used> changed;
        const int count = 1 + below(6);
        for (int i = 0; i < count; ++i) {
            Used used;
            used.day = below(3);
            used.device = agent.kind == wire::ObserverKind::endpoint ? agent.number : 1 + below(4);
            used.person = agent.kind == wire::ObserverKind::endpoint ? below(3) : 0;
            used.host = fmt::format("host{}.example", below(4));
            used.evidence = static_cast<wire::Evidence>(1 + below(5));
            const auto key = std::tuple(used.day, used.device, used.person, used.host, static_cast<int>(used.evidence));
            Used& cell = agent.cells.try_emplace(key, used).first->second;
            cell.connections += static_cast<std::uint64_t>(below(9));
            cell.up += static_cast<std::uint64_t>(below(5000));
            cell.down += static_cast<std::uint64_t>(below(5000));
            cell.first_minute = std::min(cell.first_minute, below(120));
            cell.last_minute = std::max(cell.last_minute, 120 + below(1000));
            changed.push_back(cell);
        }
        return report(agent, changed, agent.revision, agent.revision + 1);
    }

    static FoldedReport report(Agent& agent, const std::vector<Used>& cells, std::uint64_t from, std::uint64_t to)
    {
        ReportBuilder builder(agent.number, agent.epoch, agent.kind);
        for (const Used& used : cells)
            builder.add(used);
        agent.revision = to;
        return builder.revisions(from, to).report();
    }

    static FoldedReport whole(Agent& agent)
    {
        std::vector<Used> cells;
        for (const auto& [key, used] : agent.cells)
            cells.push_back(used);
        return report(agent, cells, 0, agent.revision);
    }

    /// The report in two, cell by cell.
    std::vector<FoldedReport> split(const FoldedReport& report)
    {
        std::vector<FoldedReport> halves{report, report};
        for (FoldedReport& half : halves)
            half.cells.clear();
        for (const wire::Cell& cell : report.cells)
            halves[random_() % 2].cells.push_back(cell);
        return halves;
    }

    template <class T>
    void shuffle(std::vector<T>& list)
    {
        std::ranges::shuffle(list, random_);
    }

private:
    std::mt19937 random_;
};

TEST(StoreMergeLaw, LostRepeatedReorderedAndSplitReportsEndInTheSameStore)
{
    for (unsigned seed = 1; seed <= 25; ++seed) {
        History history(seed);
        std::vector<History::Agent> agents{{1, 1, wire::ObserverKind::endpoint, {}},
                                           {2, 1, wire::ObserverKind::endpoint, {}},
                                           {2, 2, wire::ObserverKind::endpoint, {}},
                                           {9, 1, wire::ObserverKind::sensor, {}}};
        std::vector<FoldedReport> sent;
        for (int step = 0; step < 20; ++step) {
            FoldedReport report = history.grow(agents[static_cast<std::size_t>(history.below(4))]);
            const int fate = history.below(4);
            if (fate == 0) continue;    // lost
            for (int copy = 0; copy < fate; ++copy)
                for (FoldedReport& part : history.split(report))
                    sent.push_back(std::move(part));
        }
        std::vector<FoldedReport> last_words;
        for (auto& agent : agents)
            last_words.push_back(History::whole(agent));
        sent.insert(sent.end(), last_words.begin(), last_words.end());    // what was lost is told again in the end
        history.shuffle(sent);

        const TemporaryDirectory directory;
        const auto once = open_usage(directory / "once", Open::create);
        const auto many = open_usage(directory / "many", Open::create);
        commit(*once, last_words);
        for (std::size_t at = 0; at < sent.size();) {
            const std::size_t batch =
                std::min<std::size_t>(1 + static_cast<std::size_t>(history.below(5)), sent.size() - at);
            commit(*many, {sent.begin() + static_cast<std::ptrdiff_t>(at),
                           sent.begin() + static_cast<std::ptrdiff_t>(at + batch)});
            if (history.below(3) == 0) {
                ASSERT_TRUE(many->refresh(static_cast<std::size_t>(history.below(4))).has_value());
            }
            at += batch;
        }
        ASSERT_EQ(lines(rows(*once, everything)), lines(rows(*many, everything))) << "seed " << seed;
        ASSERT_EQ(lines(rows(*once, {By::unit, By::label})), lines(rows(*many, {By::unit, By::label})))
            << "seed " << seed;
        const auto a = once->totals(day(0), day(9)), b = many->totals(day(0), day(9));
        ASSERT_EQ(a->cells, b->cells);
        ASSERT_EQ(a->connections, b->connections);
        ASSERT_EQ(a->bytes_up, b->bytes_up);
        ASSERT_EQ(a->bytes_down, b->bytes_down);
        const auto verified = many->verify();
        ASSERT_TRUE(verified.has_value()) << verified.error().message;
    }
}

TEST(StoreMergeLaw, RollUpsAddUpToTheFactsTheyAreMadeFrom)
{
    for (unsigned seed = 100; seed < 110; ++seed) {
        History history(seed);
        std::vector<History::Agent> agents{{1, 1, wire::ObserverKind::endpoint, {}},
                                           {9, 1, wire::ObserverKind::sensor, {}}};
        const TemporaryDirectory directory;
        const auto store = open_usage(directory / "usage", Open::create);
        for (int step = 0; step < 12; ++step)
            commit(*store, {history.grow(agents[static_cast<std::size_t>(history.below(2))])});
        for (const std::set<By>& by :
             {std::set<By>{}, {By::label}, {By::day}, {By::day, By::unit, By::label, By::kind, By::capability}}) {
            std::set<By> finer = by;
            finer.insert(By::destination);
            const auto coarse = rows(*store, by), fine = rows(*store, finer);
            const auto sum = [](const std::vector<Row>& list) {
                std::uint64_t connections = 0, bytes = 0;
                for (const Row& r : list)
                    connections += r.connections, bytes += r.bytes_up + r.bytes_down;
                return std::pair(connections, bytes);
            };
            ASSERT_EQ(sum(coarse), sum(fine)) << "seed " << seed;
        }
    }
}

/// Random meanings, so that histories are labelled, relabelled and reorganised.
Dimensions random_dimensions(History& history, UsageStore& store, const std::string& stamp)
{
    Dimensions d;
    d.stamp = stamp;
    for (const KnownDestination& known : *store.destinations(false)) {
        if (history.below(4) == 0) continue;
        const int label = history.below(3);
        d.destinations.push_back(
            {known.id, label == 0 ? "noise" : "service", fmt::format("label{}", label), label == 0 ? "" : "mail"});
    }
    for (int person = 1; person <= 3; ++person) {
        const Day moved = day(history.below(4));
        d.people.push_back({numbered<Pseudonym>(100'000 + static_cast<std::uint64_t>(person)),
                            fmt::format("unit{}", history.below(3)), Day::min(), moved});
        d.people.push_back({numbered<Pseudonym>(100'000 + static_cast<std::uint64_t>(person)),
                            fmt::format("unit{}", history.below(3)), moved, Day::max()});
    }
    for (std::uint64_t device = 1; device <= 4; ++device)
        d.devices.push_back({numbered<Pseudonym>(device), fmt::format("unit{}", history.below(3))});
    return d;
}

TEST(StoreMergeLaw, RelabelledHistoryEqualsHistoryBuiltFromScratch)
{
    for (unsigned seed = 200; seed < 215; ++seed) {
        History history(seed);
        std::vector<History::Agent> agents{{1, 1, wire::ObserverKind::endpoint, {}},
                                           {2, 1, wire::ObserverKind::endpoint, {}},
                                           {9, 1, wire::ObserverKind::sensor, {}}};
        std::vector<FoldedReport> reports;
        const TemporaryDirectory directory;
        const auto lived = open_usage(directory / "lived", Open::create);
        for (int step = 0; step < 15; ++step) {
            reports.push_back(history.grow(agents[static_cast<std::size_t>(history.below(3))]));
            commit(*lived, {reports.back()});
            if (history.below(3) == 0) {
                // Stamps repeat now and then: then only new destinations get a label.
                const auto laid =
                    lived->label(random_dimensions(history, *lived, fmt::format("stamp {}", history.below(3))));
                ASSERT_TRUE(laid.has_value()) << laid.error().message;
            }
        }
        const Dimensions last = random_dimensions(history, *lived, "last");
        ASSERT_TRUE(lived->label(last).has_value());

        const auto fresh = open_usage(directory / "fresh", Open::create);
        commit(*fresh, reports);
        Dimensions same = last;    // destination ids are each store's own
        std::map<wire::Destination, std::uint32_t> ids;
        for (const KnownDestination& known : *fresh->destinations(false))
            ids[known.destination] = known.id;
        std::map<std::uint32_t, wire::Destination> names;
        for (const KnownDestination& known : *lived->destinations(false))
            names[known.id] = known.destination;
        for (DestinationLabel& label : same.destinations)
            label.destination = ids.at(names.at(label.destination));
        ASSERT_TRUE(fresh->label(same).has_value());

        for (const std::set<By>& by : {everything, {By::unit, By::label}, {By::kind, By::capability, By::day}, {}})
            ASSERT_EQ(lines(rows(*lived, by)), lines(rows(*fresh, by))) << "seed " << seed;
        for (const auto* store : {&lived, &fresh}) {
            const auto verified = (*store)->verify();
            ASSERT_TRUE(verified.has_value()) << verified.error().message;
        }
        ASSERT_TRUE(lived->expire(day(1)).has_value());
        ASSERT_TRUE(fresh->expire(day(1)).has_value());
        ASSERT_EQ(lines(rows(*lived, everything)), lines(rows(*fresh, everything)));
        ASSERT_TRUE(lived->verify().has_value());
    }
}

}    // namespace
}    // namespace dl::collector::store
