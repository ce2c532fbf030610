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

}    // namespace
}    // namespace dl::collector::store
