// DNS over UDP (RFC 1035): a stub resolver's question, and a responder that knows the scenario's names. Answers carry
// the CNAME where there is one, then the address.
#include "tests/traffic/exchange.hpp"
#include "tests/traffic/sockets.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <random>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace dl::traffic {
namespace {

constexpr std::uint16_t dns_port = 53;
constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_aaaa = 28;
constexpr std::size_t header_size = 12;

using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& out, unsigned value)
{
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

void put_name(Bytes& out, std::string_view name)
{
    while (!name.empty()) {
        const std::size_t dot = std::min(name.find('.'), name.size());
        out.push_back(static_cast<std::uint8_t>(dot));
        out.insert(out.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(dot));
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    out.push_back(0);
}

// Name, type and class of the first question; size 0 where there is none.
struct Question {
    std::string name;
    std::uint16_t type = 0;
    std::size_t size = 0;
};
Question read_question(std::span<const std::uint8_t> message)
{
    Question question;
    std::size_t at = header_size;
    while (at < message.size() && message[at] != 0) {
        const std::size_t length = message[at];
        if (length > 63 || length >= message.size() - at) return question;
        if (!question.name.empty()) question.name.push_back('.');
        question.name.append(reinterpret_cast<const char*>(message.data()) + at + 1, length);
        at += length + 1;
    }
    if (message.size() < 5 || at > message.size() - 5) return question;
    question.type = static_cast<std::uint16_t>(message[at + 1] << 8 | message[at + 2]);
    question.size = at + 5 - header_size;
    return question;
}

void put_record(Bytes& out, std::string_view owner, std::uint16_t type, const Bytes& data)
{
    put_name(out, owner);
    put16(out, type);
    put16(out, 1);
    put16(out, 0);
    put16(out, 300);    // seconds to live
    put16(out, static_cast<unsigned>(data.size()));
    out.insert(out.end(), data.begin(), data.end());
}

Bytes answer(const Scenario& scenario, std::span<const std::uint8_t> message)
{
    const Question question = read_question(message);
    if (question.size == 0) return {};
    const auto known = scenario.addresses.find(question.name);
    std::string canonical;
    for (const Visit& visit : scenario.visits) {
        if (visit.host == question.name && !visit.canonical.empty()) canonical = visit.canonical;
    }
    const bool found = known != scenario.addresses.end();
    unsigned records = 0;
    Bytes section;
    if (found && !canonical.empty()) {
        Bytes name;
        put_name(name, canonical);
        put_record(section, question.name, type_cname, name);
        ++records;
    }
    if (found && question.type == type_a) {
        const in_addr address = address_of(known->second, 0).sin_addr;
        const auto* octets = reinterpret_cast<const std::uint8_t*>(&address);
        put_record(section, canonical.empty() ? question.name : canonical, type_a, Bytes(octets, octets + 4));
        ++records;
    }
    Bytes out{message[0], message[1], 0x81,
              static_cast<std::uint8_t>(found ? 0x80 : 0x83)};    // response; NXDOMAIN is 3
    put16(out, 1);
    put16(out, records);
    put16(out, 0);
    put16(out, 0);
    out.insert(out.end(), message.begin() + header_size,
               message.begin() + header_size + static_cast<std::ptrdiff_t>(question.size));
    out.insert(out.end(), section.begin(), section.end());
    return out;
}

}    // namespace

Counted exchange_dns(const Exchange& exchange)
{
    static thread_local std::mt19937 random{std::random_device{}()};
    const Socket socket = connect_udp(exchange.client, exchange.server, dns_port);
    Counted counted{local_port(socket), 0, 0, {}};
    for (const std::uint16_t type : {type_a, type_aaaa}) {
        Bytes question;
        put16(question, static_cast<unsigned>(random() & 0xffff));
        put16(question, 0x0100);    // recursion desired
        put16(question, 1);
        put16(question, 0);
        put16(question, 0);
        put16(question, 0);
        put_name(question, exchange.visit.host);
        put16(question, type);
        put16(question, 1);
        std::array<std::uint8_t, 1500> reply;
        ssize_t got = -1;
        for (int attempt = 0; attempt < 5 && got < 0; ++attempt) {
            if (send(socket.fd(), question.data(), question.size(), 0) < 0) fail("send a DNS question");
            counted.up += question.size();
            pollfd ready{socket.fd(), POLLIN, 0};
            if (poll(&ready, 1, 2000) == 1) got = recv(socket.fd(), reply.data(), reply.size(), 0);
        }
        if (got < 12) throw std::runtime_error("the resolver does not answer for " + exchange.visit.host);
        counted.down += static_cast<std::uint64_t>(got);
    }
    return counted;
}

void serve_dns(const Scenario& scenario)
{
    const Socket socket = bind_udp(dns_port);
    std::array<std::uint8_t, 1500> buffer;
    for (;;) {
        pollfd ready{socket.fd(), POLLIN, 0};
        poll(&ready, 1, -1);
        Datagram datagram;
        while (receive_datagram(socket, buffer.data(), buffer.size(), datagram)) {
            if (datagram.size < header_size) continue;
            const Bytes reply = answer(scenario, {buffer.data(), datagram.size});
            if (!reply.empty()) send_datagram(socket, reply.data(), reply.size(), datagram);
        }
    }
}

}    // namespace dl::traffic
