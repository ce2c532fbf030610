// Clocks that are set while connections are open.
#include "tests/unit/agent/flow/flow_tables.hpp"

namespace dl::agent::flow {
namespace {

using namespace std::chrono_literals;

using ClockTest = FlowTables;

TEST_F(ClockTest, SetForwardADayAndBackEndsNoConnection)
{
    wait(24h);
    shake_hands(443);
    say(records(client_hello("tomorrow.example")));
    wait(-24h);
    table_.flush(now());

    shake_hands(443, 41000);
    say(records(client_hello("today.example")));
    for (int i = 0; i < 3; ++i) {
        wait(10s);
        table_.flush(now());
        answer(text("more"));
    }
    std::map<std::string, std::uint64_t> connections, down;
    for (const Seen& seen : ended()) {
        connections[seen.name] += seen.connections;
        down[seen.name] += seen.down;
    }
    EXPECT_EQ(connections, (std::map<std::string, std::uint64_t>{{"today.example", 1}, {"tomorrow.example", 1}}));
    EXPECT_EQ(down["today.example"], 12U);
}

}    // namespace
}    // namespace dl::agent::flow
