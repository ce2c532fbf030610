#include "tests/traffic/quic_session.hpp"
#include "tests/traffic/sockets.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <stdexcept>

namespace dl::traffic {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int quic_buffer = 65536;
constexpr milliseconds patience{20'000};

bool readable(const Socket& socket, int wait_ms)
{
    pollfd ready{socket.fd(), POLLIN, 0};
    return poll(&ready, 1, wait_ms) == 1;
}

int rest_of(steady_clock::time_point until)
{
    return static_cast<int>(std::max<std::int64_t>(0, (until - steady_clock::now()) / milliseconds{1}));
}

// The connections of one port, known by the client's address and port: nobody migrates here.
class QuicServer {
public:
    explicit QuicServer(std::uint16_t port) : port_(port), socket_(bind_udp(port)) {}

    [[noreturn]] void run()
    {
        std::array<std::uint8_t, quic_buffer> buffer;
        for (;;) {
            int wait = 1000;
            for (const auto& [key, session] : sessions_) {
                wait = session->wait_ms(wait);
            }
            static_cast<void>(readable(socket_, wait));
            Datagram datagram;
            while (receive_datagram(socket_, buffer.data(), buffer.size(), datagram)) {
                take(datagram, {buffer.data(), datagram.size});
            }
            std::erase_if(sessions_, [](auto& entry) { return !entry.second->on_timer() || !entry.second->write(); });
        }
    }

private:
    using Key = std::pair<std::uint32_t, std::uint16_t>;

    void take(const Datagram& datagram, std::span<const std::uint8_t> bytes)
    {
        const Key key{datagram.from.sin_addr.s_addr, datagram.from.sin_port};
        auto found = sessions_.find(key);
        if (found == sessions_.end()) {
            ngtcp2_pkt_hd initial;
            if (ngtcp2_accept(&initial, bytes.data(), bytes.size()) != 0) return;
            sockaddr_in local = address_of("0.0.0.0", port_);
            local.sin_addr = datagram.to;
            const auto send = [this, datagram](std::span<const std::uint8_t> out) {
                send_datagram(socket_, out.data(), out.size(), datagram);
            };
            found =
                sessions_.emplace(key, std::make_unique<QuicSession>(credentials_, local, datagram.from, initial, send))
                    .first;
        }
        if (!found->second->read(bytes)) sessions_.erase(found);
    }

    std::uint16_t port_;
    Socket socket_;
    QuicCredentials credentials_{QuicCredentials::End::server};
    std::map<Key, std::unique_ptr<QuicSession>> sessions_;
};

}    // namespace

Counted exchange_quic(const Exchange& exchange)
{
    static const QuicCredentials credentials{QuicCredentials::End::client};
    const Visit& visit = exchange.visit;
    const auto owned = std::make_shared<Socket>(connect_udp(exchange.client, exchange.server, visit.port));
    const Socket& socket = *owned;
    Counted counted{local_port(socket), 0, 0, owned};
    const auto send = [&socket, &counted](std::span<const std::uint8_t> out) {
        if (::send(socket.fd(), out.data(), out.size(), 0) < 0) fail("send a QUIC packet");
        counted.up += out.size();
    };
    QuicSession session{credentials,
                        address_of(exchange.client, counted.client_port),
                        address_of(exchange.server, visit.port),
                        visit.host,
                        Order{visit.up, visit.down},
                        visit.hello_padding,
                        send};
    std::array<std::uint8_t, quic_buffer> buffer;
    const auto receive = [&socket, &counted, &buffer]() -> std::span<const std::uint8_t> {
        const ssize_t got = recv(socket.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got <= 0) return {};
        counted.down += static_cast<std::uint64_t>(got);
        return {buffer.data(), static_cast<std::size_t>(got)};
    };

    // Until the order is fulfilled, then as long as the connection is to stay open.
    auto until = steady_clock::now() + patience;
    bool holding = false;
    while (steady_clock::now() < until) {
        if (!session.write()) throw std::runtime_error(fmt::format("QUIC with {}: broken while sending", visit.host));
        if (!holding && session.fulfilled()) {
            holding = true;
            until = steady_clock::now() + exchange.hold + milliseconds{20};    // so that the last ACK goes out
        }
        static_cast<void>(readable(socket, session.wait_ms(rest_of(until))));
        for (auto datagram = receive(); !datagram.empty(); datagram = receive()) {
            if (!session.read(datagram))
                throw std::runtime_error(fmt::format("QUIC with {}: broken by the peer", visit.host));
        }
        if (!session.on_timer()) throw std::runtime_error(fmt::format("QUIC with {}: timed out", visit.host));
    }
    if (!holding) throw std::runtime_error(fmt::format("QUIC with {}: nothing came for 20 s", visit.host));

    session.close();
    return counted;
}

void count_late(Counted& counted)
{
    std::array<std::uint8_t, quic_buffer> buffer;
    for (ssize_t got = 0;
         counted.late && (got = recv(counted.late->fd(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;) {
        counted.down += static_cast<std::uint64_t>(got);
    }
    counted.late.reset();
}

void serve_quic(std::uint16_t port) { QuicServer{port}.run(); }

}    // namespace dl::traffic
