// The whole way from the octets of a capture to shares: what goes up in octets must never come down, and every
// connection that opens must close.
#include "agent/capture/capture_file.hpp"
#include "agent/flow/flow_table.hpp"

#include <cstdlib>
#include <set>

namespace {

class CheckingSink final : public dl::agent::flow::SightingSink {
public:
    void opened(const dl::agent::flow::Connection& connection) override
    {
        if (!open_.insert(connection.id).second) std::abort();
    }
    void used(const dl::agent::flow::Connection& connection, const dl::agent::flow::Usage& usage) override
    {
        if (!open_.contains(connection.id)) std::abort();
        if (usage.connections > 1 || usage.bytes_up > 1ULL << 48U || usage.bytes_down > 1ULL << 48U) std::abort();
        if (usage.first_seen > usage.last_seen) std::abort();
    }
    void closed(const dl::agent::flow::Connection& connection) override
    {
        if (open_.erase(connection.id) == 0) std::abort();
    }
    [[nodiscard]] bool all_closed() const { return open_.empty(); }

private:
    std::set<std::uint64_t> open_;
};

}    // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::agent;
    auto source = capture::open_capture(capture::bytes_in_memory({data, size}), "fuzz");
    if (!source) return 0;
    CheckingSink sink;
    flow::Limits limits;
    limits.connections = 8;
    limits.dns_answers = 16;
    limits.stream_octets = 65536;
    {
        flow::FlowTable table(sink, limits);
        capture::Packet packet;
        for (int packets = 0; packets < 1000; ++packets) {
            const auto event = (*source)->next(packet);
            if (!event || *event == capture::Event::end) break;
            table.on_packet(packet);
            if (packets % 7 == 6) table.flush(dl::Timestamp{std::chrono::microseconds(packet.time_ns / 1000)});
        }
        table.finish();
    }
    if (!sink.all_closed()) std::abort();
    return 0;
}
