#include "agent/identity/recorded_attributor.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace dl::agent::identity {
namespace {

const std::string head = "#transport\tclient_address\tclient_port\tserver_address\tserver_port\tuser\tapplication\n";

class RecordedAttributor : public ::testing::Test {
protected:
    void SetUp() override
    {
        file_ = std::filesystem::temp_directory_path() / ("recorded-" + std::to_string(::getpid()) + ".tsv");
    }
    void TearDown() override { std::filesystem::remove(file_); }
    Result<std::unique_ptr<Attributor>> load(const std::string& text)
    {
        std::ofstream(file_) << text;
        return create_recorded_attributor(file_);
    }
    std::filesystem::path file_;
};

flow::Connection connection(std::uint64_t id, Transport transport, std::array<std::uint8_t, 4> client,
                            std::uint16_t client_port, std::array<std::uint8_t, 4> server, std::uint16_t server_port)
{
    return {id, transport, {Address::v4(client), client_port}, {Address::v4(server), server_port}, {}};
}

TEST_F(RecordedAttributor, FindsTheExactConnection)
{
    const auto table = load(
        head + "tcp\t10.0.0.2\t40000\t192.0.2.1\t443\te1001\tcurl\nudp\t10.0.0.2\t40000\t192.0.2.1\t443\te1002\t\n");
    ASSERT_TRUE(table) << table.error().message;
    const Identity tcp = (*table)->identify(connection(1, Transport::tcp, {10, 0, 0, 2}, 40000, {192, 0, 2, 1}, 443));
    EXPECT_EQ(tcp.user, "e1001");
    EXPECT_EQ(tcp.application, "curl");
    EXPECT_EQ(tcp.process, "curl") << "a recorded application is a known program";
    const Identity udp = (*table)->identify(connection(2, Transport::udp, {10, 0, 0, 2}, 40000, {192, 0, 2, 1}, 443));
    EXPECT_EQ(udp.user, "e1002");
    EXPECT_FALSE(udp.application);
    EXPECT_FALSE(udp.process);
    EXPECT_FALSE((*table)->identify(connection(3, Transport::tcp, {10, 0, 0, 2}, 40001, {192, 0, 2, 1}, 443)).user);
}

TEST_F(RecordedAttributor, ReusedPortsStandForTheirConnectionsInOrder)
{
    const auto table =
        load(head + "tcp\t10.0.0.2\t40000\t192.0.2.1\t443\te1001\t\ntcp\t10.0.0.2\t40000\t192.0.2.1\t443\te1002\t\n");
    ASSERT_TRUE(table);
    const auto ask = [&](std::uint64_t id) {
        return (*table)->identify(connection(id, Transport::tcp, {10, 0, 0, 2}, 40000, {192, 0, 2, 1}, 443)).user;
    };
    EXPECT_EQ(ask(7), "e1001");
    EXPECT_EQ(ask(7), "e1001");
    EXPECT_EQ(ask(9), "e1002");
    EXPECT_EQ(ask(11), "e1002");
}

TEST_F(RecordedAttributor, ComplaintsNameFileAndLine)
{
    const struct {
        std::string text;
        std::string expected;
    } cases[] = {
        {"tcp\t10.0.0.2\t1\t192.0.2.1\t443\te\t\n", ":1: the head line"},
        {"", ":1: the file is empty"},
        {head + "tcp\t10.0.0.2\t1\t192.0.2.1\t443\te\n", ":2: has 6 columns"},
        {head + "\nsctp\t10.0.0.2\t1\t192.0.2.1\t443\te\t\n", ":3: transport 'sctp'"},
        {head + "tcp\t10.0.0.300\t1\t192.0.2.1\t443\te\t\n", ":2: '10.0.0.300' is no address"},
        {head + "tcp\t10.0.0.3\t70000\t192.0.2.1\t443\te\t\n", ":2: '70000' is no port"},
        {head + "tcp\t10.0.0.3\t1\t192.0.2.1\t443\te\ta\tb\n", ":2: has more than 7 columns"},
    };
    for (const auto& wrong : cases) {
        const auto table = load(wrong.text);
        ASSERT_FALSE(table) << wrong.text;
        EXPECT_NE(table.error().message.find(file_.string() + wrong.expected), std::string::npos)
            << table.error().message;
    }
}

}    // namespace
}    // namespace dl::agent::identity
