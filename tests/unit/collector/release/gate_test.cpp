// An attacker who holds every release (weeks, month, services, capabilities) and solves the linear system over them
// must not be able to prove that anybody stands behind a cell that was hidden.
#include "collector/release/gate.hpp"
#include "linear_program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace dl::collector::release {
namespace {

using Cell = UnitCounts::Cell;
using Published = std::map<Cell, Heads>;
constexpr std::size_t weeks = 4;

/// A unit whose people use services in weeks; every cell counted as distinct people.
UnitCounts make_unit(std::mt19937& random)
{
    UnitCounts counts;
    counts.weeks = weeks;
    const std::vector<std::pair<std::string, std::size_t>> capabilities{{"files", 4}, {"mail", 1}, {"design", 2}};
    std::map<Cell, std::set<int>> people;
    const int size = std::uniform_int_distribution<int>(6, 24)(random);
    for (const auto& [capability, services] : capabilities) {
        counts.services_known[capability] = services;
        for (std::size_t service = 0; service < std::min<std::size_t>(services, 2); ++service) {
            const std::string id = capability + std::to_string(service);
            const double share = std::uniform_real_distribution<double>(0.0, 0.5)(random);
            for (int person = 0; person < size; ++person)
                for (std::size_t week = 0; week < weeks; ++week)
                    if (std::bernoulli_distribution(share)(random))
                        for (const std::size_t when : {week, weeks}) {
                            people[{id, capability, when}].insert(person);
                            people[{"", capability, when}].insert(person);
                        }
        }
    }
    for (const auto& [cell, who] : people)
        counts.people[cell] = who.size();
    return counts;
}

struct Attack {
    std::size_t hidden = 0;    ///< small groups that were hidden
    std::size_t proven = 0;    ///< of them, how many the attacker proved to exist
    bool consistent = true;
};

Attack attack(const UnitCounts& counts, const Published& published, std::uint64_t k)
{
    // Every cell that could exist by public knowledge is a variable.
    std::map<Cell, std::size_t> variable;
    const auto number = [&](const Cell& cell) { return variable.emplace(cell, variable.size()).first->second; };
    for (const auto& [capability, services] : counts.services_known)
        for (std::size_t when = 0; when <= weeks; ++when) {
            number({"", capability, when});
            for (std::size_t service = 0; service < services; ++service)
                number({capability + std::to_string(service), capability, when});
        }
    LinearProgram program(variable.size());
    for (const auto& [cell, at] : variable) {
        const auto found = published.find(cell);
        if (found == published.end()) {
            program.at_most({{at, 1.0}}, static_cast<double>(k) - 1.0);
            continue;
        }
        program.at_least(at, static_cast<double>(found->second.at_least));
        if (found->second.at_most) program.at_most({{at, 1.0}}, static_cast<double>(*found->second.at_most));
    }
    const auto cover = [&](const Cell& whole, const std::vector<Cell>& parts) {
        std::vector<std::pair<std::size_t, double>> sum{{number(whole), 1.0}};
        for (const auto& part : parts) {
            program.at_most({{number(part), 1.0}, {number(whole), -1.0}}, 0.0);    // a part is within the whole
            sum.emplace_back(number(part), -1.0);
        }
        program.at_most(sum, 0.0);    // the whole is within the sum of its parts
    };
    for (const auto& [capability, services] : counts.services_known) {
        std::vector<Cell> capability_weeks;
        for (std::size_t when = 0; when <= weeks; ++when) {
            std::vector<Cell> parts;
            for (std::size_t service = 0; service < services; ++service)
                parts.push_back({capability + std::to_string(service), capability, when});
            cover({"", capability, when}, parts);
            if (when < weeks) capability_weeks.push_back({"", capability, when});
        }
        cover({"", capability, weeks}, capability_weeks);
        for (std::size_t service = 0; service < services; ++service) {
            std::vector<Cell> parts;
            for (std::size_t week = 0; week < weeks; ++week)
                parts.push_back({capability + std::to_string(service), capability, week});
            cover({capability + std::to_string(service), capability, weeks}, parts);
        }
    }
    Attack result;
    for (const auto& [cell, people] : counts.people) {
        if (people >= k || published.contains(cell)) continue;
        ++result.hidden;
        const auto least = program.least(number(cell));
        if (!least)
            result.consistent = false;
        else if (*least > 1e-6)
            ++result.proven;
    }
    return result;
}

/// What a gate without complementary suppression would do: every figure of k or more, as it is.
Published naive(const UnitCounts& counts, std::uint64_t k)
{
    Published out;
    for (const auto& [cell, people] : counts.people)
        if (people >= k) out.emplace(cell, exactly(people));
    return out;
}

TEST(Gate, AnAttackerWhoSolvesTheLinearSystemProvesNoSmallGroup)
{
    std::mt19937 random(20261121);
    std::size_t hidden = 0, proven_naive = 0, shown = 0;
    for (int unit = 0; unit < 10; ++unit) {
        const UnitCounts counts = make_unit(random);
        const Published published = release(counts, 5);
        shown += published.size();
        const Attack against = attack(counts, published, 5);
        EXPECT_TRUE(against.consistent) << "unit " << unit;
        EXPECT_EQ(against.proven, 0u) << "unit " << unit;
        hidden += against.hidden;
        proven_naive += attack(counts, naive(counts, 5), 5).proven;
    }
    EXPECT_GT(hidden, 40u) << "there was something to find";
    EXPECT_GT(shown, 40u) << "and something was said";
    EXPECT_GT(proven_naive, 4u) << "the attacker finds groups where there is no gate";
}

TEST(Gate, ASmallGroupLooksLikeNobody)
{
    UnitCounts three, nobody;
    for (auto* counts : {&three, &nobody}) {
        counts->services_known = {{"files", 10}};
        counts->people[{"box", "files", 0}] = 8;
        counts->people[{"", "files", 0}] = 8;
    }
    three.people[{"dropbox", "files", 0}] = 3;
    three.people[{"", "files", 0}] = 11;
    const auto with = release(three, 5), without = release(nobody, 5);
    EXPECT_EQ(with, without) << "neither the service nor the capability's total may differ";
}

TEST(Gate, WholeOfOneServiceIsNoWayIn)
{
    UnitCounts counts;
    counts.services_known = {{"mail", 1}, {"files", 2}};
    counts.people[{"", "files", 0}] = 8;
    counts.people[{"box", "files", 0}] = 4;
    counts.people[{"dropbox", "files", 0}] = 4;
    EXPECT_TRUE(release(counts, 5).empty()) << "eight of two hidden services prove both";
    counts.services_known["files"] = 3;
    EXPECT_EQ(release(counts, 5).at({"", "files", 0}).text(), "5–9") << "of three services they prove none";
}

TEST(Gate, IsDeterministicAndRestrictsToItsFloor)
{
    std::mt19937 random(7);
    for (int unit = 0; unit < 50; ++unit) {
        const UnitCounts counts = make_unit(random);
        const auto once = release(counts, 5);
        EXPECT_EQ(once, release(counts, 5));
        for (const auto& [cell, heads] : once) {
            EXPECT_GE(heads.at_least, 5u);
            EXPECT_FALSE(heads.exact);
            EXPECT_GE(counts.people.at(cell), heads.at_least);
            if (heads.at_most) {
                EXPECT_LE(counts.people.at(cell), *heads.at_most);
            }
        }
    }
}

TEST(Heads, AreBanded)
{
    EXPECT_EQ(band(5, 5).text(), "5–9");
    EXPECT_EQ(band(9, 5).text(), "5–9");
    EXPECT_EQ(band(10, 5).text(), "10–19");
    EXPECT_EQ(band(49, 5).text(), "20–49");
    EXPECT_EQ(band(500, 5).text(), "500+");
    EXPECT_EQ(band(8, 7).text(), "7–9");
    EXPECT_EQ(band(12, 12).text(), "12–19");
    EXPECT_EQ(band(3, 3).text(), "3–4");
    EXPECT_EQ(at_least(5).text(), "5 or more");
    EXPECT_EQ(exactly(6).text(), "6");
}

}    // namespace
}    // namespace dl::collector::release
