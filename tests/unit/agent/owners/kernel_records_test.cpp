// Keys and times of the kernel's records; the kernel itself is asked in tests/end_to_end/attribution_test.py.
#include "agent/owners/kernel_records.hpp"
#include "agent/owners/message.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace dl::agent::owners {
namespace {

using namespace std::chrono_literals;

Endpoint v4(std::uint8_t last, std::uint16_t port)
{
    return {Address::v4(std::array<std::uint8_t, 4>{192, 0, 2, last}), port};
}

flow::Connection connection(Transport transport) { return {1, transport, v4(2, 40000), v4(1, 443), {}}; }

TEST(KernelRecords, KeyIsWhatTheClientsSocketHas)
{
    const auto tcp = ends_of(connection(Transport::tcp), 77);
    ASSERT_TRUE(tcp);
    EXPECT_EQ(tcp->netns, 77u);
    EXPECT_EQ(tcp->transport, 6u);
    EXPECT_EQ(tcp->local_port, 40000);
    EXPECT_EQ(tcp->remote_port, 443);
    const std::array<std::uint8_t, 16> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 2};
    EXPECT_TRUE(std::equal(mapped.begin(), mapped.end(), tcp->local));
    EXPECT_EQ(tcp->remote[15], 1);

    const auto udp = ends_of(connection(Transport::udp), 77);
    ASSERT_TRUE(udp);
    EXPECT_TRUE(std::all_of(std::begin(udp->local), std::end(udp->local), [](__u8 octet) { return octet == 0; }));
    EXPECT_EQ(udp->remote[15], 1);
    EXPECT_FALSE(ends_of(connection(Transport::other), 77));

    std::array<std::uint8_t, 16> six{0x20, 0x01, 0x0d, 0xb8};
    six[15] = 9;
    auto on_v6 = connection(Transport::tcp);
    on_v6.server.address = Address::v6(six);
    EXPECT_TRUE(std::equal(six.begin(), six.end(), ends_of(on_v6, 0)->remote));
}

TEST(KernelRecords, OnlyThoseOfTheConnectionsTimeCount)
{
    const Timestamp now{1'770'000'000s};
    const std::uint64_t boot_now = 1'000'000'000'000;    // 1000 s after boot
    dl_connection_record record{};
    record.begun = boot_now - 100'000'000'000;
    const auto fits = [&](std::chrono::seconds ago) { return is_of_that_time(record, now - ago, now, boot_now); };
    EXPECT_TRUE(fits(100s));
    EXPECT_TRUE(fits(96s));
    EXPECT_FALSE(fits(94s)) << "another connection, much later, from the same port";
    EXPECT_TRUE(fits(104s));
    EXPECT_FALSE(fits(106s)) << "a connection before this one";
    record.ended = boot_now - 50'000'000'000;    // UDP: datagrams until then
    EXPECT_TRUE(fits(70s));
    EXPECT_TRUE(fits(46s));
    EXPECT_FALSE(fits(44s));
    EXPECT_FALSE(fits(106s));
    record.begun = boot_now;    // just now: the clocks are read one after the other
    record.ended = 0;
    EXPECT_TRUE(is_of_that_time(record, now, now, boot_now - 1000));
}

TEST(KernelRecords, AnUnendedNameIsCut)
{
    dl_connection_record record{};
    record.uid = 1001;
    record.cgroup = 5;
    record.pid = 4711;
    std::memset(record.name, 'x', sizeof record.name);
    const auto origin = origin_in(record);
    EXPECT_EQ(origin.process.name, std::string(DAYLIGHT_RECORD_NAME, 'x'));
    EXPECT_EQ(origin.process.pid, 4711);
    EXPECT_EQ(origin.uid, 1001u);
    EXPECT_EQ(origin.cgroup, 5u);
}

TEST(KernelRecords, WithoutTablesNothingIsKnown)
{
    const KernelRecords records;
    EXPECT_FALSE(records.are_there());
    EXPECT_FALSE(records.find(connection(Transport::tcp), 1));
    EXPECT_FALSE(records.find(std::uint64_t{1}));
}

TEST(RecordsMessage, SurvivesTheWayAndStrangeOctetsAreRefused)
{
    EXPECT_TRUE(is_records_request(records_request()));
    EXPECT_FALSE(is_records_request(encode(Question{1, 2, 3})));
    EXPECT_FALSE(is_records_request({}));
    for (const Records state : {Records::not_asked_for, Records::refused, Records::on})
        EXPECT_EQ(decode_records(encode(state)), state);
    auto octets = encode(Records::on);
    EXPECT_FALSE(decode_records(std::span(octets).first(7)));
    octets[4] = 3;
    EXPECT_FALSE(decode_records(octets));
    octets = encode(Records::on);
    octets[0] ^= 1U;
    EXPECT_FALSE(decode_records(octets));
}

}    // namespace
}    // namespace dl::agent::owners
