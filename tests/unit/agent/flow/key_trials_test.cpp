// Floods of what looks like QUIC, and many connections on the same ports.
#include "agent/flow/key_trials.hpp"

#include "tests/unit/agent/flow/flow_tables.hpp"
#include "tests/unit/agent/quic_bytes.hpp"

namespace dl::agent::flow {
namespace {

Host stranger(unsigned number)
{
    return {octets({10, 1, static_cast<int>(number >> 8U & 255U), static_cast<int>(number & 255U)}), 40000};
}

/// Of the millisecond between packets: what is left is a microsecond.
constexpr std::chrono::microseconds almost_between{999};

/// An Initial that no key opens.
Data junk(std::uint32_t version)
{
    Data packet = quic_initial(version, 0, crypto_frame(0, client_hello("quic.example")));
    packet.back() ^= 1U;
    return packet;
}

TEST(KeyTrials, ComeBackWithTimeUpToASecondsWorth)
{
    using enum KeyTrials::Version;
    KeyTrials trials;
    const Timestamp begun{std::chrono::hours(1)};
    const auto taken = [&](KeyTrials::Version version) {
        std::uint32_t count = 0;
        while (count < 10'000 && trials.take(version))
            ++count;
        return count;
    };
    trials.tick(begun);
    EXPECT_EQ(taken(unknown), 512U);
    EXPECT_EQ(taken(known), 4096U);
    EXPECT_EQ(trials.refused(), 2U);
    trials.tick(begun + std::chrono::milliseconds(250));
    EXPECT_EQ(taken(unknown), 128U);
    trials.tick(begun);    // time that goes back gives nothing
    EXPECT_EQ(taken(unknown), 0U);
    trials.tick(begun + std::chrono::hours(24 * 365 * 300));
    EXPECT_EQ(taken(known), 4096U);
}

TEST_F(FlowTables, AFloodOfUnknownVersionsIsTriedSoOftenASecondOverAllConnections)
{
    const Data flood = junk(0x1a2a3a4a);
    for (unsigned i = 0; i < 2000; ++i) {    // 2 ms of the packets' time
        wait(-almost_between);
        see(udp_frame(stranger(i), server(443), flood));
    }
    EXPECT_GE(table_.counters().key_trials_refused, 2000U - 512 - 2);
    const Data initial = quic_initial(1, 0, crypto_frame(0, client_hello("known.example")));
    see(udp_frame(client, server(443), initial));    // takes no name from known versions
    wait(std::chrono::seconds(1));
    see(udp_frame(client, server(444), quic_initial(0x1a2a3a4a, 1, crypto_frame(0, client_hello("late.example")))));
    const auto seen = ended();
    ASSERT_EQ(seen.size(), 2002U);
    EXPECT_EQ(seen[2000].name, "known.example");
    EXPECT_EQ(seen[2001].name, "late.example");
}

TEST_F(FlowTables, AFloodOfAKnownVersionIsBoundedTooAndTrueConnectionsAreNot)
{
    const Data initial = quic_initial(1, 0, crypto_frame(0, client_hello("known.example")));
    for (unsigned i = 0; i < 5000; ++i) {
        wait(-almost_between);
        see(udp_frame(stranger(i), server(443), initial));
    }
    EXPECT_EQ(table_.counters().key_trials_refused, 0U);
    const Data unopened = junk(1);
    for (unsigned i = 0; i < 5000; ++i) {
        wait(-almost_between);
        see(udp_frame(stranger(i), server(444), unopened));
    }
    EXPECT_GE(table_.counters().key_trials_refused, 5000U - 4096 - 50);
    (void)ended();
}

TEST_F(FlowTables, SixConnectionsOnTheSamePortsAreAllNamed)
{
    for (int i = 0; i < 6; ++i) {
        const std::string number = std::to_string(i);
        const Data hello = client_hello(number + ".example");
        const Data head = crypto_frame(0, Data(hello.begin(), hello.begin() + 40));
        const Data tail = crypto_frame(40, Data(hello.begin() + 40, hello.end()));
        see(udp_frame(client, server(443), quic_initial(1, 0, head, "conn-id" + number)));
        see(udp_frame(client, server(443), quic_initial(1, 0, tail, "conn-id" + number)));
    }
    std::set<std::string> names;
    for (const Seen& seen : ended())
        names.insert(seen.name);
    EXPECT_EQ(names,
              (std::set<std::string>{"0.example", "1.example", "2.example", "3.example", "4.example", "5.example"}));
}

TEST_F(FlowTables, AHandshakeThatEndsInADatagramWhereAnotherBeginsIsRead)
{
    const Data hello = client_hello("first.example");
    const Data head = crypto_frame(0, Data(hello.begin(), hello.begin() + 40));
    const Data tail = crypto_frame(40, Data(hello.begin() + 40, hello.end()));
    const Data other = quic_initial(1, 0, octets({1}), "other-id");
    see(udp_frame(client, server(443), quic_initial(1, 0, head, "first-id")));
    see(udp_frame(client, server(443), quic_initial(1, 0, tail, "first-id") + other));
    EXPECT_EQ(ended().front().name, "first.example");
}

}    // namespace
}    // namespace dl::agent::flow
