// Plain HTTP/1.1 (RFC 9112), and TCP whose bytes name nobody.
#include "tests/traffic/exchange.hpp"
#include "tests/traffic/sockets.hpp"

#include <fmt/format.h>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>

namespace dl::traffic {
namespace {

void write_zeros(const Socket& socket, std::size_t size)
{
    while (size > 0) {
        const std::size_t part = std::min(size, zeros_size);
        write_all(socket, zeros(), part);
        size -= part;
    }
}

void read_away(const Socket& socket, std::size_t size)
{
    std::array<char, 16384> buffer;
    while (size > 0) {
        const std::size_t part = std::min(size, buffer.size());
        if (!read_all(socket, buffer.data(), part)) throw std::runtime_error("the peer closed too early");
        size -= part;
    }
}

// Says that nothing more comes, and waits until the other end says so too: then both have everything.
void part_ways(const Socket& socket)
{
    shutdown(socket.fd(), SHUT_WR);
    char octet = 0;
    if (read_all(socket, &octet, 1)) throw std::runtime_error("more came than was ordered");
}

std::string read_head(const Socket& socket)
{
    std::string head;
    char octet = 0;
    while (!head.ends_with("\r\n\r\n")) {
        if (head.size() > 8192 || !read_all(socket, &octet, 1)) throw std::runtime_error("no HTTP head came");
        head.push_back(octet);
    }
    return head;
}

std::size_t number_after(std::string_view head, std::string_view name)
{
    const auto at = head.find(name);
    std::size_t number = 0;
    if (at != std::string_view::npos)
        std::from_chars(head.data() + at + name.size(), head.data() + head.size(), number);
    return number;
}

template <class Serve>
void accept_forever(std::uint16_t port, Serve serve)
{
    const Socket listener = listen_tcp(port);
    for (;;) {
        const int fd = accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) continue;
        std::thread([fd, serve] {
            const Socket socket{fd};
            try {
                serve(socket);
            } catch (const std::exception& problem) {
                fmt::print(stderr, "daylight-traffic internet: {}\n", problem.what());
            }
        }).detach();
    }
}

}    // namespace

Counted exchange_http(const Exchange& exchange)
{
    const Visit& visit = exchange.visit;
    const Socket socket = connect_tcp(exchange.client, exchange.server, visit.port, 0);
    Counted counted{local_port(socket), 0, 0, {}};
    const std::string head =
        fmt::format("POST /{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: daylight-traffic\r\nContent-Length: {}\r\n\r\n",
                    visit.down, visit.host, visit.up);
    write_all(socket, head.data(), head.size());
    write_zeros(socket, visit.up);
    const std::string reply = read_head(socket);
    const std::size_t body = number_after(reply, "Content-Length: ");
    read_away(socket, body);
    std::this_thread::sleep_for(exchange.hold);
    part_ways(socket);
    counted.up = head.size() + visit.up;
    counted.down = reply.size() + body;
    return counted;
}

void serve_http(std::uint16_t port)
{
    accept_forever(port, [](const Socket& socket) {
        const std::string head = read_head(socket);
        read_away(socket, number_after(head, "Content-Length: "));
        const std::size_t down = number_after(head, "POST /");
        const std::string reply = fmt::format(
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n", down);
        write_all(socket, reply.data(), reply.size());
        write_zeros(socket, down);
        part_ways(socket);
    });
}

Counted exchange_opaque(const Exchange& exchange)
{
    const Visit& visit = exchange.visit;
    const Socket socket = connect_tcp(exchange.client, exchange.server, visit.port, 0);
    std::array<std::uint8_t, Order::size> order;
    Order{visit.up, visit.down}.write(order.data());
    write_all(socket, order.data(), order.size());
    write_zeros(socket, visit.up - order.size());
    read_away(socket, visit.down);
    const std::uint16_t port = local_port(socket);
    std::this_thread::sleep_for(exchange.hold);
    part_ways(socket);
    return {port, visit.up, visit.down, {}};
}

void serve_opaque(std::uint16_t port)
{
    accept_forever(port, [](const Socket& socket) {
        std::array<std::uint8_t, Order::size> bytes;
        if (!read_all(socket, bytes.data(), bytes.size())) return;
        const Order order = Order::read(bytes.data());
        read_away(socket, order.up - bytes.size());
        write_zeros(socket, order.down);
        part_ways(socket);
    });
}

void Order::write(std::uint8_t* out) const
{
    std::memset(out, 0, size);
    std::memcpy(out, &up, sizeof up);
    std::memcpy(out + 4, &down, sizeof down);
}

Order Order::read(const std::uint8_t* in)
{
    Order order;
    std::memcpy(&order.up, in, sizeof order.up);
    std::memcpy(&order.down, in + 4, sizeof order.down);
    if (order.up < size) throw std::runtime_error("an order is shorter than itself");
    return order;
}

const std::uint8_t* zeros()
{
    static const std::array<std::uint8_t, zeros_size> block{};
    return block.data();
}

}    // namespace dl::traffic
