#include "agent/capture/live_interface.hpp"

#include "agent/dissect/link.hpp"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <thread>
#include <unistd.h>

namespace dl::agent::capture {
namespace {

struct ClosePcap {
    void operator()(pcap_t* handle) const { pcap_close(handle); }
};
using Handle = std::unique_ptr<pcap_t, ClosePcap>;

class LiveInterface final : public PacketSource {
public:
    LiveInterface(Handle handle, std::uint32_t link_type, bool nanoseconds, std::string name,
                  std::chrono::milliseconds timeout)
        : handle_(std::move(handle)),
          link_type_(link_type),
          fraction_(nanoseconds ? 1 : 1000),
          name_(std::move(name)),
          timeout_(timeout)
    {}

    Result<Event> next(Packet& packet) override
    {
        for (int attempt = 0; attempt < 2; ++attempt) {
            pcap_pkthdr* header = nullptr;
            const unsigned char* bytes = nullptr;
            const int got = pcap_next_ex(handle_.get(), &header, &bytes);
            if (got == 1) {
                packet.time_ns = header->ts.tv_sec * std::int64_t{1'000'000'000} + header->ts.tv_usec * fraction_;
                packet.link_type = link_type_;
                packet.original_length = header->len;
                packet.bytes = {bytes, header->caplen};
                return Event::packet;
            }
            if (got == PCAP_ERROR_BREAK) return Event::end;
            if (got < 0)
                return io_failure(fmt::format("{}: capture ended ({}); check that the interface is up", name_,
                                              pcap_geterr(handle_.get())));
            if (attempt == 1) break;
            pollfd waiting{pcap_get_selectable_fd(handle_.get()), POLLIN, 0};
            if (::poll(&waiting, 1, static_cast<int>(timeout_.count())) == 0) break;
        }
        return Event::idle;
    }

    Statistics statistics() const override
    {
        pcap_stat counted{};
        if (pcap_stats(handle_.get(), &counted) != 0) return {};
        return {counted.ps_recv, std::uint64_t{counted.ps_drop} + counted.ps_ifdrop};
    }

private:
    Handle handle_;
    std::uint32_t link_type_;
    std::int64_t fraction_;
    std::string name_;
    std::chrono::milliseconds timeout_;
};

/// What files call a link type that libpcap names by its own number.
std::uint32_t link_type_of(int dlt)
{
    return dlt == DLT_RAW ? static_cast<std::uint32_t>(dissect::link::raw) : static_cast<std::uint32_t>(dlt);
}

Failure refused(const LiveOptions& options, int code, pcap_t* handle)
{
    const std::string detail = pcap_geterr(handle);
    const std::string what = detail.empty() ? pcap_statustostr(code) : detail;
    if (code == PCAP_ERROR_PERM_DENIED || code == PCAP_ERROR_PROMISC_PERM_DENIED)
        return denied(fmt::format("{}: may not be watched ({}); run as root or give the program CAP_NET_RAW",
                                  options.interface, what));
    if (code == PCAP_ERROR_NO_SUCH_DEVICE)
        return not_found(fmt::format("{}: no such interface; `ip link` lists those there are", options.interface));
    return unavailable(
        fmt::format("{}: can't be watched ({}); check that it exists and is up", options.interface, what));
}

Result<std::unique_ptr<PacketSource>> open_here(const LiveOptions& options)
{
    std::array<char, PCAP_ERRBUF_SIZE> problem{};
    Handle handle(pcap_create(options.interface.c_str(), problem.data()));
    if (!handle)
        return unavailable(fmt::format("{}: {}; check the name with `ip link`", options.interface, problem.data()));
    pcap_set_snaplen(handle.get(), options.snap_length);
    pcap_set_promisc(handle.get(), options.promiscuous ? 1 : 0);
    pcap_set_timeout(handle.get(), static_cast<int>(options.timeout.count()));
    pcap_set_immediate_mode(handle.get(), 0);    // blocks of packets, at most one timeout late
    pcap_set_buffer_size(handle.get(), options.buffer_octets);
    const bool nanoseconds = pcap_set_tstamp_precision(handle.get(), PCAP_TSTAMP_PRECISION_NANO) == 0;
    if (const int code = pcap_activate(handle.get()); code < 0) return refused(options, code, handle.get());
    if (pcap_setnonblock(handle.get(), 1, problem.data()) != 0)
        return io_failure(
            fmt::format("{}: can't be read without blocking ({}); report this", options.interface, problem.data()));
    if (!options.filter.empty()) {
        bpf_program program{};
        if (pcap_compile(handle.get(), &program, options.filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
            return invalid_input(
                fmt::format("filter '{}': {}; see pcap-filter(7)", options.filter, pcap_geterr(handle.get())));
        const int set = pcap_setfilter(handle.get(), &program);
        pcap_freecode(&program);
        if (set != 0)
            return io_failure(fmt::format("{}: the filter was refused ({}); simplify it", options.interface,
                                          pcap_geterr(handle.get())));
    }
    const std::uint32_t link_type = link_type_of(pcap_datalink(handle.get()));
    if (!dissect::link::is_known(link_type))
        return invalid_input(fmt::format("{}: link type {} ({}) is not known; watch another interface",
                                         options.interface, link_type, dissect::link::name_of(link_type)));
    std::unique_ptr<PacketSource> source =
        std::make_unique<LiveInterface>(std::move(handle), link_type, nanoseconds, options.interface, options.timeout);
    return source;
}

/// A thread that ends right after enters the namespace; the socket that it opens stays there.
Result<std::unique_ptr<PacketSource>> open_there(const LiveOptions& options)
{
    const bool is_path = options.network_namespace.find('/') != std::string::npos;
    const std::string path = is_path ? options.network_namespace : "/run/netns/" + options.network_namespace;
    const int place = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (place < 0)
        return not_found(
            fmt::format("network namespace {}: {}; `ip netns` lists those there are", path, std::strerror(errno)));
    std::optional<Result<std::unique_ptr<PacketSource>>> opened;
    std::thread([&] {
        if (::setns(place, CLONE_NEWNET) != 0)
            opened = Result<std::unique_ptr<PacketSource>>(denied(
                fmt::format("network namespace {}: can't be entered ({}); run as root", path, std::strerror(errno))));
        else
            opened = open_here(options);
    }).join();
    ::close(place);
    return std::move(*opened);
}

}    // namespace

Result<std::unique_ptr<PacketSource>> open_live_interface(const LiveOptions& options)
{
    return options.network_namespace.empty() ? open_here(options) : open_there(options);
}

}    // namespace dl::agent::capture
