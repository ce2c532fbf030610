#include "agent/ledger/booking_bounds.hpp"

#include "agent/ledger/booker.hpp"

#include <gtest/gtest.h>

namespace dl::agent::ledger {
namespace {

using namespace std::chrono_literals;

const Timestamp moment = Timestamp{*parse_iso_date("2026-03-02")} + 12h + 34min + 56s;

/// Everybody is E1001 with firefox.
class Everybody final : public identity::Attributor {
public:
    identity::Identity identify(const flow::Connection&) override { return {"E1001", "firefox"}; }
};

struct BookingBoundsTest : testing::Test {
    std::shared_ptr<CurrentBounds> bounds = std::make_shared<CurrentBounds>();
    Everybody everybody;
    BookerRules rules;
    std::unique_ptr<Booker> booker;

    void SetUp() override
    {
        rules.organisation_key.fill(7);
        rules.device = "laptop-1";
        rules.bounds = bounds;
        booker = std::make_unique<Booker>(rules, everybody);
    }
    static flow::Connection connection(std::uint64_t id)
    {
        return {id,
                Transport::tcp,
                {Address::v4(std::array<std::uint8_t, 4>{10, 0, 0, 2}), 40000},
                {Address::v4(std::array<std::uint8_t, 4>{192, 0, 2, 7}), 443},
                moment};
    }
    /// What is booked of one connection to `name`.
    std::vector<Share> booked(std::string_view name, wire::Evidence evidence = wire::Evidence::tls_sni)
    {
        const auto one = connection(++last_);
        flow::Usage use;
        use.name = name;
        use.evidence = evidence;
        use.connections = 1;
        use.bytes_up = 10;
        use.first_seen = use.last_seen = moment;
        use.offer = flow::TlsOffer{wire::TlsVersion::tls_1_3, wire::Protocols::http_2};
        booker->opened(one);
        booker->used(one, use);
        booker->closed(one);
        Booked all = booker->take();
        offers_ = all.offers.size();
        return all.shares;
    }
    std::uint64_t last_ = 0;
    std::size_t offers_ = 0;
};

TEST_F(BookingBoundsTest, AChangeActsOnTheNextUse)
{
    auto shares = booked("app.example");
    ASSERT_EQ(shares.size(), 1u);
    EXPECT_TRUE(shares[0].key.person && shares[0].key.application);
    EXPECT_EQ(offers_, 1u);
    EXPECT_EQ(shares[0].use.first_seen, moment);

    BookingBounds narrow;
    narrow.people = narrow.applications = false;
    narrow.time_grain = signing::TimeGrain::day;
    bounds->set(narrow);
    shares = booked("app.example");
    ASSERT_EQ(shares.size(), 1u);
    EXPECT_FALSE(shares[0].key.person || shares[0].key.application);
    EXPECT_EQ(offers_, 0u);
    EXPECT_EQ(shares[0].use.first_seen, Timestamp{day_of(moment)});
    EXPECT_EQ(shares[0].use.last_seen, Timestamp{day_of(moment)});

    narrow.time_grain = signing::TimeGrain::hour;
    bounds->set(narrow);
    EXPECT_EQ(booked("app.example").at(0).use.last_seen, Timestamp{day_of(moment)} + 12h);
    narrow.use = false;
    bounds->set(narrow);
    EXPECT_TRUE(booked("app.example").empty());
    bounds->set({});
    EXPECT_TRUE(booked("app.example").at(0).key.person);
}

TEST_F(BookingBoundsTest, ListsFoldAndLeaveOut)
{
    BookingBounds lists;
    ASSERT_TRUE(lists.personal_hosts.add("clinic.example") && lists.excluded_hosts.add("union.example"));
    bounds->set(lists);
    EXPECT_EQ(booked("www.clinic.example").at(0).key.destination.host, "personal");
    EXPECT_TRUE(booked("members.union.example").empty());
    EXPECT_EQ(booked("app.example").at(0).key.destination.host, "app.example");
    EXPECT_TRUE(booked("app.example", wire::Evidence::dns_query).empty());
    lists.dns_only = true;
    bounds->set(lists);
    EXPECT_EQ(booked("app.example", wire::Evidence::dns_query).size(), 1u);

    // Nor is an open connection of what is left out written down.
    flow::OpenConnection open;
    open.name = "members.union.example";
    open.evidence = wire::Evidence::tls_sni;
    EXPECT_FALSE(booker->to_keep(connection(900), open));
    open.name = "app.example";
    EXPECT_TRUE(booker->to_keep(connection(900), open));
    lists.use = false;
    bounds->set(lists);
    EXPECT_TRUE(booked("app.example").empty());
    EXPECT_FALSE(booker->to_keep(connection(900), open));
}

}    // namespace
}    // namespace dl::agent::ledger
