// One use is counted once, however many observers saw it.
#include "store_room.hpp"

namespace dl::collector::store {
namespace {

using wire::Evidence;
using wire::ObserverKind;

class BestSourceTest : public testing::Test {
protected:
    void add(int agent, const Used& used, ObserverKind kind = ObserverKind::endpoint, int epoch = 1)
    {
        commit(*store_, {ReportBuilder(agent, epoch, kind).add(used).report()});
    }
    Row all() { return rows(*store_, {}).at(0); }

    TemporaryDirectory directory_;
    std::unique_ptr<UsageStore> store_ = open_usage(directory_ / "usage.sqlite", Open::create);
};

TEST_F(BestSourceTest, ATapsViewOfALaptopDoesNotDoubleTheLaptopsOwn)
{
    add(1, {.connections = 5});
    add(9, {.person = 0, .connections = 6}, ObserverKind::sensor);
    EXPECT_EQ(all().connections, 5U);
    EXPECT_EQ(all().people, 1U);
    EXPECT_EQ(all().devices, 1U);
    EXPECT_EQ(all().devices_without_person, 0U);
    EXPECT_EQ(store_->totals(day(0), day(1))->connections, 11U) << "the facts stay";
}

TEST_F(BestSourceTest, ATapThatWasFirstGivesWayToTheLaptop)
{
    add(9, {.person = 0, .connections = 6}, ObserverKind::sensor);
    EXPECT_EQ(all().devices_without_person, 1U);
    add(1, {.connections = 5});
    EXPECT_EQ(all().devices_without_person, 0U);
    EXPECT_EQ(all().connections, 5U);
    EXPECT_TRUE(store_->verify().has_value());
}

TEST_F(BestSourceTest, TheTapCountsWhereTheLaptopSawNothing)
{
    add(1, {.host = "a.example", .connections = 5});
    add(9, {.person = 0, .host = "b.example", .connections = 6}, ObserverKind::sensor);
    EXPECT_EQ(all().connections, 11U);
    EXPECT_EQ(all().devices_without_person, 1U);
}

TEST_F(BestSourceTest, StrongerEvidenceWinsThenMoreConnections)
{
    add(8, {.person = 0, .connections = 50, .evidence = Evidence::dns_answer}, ObserverKind::sensor);
    add(9, {.person = 0, .connections = 6, .evidence = Evidence::tls_sni}, ObserverKind::sensor);
    EXPECT_EQ(all().connections, 6U);
    add(7, {.person = 0, .connections = 7, .evidence = Evidence::quic_sni}, ObserverKind::sensor);
    EXPECT_EQ(all().connections, 7U);
}

TEST_F(BestSourceTest, EpochsAndEvidencesOfOneObserverAddUp)
{
    add(1, {.connections = 1, .evidence = Evidence::tls_sni});
    add(1, {.connections = 2, .evidence = Evidence::dns_answer});
    add(1, {.connections = 4}, ObserverKind::endpoint, 2);
    EXPECT_EQ(all().connections, 7U);
}

TEST_F(BestSourceTest, WhatTheLaptopCouldNotAttributeStaysBesideWhatItCould)
{
    add(1, {.connections = 5});
    add(1, {.person = 0, .connections = 2});
    EXPECT_EQ(all().connections, 7U);
    EXPECT_EQ(all().people, 1U);
    EXPECT_EQ(all().devices_without_person, 1U);
}

TEST_F(BestSourceTest, TwoDevicesOfOnePersonAreOnePerson)
{
    add(1, {.device = 1, .connections = 5});
    add(2, {.device = 2, .connections = 3});
    EXPECT_EQ(all().connections, 8U);
    EXPECT_EQ(all().people, 1U);
    EXPECT_EQ(all().devices, 2U);
}

TEST_F(BestSourceTest, AProxyLogThatNamesThePersonGivesWayToThatPersonsLaptop)
{
    add(5, {.device = 77, .connections = 9, .evidence = Evidence::imported}, ObserverKind::import);
    EXPECT_EQ(all().connections, 9U);
    add(1, {.device = 1, .connections = 5});
    EXPECT_EQ(all().connections, 5U);
    EXPECT_EQ(all().devices, 1U);
    EXPECT_EQ(rows(*store_, {By::destination}).at(0).connections, 5U);
    add(5, {.day = 1, .device = 77, .connections = 9, .evidence = Evidence::imported}, ObserverKind::import);
    EXPECT_EQ(all().connections, 14U) << "the day on which only the proxy saw";
    EXPECT_TRUE(store_->verify().has_value());
}

TEST_F(BestSourceTest, TwoLogsOfOnePersonAreNotAdded)
{
    add(5, {.device = 77, .connections = 9, .evidence = Evidence::imported}, ObserverKind::import);
    add(6, {.device = 78, .connections = 4, .evidence = Evidence::http_connect}, ObserverKind::import);
    EXPECT_EQ(all().connections, 4U);
    const auto reader = open_usage(directory_ / "usage.sqlite", Open::read_only);
    EXPECT_EQ(rows(*reader, {}).at(0).connections, 4U);
}

TEST_F(BestSourceTest, AHundredPeopleSeenByThreeObserversAreAHundredHeadsAndTheirBytesOnce)
{
    // Laptops know the person, taps only the device, the proxy's log the person and no device of the directory.
    ReportBuilder tap(901, 1, ObserverKind::sensor), second_tap(902, 1, ObserverKind::sensor),
        log(903, 1, ObserverKind::import);
    std::uint64_t connections = 0, up = 0, down = 0;
    for (int who = 1; who <= 100; ++who) {
        const Used used{.device = who,
                        .person = who,
                        .connections = 3,
                        .up = 1000U + static_cast<std::uint64_t>(who),
                        .down = 50'000};
        connections += used.connections, up += used.up, down += used.down;
        Used seen = used;
        seen.person = 0;
        tap.add(seen);
        seen.evidence = Evidence::dns_answer;
        second_tap.add(seen);
        Used logged = used;
        logged.device = 5000;
        logged.evidence = Evidence::imported;
        log.add(logged);
        if (who % 2) add(who, used);    // half of the laptops report first, the others when all is rolled up
    }
    commit(*store_, {tap.report(), second_tap.report(), log.report()});
    ASSERT_TRUE(store_->refresh(1000).has_value());
    for (int who = 2; who <= 100; who += 2)
        add(who, {.device = who,
                  .person = who,
                  .connections = 3,
                  .up = 1000U + static_cast<std::uint64_t>(who),
                  .down = 50'000});
    commit(*store_, {second_tap.report(), tap.report()});    // and again
    for (const std::set<By>& by : {std::set<By>{}, {By::label}, {By::destination}}) {
        const auto made = rows(*store_, by);
        ASSERT_EQ(made.size(), 1U);
        EXPECT_EQ(made[0].people, 100U);
        EXPECT_EQ(made[0].devices, 100U);
        EXPECT_EQ(made[0].devices_without_person, 0U);
        EXPECT_EQ(made[0].connections, connections);
        EXPECT_EQ(made[0].bytes_up, up);
        EXPECT_EQ(made[0].bytes_down, down);
    }
    const auto verified = store_->verify();
    EXPECT_TRUE(verified.has_value()) << verified.error().message;
}

}    // namespace
}    // namespace dl::collector::store
