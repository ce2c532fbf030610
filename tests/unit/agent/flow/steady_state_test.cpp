// Packets of connections whose names are known cost no allocation. Sanitizers count in ways of their own: there the
// test says that it did not look.
#include "agent/capture/capture_file.hpp"
#include "tests/unit/agent/flow/flow_tables.hpp"
#include "tests/unit/agent/quic_bytes.hpp"

#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DAYLIGHT_COUNTS_ALLOCATIONS 0
#else
#define DAYLIGHT_COUNTS_ALLOCATIONS 1
#endif

namespace {

thread_local std::uint64_t allocations = 0;

}    // namespace

#if DAYLIGHT_COUNTS_ALLOCATIONS
void* operator new(std::size_t size)
{
    ++allocations;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace dl::agent::flow {
namespace {

/// Adds up and keeps nothing.
class Adding final : public SightingSink {
public:
    void opened(const Connection&) override {}
    void used(const Connection&, const Usage& usage) override { octets += usage.bytes_up + usage.bytes_down; }
    void closed(const Connection&) override {}
    std::uint64_t octets = 0;
};

Data file_of(const std::vector<Data>& frames)
{
    Data file = octets({0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4}) + zeros(8) + u32(65535) + u32(1);
    std::uint64_t micros = 0;
    for (const Data& frame : frames) {
        micros += 100;
        file = std::move(file) + u32(1'700'000'000 + micros / 1'000'000) + u32(micros % 1'000'000) + u32(frame.size()) +
               u32(frame.size()) + frame;
    }
    return file;
}

TEST(SteadyState, PacketsOfKnownConnectionsAllocateNothing)
{
    if (!DAYLIGHT_COUNTS_ALLOCATIONS) GTEST_SKIP() << "a sanitizer counts allocations here";
    constexpr int connections = 50;
    const Data hello = records(client_hello("a-name-longer-than-a-short-string.example"));
    const Data initial = quic_initial(1, 0, crypto_frame(0, client_hello("another-long-name-over-quic.example")));
    const auto end = [](int i) { return Host{client.address, static_cast<std::uint16_t>(2000 + i)}; };
    std::vector<Data> frames;
    for (int i = 0; i < connections; ++i) {
        frames.push_back(tcp_frame(end(i), server(443), 100, 0, 2));
        frames.push_back(tcp_frame(server(443), end(i), 500, 101, 18));
        frames.push_back(tcp_frame(end(i), server(443), 101, 501, 24, hello));
        frames.push_back(udp_frame(end(i), server(443), initial));
        frames.push_back(udp_frame(server(443), end(i), octets({0xc0, 0, 0, 0, 1, 0, 0, 0}) + zeros(1200)));
        frames.push_back(udp_frame(end(i), server(443), octets({0x41}) + zeros(60)));
    }
    const std::size_t opening = frames.size();
    std::uint32_t down = 501;
    const auto up = static_cast<std::uint32_t>(101 + hello.size());
    constexpr int rounds = 100;
    for (int round = 0; round < rounds; ++round, down += 1000)
        for (int i = 0; i < connections; ++i) {
            frames.push_back(tcp_frame(server(443), end(i), down, up, 24, zeros(1000)));
            frames.push_back(tcp_frame(end(i), server(443), up, down + 1000, 16));
            frames.push_back(udp_frame(server(443), end(i), octets({0x42}) + zeros(1199)));
            frames.push_back(udp_frame(end(i), server(443), octets({0x41}) + zeros(30)));
        }
    const Data file = file_of(frames);
    auto source = capture::open_capture(capture::bytes_in_memory(file), "test");
    ASSERT_TRUE(source);
    Adding sink;
    FlowTable table(sink);
    capture::Packet packet;
    std::uint64_t before = 0;
    for (std::size_t count = 0;; ++count) {
        if (count == opening) before = allocations;
        const auto event = (*source)->next(packet);
        ASSERT_TRUE(event);
        if (*event == capture::Event::end) break;
        table.on_packet(packet);
        if (count % 1000 == 999) table.flush(Timestamp{std::chrono::microseconds(packet.time_ns / 1000)});
    }
    EXPECT_EQ(allocations - before, 0U);
    EXPECT_GT(before, 0U);    // the count works
    table.finish();
    EXPECT_EQ(sink.octets,
              std::uint64_t{connections} * (hello.size() + initial.size() + 1208 + 61 + rounds * (1000 + 1200 + 31)));
}

}    // namespace
}    // namespace dl::agent::flow
