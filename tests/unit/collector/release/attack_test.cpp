// An attacker who keeps every answer over all units of a tree: weeks and month, services and needs, both floors, before
// and after late reports, days and the sums that are made over units. From them nothing may follow about a group of one
// to four people. The same attacker finds what leaks when a rule of the gate, or the freezing, is left out.
#include "../insight/small_world.hpp"
#include "collector/insight/demand.hpp"
#include "collector/release/gate.hpp"
#include "linear_program.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

namespace dl::collector::release {
namespace {

using insight::SmallWorld;
using Cell = UnitCounts::Cell;
constexpr std::uint64_t k = 5;
constexpr std::size_t weeks = 4;    // 2026-W45 to W48: the month 2026-11
const Day first_day = *parse_iso_date("2026-11-02");
const Timestamp now{*parse_iso_date("2026-12-02")};

/// Who used what: unit → service → day → people.
using Truth = std::map<std::string, std::map<std::string, std::map<int, std::set<int>>>>;

const std::vector<std::pair<std::string, int>> unit_sizes{{"sales", 14},       {"sales-north", 5}, {"sales-south", 8},
                                                          {"engineering", 22}, {"lab", 3},         {"finance", 9}};

class Company : public SmallWorld {
public:
    explicit Company(unsigned seed) : random_(seed)
    {
        std::ofstream(folder_ / "units.csv") << "id,name,parent\nsales,Sales,\nsales-north,North,sales\n"
                                                "sales-south,South,sales\nengineering,Engineering,\n"
                                                "lab,Lab,engineering\nfinance,Finance,\n";
        std::ofstream people(folder_ / "people.csv");
        people << "employee,unit,identifiers,from,to\n";
        int number = 2000;
        for (const auto& [unit, size] : unit_sizes)
            for (int i = 0; i < size; ++i) {
                ++number;
                people << "E" << number << "," << unit << ",e" << number << ",2025-01-01,\n";
                staff_[unit].push_back(number);
            }
        people.close();
        directory = directory::load_directory({folder_ / "units.csv", folder_ / "people.csv", {}}).value();
    }

    /// Everybody's use of some services on some days, reported in one go.
    void work(double share)
    {
        store::FoldedReport report;
        report.agent = AgentId::random();
        report.epoch.bytes.fill(7);
        report.revision_to = 1;
        report.agent_version = "0.1.0";
        report.devices = {names::rekey(keys.collector, names::device_pseudonym(keys.organisation, "one"))};
        std::map<int, std::uint32_t> persons;
        std::map<std::string, std::uint32_t> hosts;
        for (const auto& [unit, staff] : staff_)
            for (const auto& service : catalog.services()) {
                const double likely = std::uniform_real_distribution<double>(0.0, share)(random_);
                for (const int who : staff)
                    for (int day = 0; day < 28; ++day)
                        if (std::bernoulli_distribution(likely / 4)(random_)) {
                            truth[unit][service.id][day].insert(who);
                            const auto [person, new_person] = persons.emplace(who, report.persons.size());
                            if (new_person)
                                report.persons.push_back(
                                    names::rekey(keys.collector, names::person_pseudonym(keys.organisation,
                                                                                         "e" + std::to_string(who))));
                            const auto [host, new_host] = hosts.emplace(service.id, report.destinations.size());
                            if (new_host)
                                report.destinations.push_back(
                                    {service.id == "copilot" ? "copilot.microsoft.com"
                                     : service.id == "chatgpt" || service.id == "wetransfer" || service.id == "anydesk"
                                         ? service.id + ".com"
                                     : service.id == "claude" ? "claude.ai"
                                                              : "app." + service.id + ".com",
                                     "", Transport::tcp, 443});
                            wire::Cell cell;
                            cell.day = first_day + std::chrono::days(day);
                            cell.person = person->second;
                            cell.destination = host->second;
                            cell.evidence = wire::Evidence::tls_sni;
                            cell.connections = 1;
                            cell.first_seen = cell.last_seen = Timestamp(cell.day) + std::chrono::hours(9);
                            cell.revision = 1;
                            report.cells.push_back(cell);
                        }
            }
        ASSERT_TRUE(usage->commit(std::span(&report, 1)));
        ASSERT_TRUE(insight::refresh_labels(*usage, catalog, *directory, keys));
    }

    Truth truth;

private:
    std::mt19937 random_;
    std::map<std::string, std::vector<int>> staff_;
};

/// How many people stand behind every cell that could exist by public knowledge.
std::map<Cell, std::uint64_t> counts_of(const Truth& truth, const std::string& unit, const catalog::Catalog& catalog)
{
    std::map<Cell, std::set<int>> people;
    for (const auto& service : catalog.services())
        for (std::size_t when = 0; when <= weeks; ++when) {
            people[{service.id, service.capability, when}];
            people[{"", service.capability, when}];
        }
    if (const auto found = truth.find(unit); found != truth.end())
        for (const auto& [id, days] : found->second)
            for (const auto& [day, who] : days)
                for (const std::size_t when : {static_cast<std::size_t>(day / 7), weeks}) {
                    const auto& capability = catalog.service(id)->capability;
                    people[{id, capability, when}].insert(who.begin(), who.end());
                    people[{"", capability, when}].insert(who.begin(), who.end());
                }
    std::map<Cell, std::uint64_t> counts;
    for (const auto& [cell, who] : people)
        counts[cell] = who.size();
    return counts;
}

struct Attack {
    std::size_t hidden = 0, proven = 0;
    bool consistent = true;
};

/// Solves for the least number of people behind each hidden group of one to four. What is not published is below
/// the floor; no cell holds more people than the unit has.
Attack attack(const std::map<Cell, std::uint64_t>& truth, const Published& published, std::size_t size)
{
    // Cells of different needs stand in no relation: each need is a system of its own.
    std::map<std::string, std::vector<Cell>> needs;
    for (const auto& [cell, people] : truth)
        needs[cell.capability].push_back(cell);
    Attack result;
    for (const auto& [need, cells] : needs) {
        std::map<Cell, std::size_t> at;
        for (const auto& cell : cells)
            at.emplace(cell, at.size());
        LinearProgram program(at.size());
        for (const auto& [cell, number] : at) {
            const auto found = published.find(cell);
            auto most = static_cast<double>(size);
            if (found == published.end())
                most = std::min(most, static_cast<double>(k) - 1.0);
            else if (found->second.at_most)
                most = std::min(most, static_cast<double>(*found->second.at_most));
            // A coarse cell may be hidden by rule 3 though it holds many.
            const bool coarse = cell.service.empty() || cell.week == weeks;
            program.at_most({{number, 1.0}}, found == published.end() && coarse ? static_cast<double>(size) : most);
            if (found != published.end()) program.at_least(number, static_cast<double>(found->second.at_least));
        }
        const auto covers = [&](const Cell& whole, auto is_part) {
            std::vector<std::pair<std::size_t, double>> sum{{at.at(whole), 1.0}};
            for (const auto& part : cells)
                if (is_part(part)) {
                    program.at_most({{at.at(part), 1.0}, {at.at(whole), -1.0}}, 0.0);
                    sum.emplace_back(at.at(part), -1.0);
                }
            program.at_most(sum, 0.0);
        };
        for (const auto& whole : cells) {
            if (whole.service.empty())
                covers(whole, [&](const Cell& part) { return !part.service.empty() && part.week == whole.week; });
            if (whole.week == weeks)
                covers(whole, [&](const Cell& part) { return part.service == whole.service && part.week < weeks; });
        }
        for (const auto& cell : cells) {
            if (truth.at(cell) == 0 || truth.at(cell) >= k || published.contains(cell)) continue;
            ++result.hidden;
            const auto least = program.least(at.at(cell));
            if (!least)
                result.consistent = false;
            else if (*least > 1e-6)
                ++result.proven;
        }
    }
    return result;
}

/// Of the groups of one to four that came between two answers, how many the answers prove.
std::size_t proven_late(const std::map<Cell, std::uint64_t>& before, const std::map<Cell, std::uint64_t>& after,
                        const Published& first, const Published& second)
{
    std::size_t proven = 0;
    for (const auto& [cell, people] : after) {
        const std::uint64_t late = people - before.at(cell);
        if (late == 0 || late >= k || cell.service.empty() || cell.week == weeks) continue;
        const auto was = first.find(cell), is = second.find(cell);
        const std::uint64_t most = was == first.end() ? k - 1 : was->second.at_most.value_or(1000);
        if (is != second.end() && is->second.at_least > most) ++proven;
    }
    return proven;
}

/// What was released of one unit, by the cells that the attacker thinks in.
Published read(const std::map<std::size_t, Figures>& released, const std::string& unit)
{
    Published out;
    for (const auto& [when, figures] : released) {
        for (const auto& figure : figures.uses)
            if (figure.unit == unit) out.emplace(Cell{figure.label, figure.capability, when}, *figure.people);
        for (const auto& figure : figures.capabilities)
            if (figure.unit == unit) out.emplace(Cell{"", figure.capability, when}, figure.people);
    }
    return out;
}

std::map<std::size_t, Figures> ask_everything(Company& company, std::uint64_t floor)
{
    std::map<std::size_t, Figures> out;
    for (std::size_t when = 0; when <= weeks; ++when) {
        const Period period = when == weeks ? *parse_period("2026-11")
                                            : week_of(first_day + std::chrono::days(7 * static_cast<int>(when)));
        out.emplace(when, restrict_to(released_figures(company.press(), period, k, now).value(), floor));
    }
    return out;
}

/// Gates that leave something out, for the same counts.
enum class Leaky { rule_2, rule_3 };
Published leaky(const std::map<Cell, std::uint64_t>& counts, const Published& sound, Leaky without)
{
    Published out = sound;
    for (const auto& [cell, people] : counts) {
        const bool coarse = cell.service.empty() || cell.week == weeks;
        if (!coarse || people < k) continue;
        if (without == Leaky::rule_2)
            out.insert_or_assign(cell, exactly(people));    // its own figure, whatever its parts say
        else
            out.emplace(cell, band(people, k));    // whatever its hidden parts could make up
    }
    return out;
}

TEST(Attack, EveryAnswerOverTheWholeTreeTogetherProvesNoSmallGroup)
{
    std::size_t hidden = 0, shown = 0, without_rule_2 = 0, without_rule_3 = 0, without_freezing = 0;
    for (const unsigned seed : {1u, 2u, 3u}) {
        Company company(seed);
        company.work(0.35);
        const Truth early = company.truth;
        const auto first = ask_everything(company, k);
        const auto own = ask_everything(company, 10);
        company.work(0.05);    // late
        const auto second = ask_everything(company, k);
        for (const auto& [when, figures] : first) {
            EXPECT_EQ(to_document(second.at(when)), to_document(figures)) << "asked twice, answered once";
            EXPECT_EQ(to_document(own.at(when)), to_document(restrict_to(figures, 10))) << "both floors, one release";
        }
        for (const auto& [unit, size] : unit_sizes) {
            const auto counts = counts_of(early, unit, company.catalog);
            const auto counts_late = counts_of(company.truth, unit, company.catalog);
            const Published published = read(first, unit);
            shown += published.size();
            const auto of = [&](const Published& what) { return attack(counts, what, static_cast<std::size_t>(size)); };
            const Attack against = of(published);
            EXPECT_TRUE(against.consistent) << unit;
            EXPECT_EQ(against.proven, 0u) << unit << ", seed " << seed;
            hidden += against.hidden;
            without_rule_2 += of(leaky(counts, published, Leaky::rule_2)).proven;
            without_rule_3 += of(leaky(counts, published, Leaky::rule_3)).proven;
            EXPECT_EQ(proven_late(counts, counts_late, published, read(second, unit)), 0u) << unit;
            Published again = published;
            for (const auto& [cell, people] : counts_late)
                if (!cell.service.empty() && cell.week < weeks && people >= k)
                    again.insert_or_assign(cell, band(people, k));
            without_freezing += proven_late(counts, counts_late, published, again);

            for (const auto& [when, figures] : first)
                for (const auto& figure : figures.uses) {
                    if (figure.unit != unit || when == weeks) continue;
                    const auto& days = early.at(unit).at(figure.label);
                    const int monday = 7 * static_cast<int>(when);
                    std::uint64_t many = 0;
                    for (auto day = days.lower_bound(monday); day != days.end() && day->first < monday + 7; ++day)
                        many += day->second.size() >= k;
                    EXPECT_EQ(figure.days, many) << "a day of fewer than five counts in no figure";
                }
        }
        // What stands over several units is made of what stands released of each.
        std::vector<Figures> by_week;
        for (std::size_t when = weeks; when-- > 0;)
            by_week.push_back(first.at(when));
        for (const auto& need : insight::demand_of(by_week, company.meaning())) {
            std::map<std::string, std::uint64_t> most;
            for (const auto& figures : by_week)
                for (const auto& finding : insight::find(figures, company.meaning())) {
                    const auto verdict = finding.decision.verdict;
                    if (finding.capability() == need.capability && verdict != policy::Verdict::sanctioned &&
                        verdict != policy::Verdict::tolerated)
                        most[finding.figure.unit] =
                            std::max(most[finding.figure.unit], finding.figure.people->at_least);
                }
            std::uint64_t sum = 0;
            for (const auto& [unit, people] : most)
                sum += people;
            EXPECT_EQ(need.people_at_least, sum) << need.capability;
        }
        std::map<std::string, std::uint64_t> days;
        for (std::size_t when = 0; when < weeks; ++when)
            for (const auto& figure : first.at(when).uses)
                days[figure.unit + "/" + figure.label] += figure.days;
        for (const auto& figure : first.at(weeks).uses)
            EXPECT_EQ(figure.days, days[figure.unit + "/" + figure.label]) << "nothing is left of a month";
    }
    EXPECT_GT(hidden, 300u) << "there was something to find";
    EXPECT_GT(shown, 100u) << "and something was said";
    EXPECT_GT(without_rule_2, 0u) << "the attacker finds groups where a whole is told beside its parts";
    EXPECT_GT(without_rule_3, 0u) << "and where a whole is told that two hidden parts must make up";
    EXPECT_GT(without_freezing, 0u) << "and where a late report makes a second answer";
}

}    // namespace
}    // namespace dl::collector::release
