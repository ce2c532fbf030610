#include "tests/traffic/recording_check.hpp"

#include "tests/traffic/sockets.hpp"

#include <fmt/format.h>

#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

namespace dl::traffic {
namespace {

constexpr std::size_t ethernet_header = 14;
constexpr std::uint16_t dns_port = 53;

struct Ends {
    std::uint8_t protocol = 0;
    std::uint32_t client = 0, server = 0;              // network byte order
    std::uint16_t client_port = 0, server_port = 0;    // host byte order

    auto operator<=>(const Ends&) const = default;
};

struct Sum {
    std::uint64_t connections = 0, up = 0, down = 0;

    friend bool operator==(const Sum&, const Sum&) = default;
};

/// The octets of one direction of TCP that were seen, by their place after the SYN.
class Stream {
public:
    /// False where it is the SYN that was seen before.
    bool begin(std::uint32_t sequence)
    {
        if (begun_ && sequence == first_) return false;
        finish();
        begun_ = true;
        first_ = sequence;
        return true;
    }
    void add(std::uint32_t sequence, std::uint32_t size)
    {
        const std::uint32_t from = sequence - first_;
        if (size > 0) parts_.emplace_back(from, from + size);
    }
    std::uint64_t finish()
    {
        std::sort(parts_.begin(), parts_.end());
        std::uint32_t until = 0;
        for (const auto& [from, to] : parts_) {
            if (to > until) seen_ += to - std::max(from, until);
            until = std::max(until, to);
        }
        parts_.clear();
        return seen_;
    }

private:
    bool begun_ = false;
    std::uint32_t first_ = 0;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> parts_;
    std::uint64_t seen_ = 0;
};

struct Seen {
    Sum sum;
    Stream up, down;
};

class Recording {
public:
    Recording(const std::filesystem::path& file, std::map<Ends, Sum> made) : made_(std::move(made))
    {
        char reason[PCAP_ERRBUF_SIZE] = {};
        pcap_t* handle = pcap_open_offline(file.c_str(), reason);
        if (handle == nullptr) throw std::runtime_error(fmt::format("{}: {}", file.string(), reason));
        pcap_pkthdr* header = nullptr;
        const u_char* bytes = nullptr;
        int got = 0;
        while ((got = pcap_next_ex(handle, &header, &bytes)) == 1)
            look_at(bytes, header->caplen);
        const std::string end = got == PCAP_ERROR ? pcap_geterr(handle) : "";
        pcap_close(handle);
        if (!end.empty()) throw std::runtime_error(fmt::format("{}: {}", file.string(), end));
    }
    Sum held(const Ends& ends)
    {
        Seen& seen = seen_[ends];
        Sum sum = seen.sum;
        sum.up += seen.up.finish();
        sum.down += seen.down.finish();
        return sum;
    }
    [[nodiscard]] const std::map<Ends, Sum>& made() const { return made_; }

private:
    void look_at(const u_char* bytes, std::size_t size)
    {
        iphdr ip{};
        if (size < ethernet_header + sizeof ip) return;
        std::memcpy(&ip, bytes + ethernet_header, sizeof ip);
        const std::size_t transport = ethernet_header + ip.ihl * 4U;
        const std::size_t end = ethernet_header + ntohs(ip.tot_len);
        if (end > size) return;
        if (ip.protocol == IPPROTO_UDP && transport + sizeof(udphdr) <= end) {
            udphdr udp{};
            std::memcpy(&udp, bytes + transport, sizeof udp);
            const auto [seen, up] = find(ip, ntohs(udp.source), ntohs(udp.dest));
            if (seen == nullptr) return;
            (up ? seen->sum.up : seen->sum.down) += end - transport - sizeof udp;
        } else if (ip.protocol == IPPROTO_TCP && transport + sizeof(tcphdr) <= end) {
            tcphdr tcp{};
            std::memcpy(&tcp, bytes + transport, sizeof tcp);
            const auto [seen, up] = find(ip, ntohs(tcp.source), ntohs(tcp.dest));
            if (seen == nullptr) return;
            Stream& stream = up ? seen->up : seen->down;
            const std::uint32_t sequence = ntohl(tcp.seq);
            if (tcp.syn != 0 && stream.begin(sequence) && up) ++seen->sum.connections;
            stream.add(sequence, static_cast<std::uint32_t>(end - transport - tcp.doff * 4U));
        }
    }
    /// Only of what was made; with whether the client sent it.
    std::pair<Seen*, bool> find(const iphdr& ip, std::uint16_t from, std::uint16_t to)
    {
        const Ends up{ip.protocol, ip.saddr, ip.daddr, from, to};
        if (made_.contains(up)) return {&seen_[up], true};
        const Ends down{ip.protocol, ip.daddr, ip.saddr, to, from};
        if (made_.contains(down)) return {&seen_[down], false};
        return {nullptr, false};
    }

    std::map<Ends, Sum> made_;
    std::map<Ends, Seen> seen_;
};

std::uint32_t number_of(const std::string& address) { return address_of(address, 0).sin_addr.s_addr; }

}    // namespace

std::string difference(const std::filesystem::path& capture, const Scenario& scenario, const std::vector<Made>& made)
{
    std::map<Ends, Sum> sums;
    std::map<Ends, const Made*> one_of;
    for (const Made& one : made) {
        const Visit& visit = scenario.visits[one.visit];
        const bool tcp = !one.question && transport_of(visit.how) == "tcp";
        const Ends ends{static_cast<std::uint8_t>(tcp ? IPPROTO_TCP : IPPROTO_UDP), number_of(one.client),
                        number_of(one.question ? resolver_address : scenario.addresses.at(visit.host)),
                        one.counted.client_port, one.question ? dns_port : visit.port};
        Sum& sum = sums[ends];
        sum.connections += tcp ? 1 : 0;
        sum.up += one.counted.up;
        sum.down += one.counted.down;
        one_of[ends] = &one;
    }
    Recording recording{capture, std::move(sums)};
    std::size_t differing = 0;
    std::string first;
    for (const auto& [ends, wanted] : recording.made()) {
        const Sum held = recording.held(ends);
        if (held == wanted || ++differing > 1) continue;
        const Made& one = *one_of.at(ends);
        first = fmt::format("{} of e{} to {}{} from port {}: {} connections, {} octets up, {} down of {}, {}, {}",
                            to_iso_date(one.day), one.person, scenario.visits[one.visit].host,
                            one.question ? " (question)" : "", ends.client_port, held.connections, held.up, held.down,
                            wanted.connections, wanted.up, wanted.down);
    }
    return differing == 0
               ? ""
               : fmt::format("{}: {} of {} connections and questions are not recorded as the sockets counted "
                             "them; the first: {}",
                             capture.string(), differing, recording.made().size(), first);
}

}    // namespace dl::traffic
