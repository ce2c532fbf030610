#include "agent/flow/own_connections.hpp"

#include <gtest/gtest.h>

namespace dl::agent::flow {
namespace {

Endpoint at(std::uint8_t last, std::uint16_t port)
{
    return {Address::v4(std::array<std::uint8_t, 4>{192, 0, 2, last}), port};
}

Connection connection(const Endpoint& client, const Endpoint& server, Transport transport = Transport::tcp)
{
    Connection made;
    made.transport = transport;
    made.client = client;
    made.server = server;
    return made;
}

TEST(OwnConnections, AreKnownByLocalPortAndPeerFromEitherEnd)
{
    OwnConnections own;
    EXPECT_FALSE(own.contains(connection(at(1, 40000), at(9, 8443))));
    own.about_to_open(40000, at(9, 8443));
    EXPECT_TRUE(own.contains(connection(at(1, 40000), at(9, 8443))));
    EXPECT_TRUE(own.contains(connection(at(9, 8443), at(1, 40000))));
    EXPECT_FALSE(own.contains(connection(at(1, 40001), at(9, 8443)))) << "another program's";
    EXPECT_FALSE(own.contains(connection(at(1, 40000), at(9, 443)))) << "another service of that host";
    EXPECT_FALSE(own.contains(connection(at(1, 40000), at(8, 8443)))) << "another host";
    EXPECT_FALSE(own.contains(connection(at(1, 40000), at(9, 8443), Transport::udp)));
}

TEST(OwnConnections, TheOldestMakeRoom)
{
    OwnConnections own;
    for (std::uint16_t i = 0; i <= OwnConnections::most; ++i)
        own.about_to_open(static_cast<std::uint16_t>(40000 + i), at(9, 8443));
    EXPECT_FALSE(own.contains(connection(at(1, 40000), at(9, 8443))));
    for (std::uint16_t i = 1; i <= OwnConnections::most; ++i)
        EXPECT_TRUE(own.contains(connection(at(1, static_cast<std::uint16_t>(40000 + i)), at(9, 8443)))) << i;
}

}    // namespace
}    // namespace dl::agent::flow
