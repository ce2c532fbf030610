#include "tests/traffic/recorder.hpp"

#include "tests/traffic/ends.hpp"
#include "tests/traffic/sockets.hpp"

#include <fmt/format.h>

#include <pcap/pcap.h>

#include <cstring>
#include <optional>
#include <stdexcept>

namespace dl::traffic {
namespace {

constexpr int buffer_octets = 64 << 20;
constexpr int snap_length = 262144;
constexpr std::size_t ethernet_header = 14;
constexpr auto quiet = std::chrono::milliseconds{150};    // for what is still in the kernel's buffer at the end

std::uint32_t read32(const std::uint8_t* at)
{
    std::uint32_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
}

}    // namespace

Recorder::Recorder(const std::string& interface, std::map<std::string, Day> day_of_client)
{
    for (const auto& [address, day] : day_of_client) {
        day_of_address_[address_of(address, 0).sin_addr.s_addr] = day;
    }
    char reason[PCAP_ERRBUF_SIZE] = {};
    handle_ = pcap_create(interface.c_str(), reason);
    if (handle_ == nullptr) throw std::runtime_error(fmt::format("{}: {}", interface, reason));
    pcap_set_snaplen(handle_, snap_length);
    pcap_set_buffer_size(handle_, buffer_octets);
    pcap_set_timeout(handle_, 20);
    pcap_set_tstamp_precision(handle_, PCAP_TSTAMP_PRECISION_NANO);
    if (pcap_activate(handle_) < 0 || pcap_setnonblock(handle_, 1, reason) < 0) {
        throw std::runtime_error(fmt::format("{}: {}", interface, pcap_geterr(handle_)));
    }
}

Recorder::~Recorder()
{
    stop();
    pcap_close(handle_);
}

void Recorder::start()
{
    thread_ = std::thread([this] { run(); });
}

void Recorder::stop()
{
    if (!thread_.joinable()) return;
    stopping_ = true;
    thread_.join();
    pcap_stat counters{};
    if (pcap_stats(handle_, &counters) == 0) dropped_ = counters.ps_drop;
}

void Recorder::run()
{
    // Quiet is what the buffer is found empty for, look after look: on a busy machine this thread may wait for longer
    // than that between a packet and the next look, with packets behind it.
    std::optional<std::chrono::steady_clock::time_point> empty_since;
    for (;;) {
        pcap_pkthdr* header = nullptr;
        const u_char* bytes = nullptr;
        const bool ending = stopping_;
        const int got = pcap_next_ex(handle_, &header, &bytes);
        if (got == 1) {
            empty_since.reset();
            keep(std::chrono::seconds{header->ts.tv_sec} + std::chrono::nanoseconds{header->ts.tv_usec}, header->len,
                 bytes, header->caplen);
            continue;
        }
        if (got < 0) {
            broken_ = pcap_geterr(handle_);
            return;
        }
        const auto now = std::chrono::steady_clock::now();
        if (!ending || !empty_since) empty_since = now;
        if (ending && now - *empty_since >= quiet) return;
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
}

void Recorder::keep(std::chrono::nanoseconds when, std::uint32_t length, const std::uint8_t* bytes, std::size_t size)
{
    if (started_.count() == 0) started_ = when;
    if (size < ethernet_header + 20 || bytes[12] != 0x08 || bytes[13] != 0x00) return;
    for (const std::size_t field : {ethernet_header + 12, ethernet_header + 16}) {
        const auto day = day_of_address_.find(read32(bytes + field));
        if (day == day_of_address_.end()) continue;
        packets_[day->second].push_back({when - started_, length, {bytes, bytes + size}});
        return;
    }
}

void Recorder::write(const std::filesystem::path& file, std::chrono::seconds begin) const
{
    if (!broken_.empty()) throw RecordIncomplete("recording ended early: " + broken_);
    if (dropped_ > 0) throw RecordIncomplete(fmt::format("the kernel dropped {} packets while recording", dropped_));
    pcap_t* format = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, snap_length, PCAP_TSTAMP_PRECISION_NANO);
    pcap_dumper_t* out = pcap_dump_open(format, file.c_str());
    if (out == nullptr) throw std::runtime_error(fmt::format("{}: {}", file.string(), pcap_geterr(format)));
    for (const auto& [day, packets] : packets_) {
        const auto midnight = std::chrono::duration_cast<std::chrono::seconds>(day.time_since_epoch());
        for (const Packet& packet : packets) {
            const auto whole = std::chrono::floor<std::chrono::seconds>(packet.since_start);
            pcap_pkthdr header{};
            header.ts.tv_sec = (midnight + begin + whole).count();
            header.ts.tv_usec = (packet.since_start - whole).count();
            header.caplen = static_cast<bpf_u_int32>(packet.bytes.size());
            header.len = packet.length;
            pcap_dump(reinterpret_cast<u_char*>(out), &header, packet.bytes.data());
        }
    }
    const bool written = pcap_dump_flush(out) == 0;
    pcap_dump_close(out);
    pcap_close(format);
    if (!written) throw std::runtime_error(fmt::format("{}: can't be written", file.string()));
}

}    // namespace dl::traffic
