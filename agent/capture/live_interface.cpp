#include "agent/capture/live_interface.hpp"

#include "agent/capture/kernel_filter.hpp"
#include "agent/capture/packet_ring.hpp"
#include "agent/dissect/link.hpp"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace dl::agent::capture {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto block_patience = 200ms;
constexpr auto look_for_interface_every = 1s;
constexpr std::size_t sll_octets = 16;

bool is_all(const std::string& interface) { return interface.empty() || interface == "any"; }

ifreq request_about(const std::string& interface)
{
    ifreq request{};
    std::strncpy(request.ifr_name, interface.c_str(), sizeof request.ifr_name - 1);
    return request;
}

/// The link type of frames with their link header, where the dissector knows it; else packets are taken without.
std::optional<std::uint32_t> framed_link_type(const std::string& interface)
{
    const OwnedDescriptor probe(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request = request_about(interface);
    if (probe.get() < 0 || ::ioctl(probe.get(), SIOCGIFHWADDR, &request) != 0) return std::nullopt;
    switch (request.ifr_hwaddr.sa_family) {
        case ARPHRD_ETHER:
        case ARPHRD_LOOPBACK: return dissect::link::ethernet;
        case ARPHRD_IEEE80211: return dissect::link::ieee80211;
        case ARPHRD_IEEE80211_RADIOTAP: return dissect::link::ieee80211_radiotap;
        default: return std::nullopt;
    }
}

Result<std::vector<sock_filter>> compiled(const std::string& text, std::uint32_t link_type, std::uint32_t snap_length)
{
    const int dlt = link_type == dissect::link::linux_sll ? DLT_RAW : static_cast<int>(link_type);
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> nowhere(pcap_open_dead(dlt, static_cast<int>(snap_length)),
                                                                 &pcap_close);
    bpf_program program{};
    if (pcap_compile(nowhere.get(), &program, text.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
        return invalid_input(fmt::format("filter '{}': {}; see pcap-filter(7)", text, pcap_geterr(nowhere.get())));
    std::vector<sock_filter> steps;
    for (unsigned at = 0; at < program.bf_len; ++at) {
        const bpf_insn& step = program.bf_insns[at];
        steps.push_back({step.code, step.jt, step.jf, step.k});
    }
    pcap_freecode(&program);
    return steps;
}

class LiveInterface final : public PacketSource {
public:
    LiveInterface(PacketRing ring, const LiveOptions& options, std::uint32_t link_type)
        : ring_(std::move(ring)),
          interface_(is_all(options.interface) ? std::string() : options.interface),
          link_type_(link_type),
          promiscuous_(options.promiscuous),
          drops_loopback_copies_(options.view == LiveOptions::View::everything || !options.filter.empty()),
          timeout_(options.timeout)
    {}

    /// errno tells why not.
    bool listen()
    {
        bound_to_ = interface_.empty() ? 0 : index_of(ring_.socket(), interface_);
        if (bound_to_ == 0 && !interface_.empty()) return false;
        if (!listen_on(ring_.socket(), bound_to_)) {
            bound_to_ = 0;
            return false;
        }
        if (promiscuous_ && bound_to_ != 0) {
            packet_mreq wish{};
            wish.mr_ifindex = bound_to_;
            wish.mr_type = PACKET_MR_PROMISC;
            ::setsockopt(ring_.socket(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &wish, sizeof wish);
        }
        return true;
    }

    Result<Event> next(Packet& packet) override
    {
        if (take(packet)) return Event::packet;
        if (ring_.wait(timeout_)) {
            if (take(packet)) return Event::packet;
        }
        look_for_interface();
        return Event::idle;
    }

    Statistics statistics() const override
    {
        const auto counts = ring_.counts();
        return {counts.received, counts.dropped};
    }

    bool absent() const override { return !interface_.empty() && bound_to_ == 0; }

private:
    bool take(Packet& packet)
    {
        PacketRing::Frame frame;
        while (ring_.next(frame)) {
            // Loopback shows each packet twice, going out and coming in.
            if (drops_loopback_copies_ && frame.about->sll_pkttype == PACKET_OUTGOING &&
                frame.about->sll_hatype == ARPHRD_LOOPBACK)
                continue;
            packet.time_ns = frame.time_ns;
            packet.link_type = link_type_;
            packet.interface = static_cast<std::uint32_t>(frame.about->sll_ifindex);
            packet.original_length = frame.original_length;
            packet.bytes = frame.bytes;
            if (link_type_ == dissect::link::linux_sll) {
                // LINUX_SLL: direction, kind of link, address and, last, the protocol; written before the packet.
                std::uint8_t* head = frame.bytes.data() - sll_octets;
                std::memset(head, 0, sll_octets);
                head[1] = frame.about->sll_pkttype;
                std::memcpy(head + 14, &frame.about->sll_protocol, 2);
                packet.bytes = {head, frame.bytes.size() + sll_octets};
                packet.original_length += static_cast<std::uint32_t>(sll_octets);
            }
            return true;
        }
        return false;
    }

    /// An interface that went away has another number when it comes back.
    void look_for_interface()
    {
        if (interface_.empty()) return;
        const auto now = Steady::now();
        if (now < look_next_) return;
        look_next_ = now + look_for_interface_every;
        const int index = index_of(ring_.socket(), interface_);
        if (index == 0)
            bound_to_ = 0;
        else if (index != bound_to_)
            listen();
    }

    mutable PacketRing ring_;    // asking the kernel for its counts empties them there
    std::string interface_;      ///< empty: all
    std::uint32_t link_type_;
    bool promiscuous_;
    bool drops_loopback_copies_;
    std::chrono::milliseconds timeout_;
    int bound_to_ = 0;
    Steady::time_point look_next_{};
};

Result<std::unique_ptr<PacketSource>> open_here(const LiveOptions& options)
{
    const bool endpoint = options.view == LiveOptions::View::endpoint && options.filter.empty();
    std::uint32_t link_type = dissect::link::linux_sll;
    if (!endpoint && !is_all(options.interface)) link_type = framed_link_type(options.interface).value_or(link_type);
    const bool framed = link_type != dissect::link::linux_sll;

    auto socket = make_packet_socket(framed ? SOCK_RAW : SOCK_DGRAM);
    if (!socket) {
        Failure why = socket.error();
        why.message = fmt::format("{}: {}", options.interface, why.message);
        return why;
    }
    std::vector<sock_filter> filter;
    if (!options.filter.empty()) {
        auto text = compiled(options.filter, link_type, options.snap_length);
        if (!text) return text.error();
        filter = std::move(*text);
    } else if (endpoint) {
        filter = endpoint_filter();
    } else {
        filter = {{BPF_RET | BPF_K, 0, 0, options.snap_length}};
    }
    if (const auto attached = attach_filter(socket->get(), filter); !attached) return attached.error();
    auto ring = PacketRing::open(std::move(*socket), endpoint ? options.buffer_octets / 4 : options.buffer_octets,
                                 block_patience);
    if (!ring) return ring.error();
    auto source = std::make_unique<LiveInterface>(std::move(*ring), options, link_type);
    if (!source->listen() && options.absent == LiveOptions::Absent::fail)
        return errno == ENODEV
                   ? not_found(fmt::format("{}: no such interface; `ip link` lists those there are", options.interface))
                   : unavailable(fmt::format("{}: can't be watched ({}); check that it exists and is up",
                                             options.interface, std::strerror(errno)));
    return std::unique_ptr<PacketSource>(std::move(source));
}

}    // namespace

Result<std::unique_ptr<PacketSource>> open_live_interface(const LiveOptions& options)
{
    std::optional<std::filesystem::path> netns;
    if (!options.network_namespace.empty()) {
        const bool is_path = options.network_namespace.find('/') != std::string::npos;
        netns = is_path ? options.network_namespace : "/run/netns/" + options.network_namespace;
    }
    std::unique_ptr<PacketSource> opened;
    const auto done = in_network_namespace(netns, [&]() -> Result<void> {
        auto here = open_here(options);
        if (!here) return here.error();
        opened = std::move(*here);
        return {};
    });
    if (!done) return done.error();
    return opened;
}

}    // namespace dl::agent::capture
