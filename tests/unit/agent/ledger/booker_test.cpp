#include "agent/ledger/booker.hpp"

#include "agent/identity/recorded_attributor.hpp"
#include "shared/names/identifiers.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace dl::agent::ledger {
namespace {

using namespace std::chrono_literals;

const Timestamp noon = Timestamp{*parse_iso_date("2026-03-02")} + 12h;

flow::Connection connection(std::uint64_t id, std::uint16_t port = 443,
                            std::array<std::uint8_t, 4> server = {192, 0, 2, 7})
{
    return {id,
            Transport::tcp,
            {Address::v4(std::array<std::uint8_t, 4>{10, 0, 0, 2}), static_cast<std::uint16_t>(40000 + id)},
            {Address::v4(server), port},
            noon};
}

flow::Usage usage(std::string_view name, wire::Evidence evidence, std::uint64_t connections = 1, std::uint64_t up = 10,
                  std::uint64_t down = 100, Timestamp when = noon)
{
    flow::Usage use;
    use.name = name;
    use.evidence = evidence;
    use.connections = connections;
    use.bytes_up = up;
    use.bytes_down = down;
    use.first_seen = use.last_seen = when;
    return use;
}

using Answers = std::vector<identity::Identity>;

/// Answers from a script, one answer per question; then with nothing.
class Scripted final : public identity::Attributor {
public:
    explicit Scripted(Answers answers) : answers_(std::move(answers)) {}
    identity::Identity identify(const flow::Connection&) override
    {
        ++asked;
        return at_ < answers_.size() ? answers_[at_++] : identity::Identity{};
    }
    int asked = 0;

private:
    std::vector<identity::Identity> answers_;
    std::size_t at_ = 0;
};

BookerRules rules()
{
    BookerRules made;
    made.organisation_key.fill(7);
    made.device = "laptop-1.corp.example";
    EXPECT_TRUE(made.personal_hosts.add("clinic.example"));
    made.system_accounts = identity::SystemAccounts({"root"});
    return made;
}

TEST(Booker, OffersBelongToTheApplicationAndProgramsAreCounted)
{
    identity::Identity known{"E1001", "firefox"};
    known.process = "firefox";
    Scripted who(Answers{known, {"E1001", "firefox"}, {"E1001", std::nullopt}});
    Booker booker(rules(), who);
    const auto offering = [](wire::TlsVersion version, wire::Protocols protocols, Timestamp when) {
        flow::Usage use = usage("a.example", wire::Evidence::tls_sni, 1, 10, 100, when);
        use.offer = flow::TlsOffer{version, protocols};
        return use;
    };
    using enum wire::TlsVersion;
    for (std::uint64_t id : {1, 2, 3})
        booker.opened(connection(id));
    booker.used(connection(1), offering(tls_1_2, wire::Protocols::http_1, noon));
    booker.used(connection(2), offering(tls_1_2, wire::Protocols::http_2, noon + 24h));
    booker.used(connection(3), offering(tls_1_0, wire::Protocols::other, noon));    // nobody knows of what program
    const Booked booked = booker.take();
    EXPECT_EQ(booked.offers, (Offers{{{"firefox", tls_1_2},
                                      {wire::Protocols::http_1 | wire::Protocols::http_2, day_of(noon + 24h)}}}));
    EXPECT_EQ(booked.counted.connections, 3U);
    EXPECT_EQ(booked.counted.connections_with_program, 1U) << "the unit alone tells the application, not the program";
    EXPECT_TRUE(booker.take().offers.empty());
}

TEST(Booker, MakesPseudonymsBeforeAnythingIsBooked)
{
    Scripted who(Answers{{"CORP\\E1001", "firefox"}});
    Booker booker(rules(), who);
    booker.opened(connection(1));
    booker.used(connection(1), usage("crm.example", wire::Evidence::tls_sni));
    booker.used(connection(1), usage("crm.example", wire::Evidence::tls_sni, 0, 5, 50, noon + 1s));
    const Booked booked = booker.take();
    ASSERT_EQ(booked.shares.size(), 1u);
    const Share& share = booked.shares[0];
    EXPECT_EQ(share.key.person, names::person_pseudonym(rules().organisation_key, "e1001"));
    EXPECT_EQ(share.key.device, names::device_pseudonym(rules().organisation_key, "laptop-1"));
    EXPECT_EQ(share.key.application, "firefox");
    EXPECT_EQ(share.key.destination, (wire::Destination{"crm.example", "", Transport::tcp, 443}));
    EXPECT_EQ(share.use, (CellValue{1, 15, 150, noon, noon + 1s}));
    EXPECT_EQ(booked.counted.connections, 1u);
    EXPECT_EQ(booked.counted.connections_unattributed, 0u);
    EXPECT_TRUE(booker.take().shares.empty());
}

TEST(Booker, AsksOnceMoreBeforeTheFirstShareAndNeverAfter)
{
    Scripted who(Answers{identity::Identity{}, {"e1002", std::nullopt}});
    Booker booker(rules(), who);
    booker.opened(connection(1));
    booker.used(connection(1), usage("a.example", wire::Evidence::tls_sni));
    booker.used(connection(1), usage("a.example", wire::Evidence::tls_sni, 0));
    EXPECT_EQ(who.asked, 2);
    EXPECT_EQ(booker.take().shares.at(0).key.person, names::person_pseudonym(rules().organisation_key, "e1002"));

    booker.opened(connection(2));
    booker.used(connection(2), usage("a.example", wire::Evidence::tls_sni));
    booker.used(connection(2), usage("a.example", wire::Evidence::tls_sni, 0));
    EXPECT_EQ(who.asked, 4);
    const Booked unknown = booker.take();
    EXPECT_FALSE(unknown.shares.at(0).key.person);
    EXPECT_EQ(unknown.counted.connections_unattributed, 1u);
}

TEST(Booker, SystemAccountsAreNoPeopleButAreAttributed)
{
    Scripted who(Answers{{"root", "apt"}});
    Booker booker(rules(), who);
    booker.opened(connection(1));
    booker.used(connection(1), usage("deb.example", wire::Evidence::http_host));
    const Booked booked = booker.take();
    EXPECT_FALSE(booked.shares.at(0).key.person);
    EXPECT_EQ(booked.shares.at(0).key.application, "apt");
    EXPECT_EQ(booked.counted.connections_unattributed, 0u);
}

TEST(Booker, FoldsPersonalLifeToOneWord)
{
    Scripted who(Answers{});
    Booker booker(rules(), who);
    flow::Usage use = usage("booking.clinic.example", wire::Evidence::tls_sni);
    use.canonical = "edge.cdn.example";
    booker.used(connection(1), use);
    use = usage("www.friendly.example", wire::Evidence::tls_sni);
    use.canonical = "x.clinic.example";
    booker.used(connection(2, 8443), use);
    booker.used(connection(3), usage("notclinic.example", wire::Evidence::tls_sni));
    const Booked booked = booker.take();
    ASSERT_EQ(booked.shares.size(), 2u);
    EXPECT_EQ(booked.shares[0].key.destination, (wire::Destination{"notclinic.example", "", Transport::tcp, 443}));
    EXPECT_EQ(booked.shares[1].key.destination, (wire::Destination{"personal", "", Transport::tcp, 0}));
    EXPECT_EQ(booked.shares[1].use.connections, 2u);
}

TEST(Booker, LeavesOutWhatNobodyChose)
{
    Scripted who(Answers{});
    Booker booker(rules(), who);
    booker.used(connection(1), usage("printer.local", wire::Evidence::tls_sni));
    booker.used(connection(2, 53), usage("7.2.0.192.in-addr.arpa", wire::Evidence::dns_query));
    booker.used(connection(3, 53), usage("asked.example", wire::Evidence::dns_query));
    booker.used(connection(4, 5353, {224, 0, 0, 251}), usage("", wire::Evidence::address_only));
    booker.used(connection(5, 1900, {239, 255, 255, 250}), usage("", wire::Evidence::address_only));
    booker.used(connection(6, 53), usage("", wire::Evidence::address_only));
    booker.used(connection(7, 5432, {127, 0, 0, 1}), usage("", wire::Evidence::address_only));
    EXPECT_TRUE(booker.take().shares.empty());

    BookerRules only = rules();
    only.dns_only = true;
    Booker dns(only, who);
    dns.used(connection(3, 53), usage("asked.example", wire::Evidence::dns_query));
    dns.used(connection(3, 53), usage("asked.clinic.example", wire::Evidence::dns_query));
    const Booked asked = dns.take();
    ASSERT_EQ(asked.shares.size(), 2u);
    EXPECT_EQ(asked.shares[0].key.destination.host, "asked.example");
    EXPECT_EQ(asked.shares[1].key.destination.host, "personal");
    EXPECT_EQ(asked.counted.connections, 0u);
}

TEST(Booker, LeavesOutTheAgentsOwnReporting)
{
    Scripted who(Answers{});
    BookerRules made = rules();
    made.dns_only = true;
    const auto own = std::make_shared<flow::OwnConnections>();
    made.own = own;
    made.own_questions = {"collector.example"};
    Booker booker(made, who);
    own->about_to_open(connection(1).client.port, connection(1).server);
    booker.opened(connection(1));
    booker.used(connection(1), usage("collector.example", wire::Evidence::tls_sni));
    booker.used(connection(1), usage("collector.example", wire::Evidence::tls_sni, 0));
    booker.closed(connection(1));
    booker.used(connection(3, 53), usage("collector.example", wire::Evidence::dns_query));
    EXPECT_EQ(booker.waiting(), 0u);
    EXPECT_EQ(booker.take().counted, wire::Counters{});

    // Somebody else's connection to the same collector is use as any other.
    booker.opened(connection(2));
    booker.used(connection(2), usage("collector.example", wire::Evidence::tls_sni));
    const Booked booked = booker.take();
    ASSERT_EQ(booked.shares.size(), 1u);
    EXPECT_EQ(booked.shares[0].key.destination.host, "collector.example");
    EXPECT_EQ(booked.counted.connections, 1u);
}

TEST(Booker, TellsMomentsInWholeSeconds)
{
    Scripted who(Answers{});
    Booker booker(rules(), who);
    booker.used(connection(1), usage("a.example", wire::Evidence::tls_sni, 1, 1, 1, noon + 900ms));
    booker.used(connection(1), usage("a.example", wire::Evidence::tls_sni, 0, 1, 1, noon + 2s + 1us));
    const Booked booked = booker.take();
    ASSERT_EQ(booked.shares.size(), 1u);
    EXPECT_EQ(booked.shares[0].use.first_seen, noon);
    EXPECT_EQ(booked.shares[0].use.last_seen, noon + 2s);
}

TEST(Booker, TellsAddressesWhereThereIsNoName)
{
    Scripted who(Answers{});
    Booker booker(rules(), who);
    booker.used(connection(1), usage("", wire::Evidence::address_only));
    booker.used(connection(2), usage("[2001:db8::1]", wire::Evidence::http_host));
    booker.used(connection(3), usage("no host/name", wire::Evidence::http_host));
    booker.used(connection(4), usage("", wire::Evidence::hidden_road));
    const Booked booked = booker.take();
    std::map<std::pair<std::string, wire::Evidence>, std::uint64_t> seen;
    for (const Share& share : booked.shares)
        seen[{share.key.destination.host, share.key.evidence}] += share.use.connections;
    const std::map<std::pair<std::string, wire::Evidence>, std::uint64_t> expected{
        {{"192.0.2.7", wire::Evidence::address_only}, 2},
        {{"2001:db8::1", wire::Evidence::http_host}, 1},
        {{"192.0.2.7", wire::Evidence::hidden_road}, 1}};
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(booked.counted.bytes_hidden_road, 110u);
}

TEST(Booker, CountsHiddenRoadsThatHaveAName)
{
    Scripted who(Answers{});
    Booker booker(rules(), who);
    flow::Usage use = usage("resolver.example", wire::Evidence::tls_sni);
    use.hidden_road = true;
    booker.used(connection(1), use);
    const Booked booked = booker.take();
    EXPECT_EQ(booked.counted.bytes_hidden_road, 110u);
    EXPECT_EQ(booked.shares[0].key.destination.host, "resolver.example");
}

TEST(Booker, LeavesOutQuestionsThatAreProbes)
{
    Scripted who(Answers{});
    BookerRules made = rules();
    made.dns_only = true;
    Booker booker(made, who);
    flow::Usage none = usage("app.example.corp.example", wire::Evidence::dns_query);
    none.no_such_name = true;
    booker.used(connection(1, 53), none);
    for (const char* name : {"wpad", "7.2.0.192.in-addr.arpa", "printer.local"})
        booker.used(connection(2, 53), usage(name, wire::Evidence::dns_query));
    booker.used(connection(3, 53), usage("app.example", wire::Evidence::dns_query));
    const Booked booked = booker.take();
    ASSERT_EQ(booked.shares.size(), 1u);
    EXPECT_EQ(booked.shares[0].key.destination.host, "app.example");
}

TEST(Booker, WhatIsReadAgainIsFollowedButNotBooked)
{
    Scripted who(Answers{{"e1001", std::nullopt}});
    Booker booker(rules(), who);
    booker.set_booking(Booker::Booking::skipped);
    booker.opened(connection(1));
    booker.used(connection(1), usage("a.example", wire::Evidence::tls_sni));
    EXPECT_EQ(booker.waiting(), 0u);
    booker.set_booking(Booker::Booking::on);
    booker.used(connection(1), usage("a.example", wire::Evidence::tls_sni, 0, 1, 2));
    const Booked booked = booker.take();
    ASSERT_EQ(booked.shares.size(), 1u);
    EXPECT_EQ(booked.shares[0].key.person, names::person_pseudonym(rules().organisation_key, "e1001"));
    EXPECT_EQ(booked.shares[0].use.connections, 0u);
    EXPECT_EQ(booked.counted.connections, 0u);
}

TEST(Booker, DaysAreUtcDaysOfThePackets)
{
    Scripted who(Answers{});
    Booker booker(rules(), who);
    const Timestamp midnight{*parse_iso_date("2026-03-03")};
    booker.used(connection(1), usage("a.example", wire::Evidence::tls_sni, 1, 1, 1, midnight - 1us));
    booker.used(connection(1), usage("a.example", wire::Evidence::tls_sni, 0, 1, 1, midnight));
    const Booked booked = booker.take();
    ASSERT_EQ(booked.shares.size(), 2u);
    EXPECT_EQ(to_iso_date(booked.shares[0].key.day), "2026-03-02");
    EXPECT_EQ(to_iso_date(booked.shares[1].key.day), "2026-03-03");
}

TEST(PersonalHosts, ListIsCheckedOnLoad)
{
    const auto file = std::filesystem::temp_directory_path() / ("personal-" + std::to_string(::getpid()) + ".txt");
    std::ofstream(file) << "# health\nClinic.Example.   # with a note\n\ndating.example\n";
    auto hosts = load_personal_hosts(file);
    ASSERT_TRUE(hosts) << hosts.error().message;
    EXPECT_EQ(hosts->size(), 2u);
    EXPECT_TRUE(hosts->contains("a.b.clinic.example"));
    EXPECT_FALSE(hosts->contains("example"));
    EXPECT_FALSE(hosts->contains(""));
    std::ofstream(file) << "clinic.example\nhttp://dating.example/\n";
    hosts = load_personal_hosts(file);
    ASSERT_FALSE(hosts);
    EXPECT_NE(hosts.error().message.find(":2: 'http://dating.example/'"), std::string::npos) << hosts.error().message;
    std::filesystem::remove(file);
}

}    // namespace
}    // namespace dl::agent::ledger
