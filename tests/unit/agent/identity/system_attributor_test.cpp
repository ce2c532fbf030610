// Asks the running kernel about sockets of this very process, on loopback.
#include "agent/identity/process_search.hpp"
#include "agent/identity/sock_diag.hpp"
#include "agent/identity/system_accounts.hpp"
#include "agent/identity/system_attributor.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dl::agent::identity {
namespace {

struct Socket {
    int fd;
    ~Socket() { ::close(fd); }
};

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

std::uint16_t port_of(int fd)
{
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(address).sin_port
                                              : reinterpret_cast<sockaddr_in6&>(address).sin6_port);
}

Endpoint at(std::uint16_t port) { return {Address::v4(std::array<std::uint8_t, 4>{127, 0, 0, 1}), port}; }

TEST(SockDiag, KnowsTheOwnerOfATcpClientAndNotOfItsListener)
{
    const Socket listener{::socket(AF_INET, SOCK_STREAM, 0)};
    auto address = loopback(0);
    ASSERT_EQ(::bind(listener.fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener.fd, 1), 0);
    const Socket client{::socket(AF_INET, SOCK_STREAM, 0)};
    address = loopback(port_of(listener.fd));
    ASSERT_EQ(::connect(client.fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

    auto sockets = SockDiag::open(std::nullopt);
    ASSERT_TRUE(sockets) << sockets.error().message;
    const flow::Connection known{1, Transport::tcp, at(port_of(client.fd)), at(port_of(listener.fd)), {}};
    const auto owner = sockets->find(known);
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->uid, ::getuid());
    ProcessSearch processes("/proc", std::chrono::seconds(5));
    const auto process = processes.find(*owner);
    ASSERT_TRUE(process);
    EXPECT_EQ(process->pid, ::getpid());
    EXPECT_EQ(process->name, "unit_agent");
    // Nobody is connected from the listener's port to 9: the listener must not answer for it.
    EXPECT_FALSE(sockets->find({2, Transport::tcp, at(port_of(listener.fd)), at(9), {}}));
}

TEST(SockDiag, FindsConnectedAndUnconnectedUdpSockets)
{
    auto sockets = SockDiag::open(std::nullopt);
    ASSERT_TRUE(sockets);
    const Socket connected{::socket(AF_INET, SOCK_DGRAM, 0)};
    auto address = loopback(9);
    ASSERT_EQ(::connect(connected.fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    auto owner = sockets->find({1, Transport::udp, at(port_of(connected.fd)), at(9), {}});
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->uid, ::getuid());

    const Socket open{::socket(AF_INET, SOCK_DGRAM, 0)};
    address = loopback(0);
    address.sin_addr.s_addr = INADDR_ANY;
    ASSERT_EQ(::bind(open.fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_TRUE(sockets->find({2, Transport::udp, at(port_of(open.fd)), at(443), {}}));
}

TEST(SockDiag, FindsIpv4TrafficOfADualStackSocket)
{
    auto sockets = SockDiag::open(std::nullopt);
    ASSERT_TRUE(sockets);
    const Socket mapped{::socket(AF_INET6, SOCK_DGRAM, 0)};
    if (mapped.fd < 0) GTEST_SKIP() << "no IPv6 here";
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(9);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.sin6_addr);
    ASSERT_EQ(::connect(mapped.fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_TRUE(sockets->find({1, Transport::udp, at(port_of(mapped.fd)), at(9), {}}));
}

TEST(SystemAttributor, NamesTheAccountAndTheProgram)
{
    auto system =
        create_system_attributor(std::nullopt, std::make_unique<ProcessSearch>("/proc", std::chrono::seconds(5)));
    ASSERT_TRUE(system) << system.error().message;
    const Socket socket{::socket(AF_INET, SOCK_DGRAM, 0)};
    auto address = loopback(9);
    ASSERT_EQ(::connect(socket.fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const Identity found = (*system)->identify({1, Transport::udp, at(port_of(socket.fd)), at(9), {}});
    ASSERT_TRUE(found.user);
    EXPECT_FALSE(found.user->empty());
    EXPECT_EQ(found.application, "unit_agent");
    EXPECT_FALSE((*system)->identify({2, Transport::tcp, at(1), at(2), {}}).user);
}

TEST(SystemAttributor, SaysWhichNamespaceIsMissing)
{
    const auto system = create_system_attributor("/run/netns/there-is-no-such-namespace",
                                                 std::make_unique<ProcessSearch>("/proc", std::chrono::seconds(5)));
    ASSERT_FALSE(system);
    EXPECT_NE(system.error().message.find("/run/netns/there-is-no-such-namespace"), std::string::npos);
}

TEST(SystemAttributor, DaemonsAreNoPeople)
{
    const auto accounts = system_accounts();
    EXPECT_TRUE(accounts.contains("root"));
    EXPECT_TRUE(accounts.contains("0"));
    EXPECT_TRUE(accounts.contains("61200")) << "made up by systemd for a service";
    EXPECT_TRUE(accounts.contains("65534"));
    EXPECT_FALSE(accounts.contains("1000"));
    EXPECT_FALSE(accounts.contains("61183"));
}

}    // namespace
}    // namespace dl::agent::identity
