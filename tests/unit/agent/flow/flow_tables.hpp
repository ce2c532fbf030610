// A flow table fed with packets made by hand, and what it tells.
#pragma once

#include "agent/flow/flow_table.hpp"
#include "tests/unit/agent/packet_bytes.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace dl::agent::flow {

using namespace dl::agent::testing;
using wire::Evidence;

struct Seen {
    std::string name;
    std::string canonical;
    Evidence evidence = Evidence::address_only;
    std::uint64_t connections = 0;
    std::uint64_t up = 0;
    std::uint64_t down = 0;
    std::string server;

    friend bool operator==(const Seen&, const Seen&) = default;
};
inline void PrintTo(const Seen& seen, std::ostream* out)
{
    *out << seen.name << " (" << seen.canonical << ") " << wire::to_string(seen.evidence) << " x" << seen.connections
         << " up " << seen.up << " down " << seen.down << " at " << seen.server;
}

class Collecting final : public SightingSink {
public:
    void opened(const Connection& connection) override { EXPECT_TRUE(open.emplace(connection.id, true).second); }
    void used(const Connection& connection, const Usage& usage) override
    {
        EXPECT_TRUE(open.contains(connection.id));
        no_such_names += usage.no_such_name ? 1 : 0;
        shares.push_back({std::string(usage.name), std::string(usage.canonical), usage.evidence, usage.connections,
                          usage.bytes_up, usage.bytes_down, connection.server.address.to_string()});
    }
    void closed(const Connection& connection) override { EXPECT_EQ(open.erase(connection.id), 1U); }

    std::map<std::uint64_t, bool> open;
    std::vector<Seen> shares;
    unsigned no_such_names = 0;
};

class FlowTables : public ::testing::Test {
protected:
    void see(const Data& frame, std::uint32_t interface = 0)
    {
        capture::Packet packet;
        packet.interface = interface;
        packet.time_ns = (time_ += 1000) * 1000;
        packet.link_type = 1;
        packet.original_length = static_cast<std::uint32_t>(frame.size());
        packet.bytes = frame;
        table_.on_packet(packet);
    }
    void wait(std::chrono::microseconds time) { time_ += time.count(); }
    Timestamp now() const { return Timestamp{std::chrono::microseconds(time_)}; }
    std::vector<Seen> ended()
    {
        table_.finish();
        EXPECT_TRUE(sink_.open.empty());
        return std::exchange(sink_.shares, {});
    }

    // One TCP connection, client 101.., server 501..
    void shake_hands(std::uint16_t port, std::uint16_t client_port = client.port)
    {
        from_ = {client.address, client_port};
        to_ = server(port);
        up_ = 101;
        down_ = 501;
        see(tcp_frame(from_, to_, 100, 0, 2));
        see(tcp_frame(to_, from_, 500, 101, 18));
        see(tcp_frame(from_, to_, 101, 501, 16));
    }
    void say(const Data& payload)
    {
        see(tcp_frame(from_, to_, up_, down_, 24, payload));
        up_ += static_cast<std::uint32_t>(payload.size());
    }
    void answer(const Data& payload)
    {
        see(tcp_frame(to_, from_, down_, up_, 24, payload));
        down_ += static_cast<std::uint32_t>(payload.size());
    }
    void hang_up()
    {
        see(tcp_frame(from_, to_, up_, down_, 17));
        see(tcp_frame(to_, from_, down_, up_ + 1, 17));
        see(tcp_frame(from_, to_, up_ + 1, down_ + 1, 16));
    }
    void look_up(std::string_view name, std::string_view alias = "")
    {
        const Host resolver{octets({192, 0, 2, 53}), 53};
        const Host asking{client.address, 5000};
        see(udp_frame(asking, resolver, dns_query(name)));
        see(udp_frame(resolver, asking,
                      dns_answer(name, alias, to_.address.empty() ? server(0).address : to_.address)));
    }

    Host from_;
    Host to_ = server(443);
    std::uint32_t up_ = 0;
    std::uint32_t down_ = 0;
    std::int64_t time_ = 1'700'000'000'000'000;
    Collecting sink_;
    FlowTable table_{sink_};
};

inline const std::string at = "192.0.2.10";

}    // namespace dl::agent::flow
