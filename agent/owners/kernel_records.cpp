#include "agent/owners/kernel_records.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dl::agent::owners {
namespace {

/// BPF_MAP_LOOKUP_ELEM: the only command of bpf(2) that the agent's system-call filter lets through.
bool look_up(int table, const void* key, void* value)
{
    bpf_attr attributes{};
    attributes.map_fd = static_cast<std::uint32_t>(table);
    attributes.key = reinterpret_cast<std::uint64_t>(key);
    attributes.value = reinterpret_cast<std::uint64_t>(value);
    return ::syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attributes, sizeof attributes) == 0;
}

void put(const Address& address, __u8 (&to)[16])
{
    if (address.family == Address::Family::v4) {
        to[10] = to[11] = 0xff;
        std::memcpy(to + 12, address.bytes.data(), 4);
    } else {
        std::memcpy(to, address.bytes.data(), sizeof to);
    }
}

std::uint64_t since_boot_ns()
{
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

}    // namespace

std::optional<dl_connection_ends> ends_of(const flow::Connection& connection, std::uint64_t netns)
{
    if (connection.transport == Transport::other) return std::nullopt;
    dl_connection_ends ends{};
    ends.netns = netns;
    if (connection.transport == Transport::tcp) put(connection.client.address, ends.local);
    put(connection.server.address, ends.remote);
    ends.local_port = connection.client.port;
    ends.remote_port = connection.server.port;
    ends.transport = static_cast<__u32>(connection.transport);
    return ends;
}

bool is_of_that_time(const dl_connection_record& record, Timestamp opened, Timestamp now, std::uint64_t boot_now_ns)
{
    using std::chrono::nanoseconds;
    const auto ago = [&](std::uint64_t moment) { return nanoseconds(static_cast<std::int64_t>(boot_now_ns - moment)); };
    const nanoseconds opened_ago = now - opened;
    return opened_ago <= ago(record.begun) + record_slack &&
           opened_ago >= ago(std::max<std::uint64_t>(record.begun, record.ended)) - record_slack;
}

identity::Origin origin_in(const dl_connection_record& record)
{
    const std::size_t length = ::strnlen(record.name, sizeof record.name);
    return {record.uid, record.cgroup, {static_cast<pid_t>(record.pid), std::string(record.name, length)}};
}

KernelRecords::~KernelRecords() { adopt(-1, -1); }

void KernelRecords::adopt(int by_ends, int by_cookie)
{
    const std::lock_guard lock(mutex_);
    for (const int old : {by_ends_, by_cookie_})
        if (old >= 0) ::close(old);
    by_ends_ = by_ends;
    by_cookie_ = by_cookie;
}

bool KernelRecords::are_there() const
{
    const std::lock_guard lock(mutex_);
    return by_ends_ >= 0;
}

std::optional<identity::Origin> KernelRecords::find(const flow::Connection& connection, std::uint64_t netns) const
{
    const auto ends = ends_of(connection, netns);
    dl_connection_record record{};
    {
        const std::lock_guard lock(mutex_);
        if (by_ends_ < 0 || !ends || !look_up(by_ends_, &*ends, &record)) return std::nullopt;
    }
    if (!is_of_that_time(record, connection.opened, SystemClock().now(), since_boot_ns())) return std::nullopt;
    return origin_in(record);
}

std::optional<identity::Origin> KernelRecords::find(std::uint64_t socket_cookie) const
{
    dl_connection_record record{};
    const std::lock_guard lock(mutex_);
    if (by_cookie_ < 0 || socket_cookie == 0 || !look_up(by_cookie_, &socket_cookie, &record)) return std::nullopt;
    return origin_in(record);
}

Result<void> can_read_table(int table)
{
    const dl_connection_ends nobody{};    // as long as the longest key
    dl_connection_record record{};
    if (look_up(table, &nobody, &record) || errno == ENOENT) return {};
    return denied(fmt::format("the kernel's table can't be read without privilege: {}; this needs Linux 5.19 or newer",
                              std::strerror(errno)));
}

}    // namespace dl::agent::owners
