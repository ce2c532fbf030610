// One visit's connection, from both ends. The client's end counts what went through its own socket: TCP payload octets,
// or UDP payload octets of all its datagrams. Both ends speak for real; only the application data is made up.
#pragma once

#include "tests/traffic/scenario.hpp"
#include "tests/traffic/sockets.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace dl::traffic {

struct Exchange {
    const Visit& visit;
    std::string client;    ///< the device's address to come from
    std::string server;
    std::chrono::milliseconds hold{};    ///< stays open and silent for this long after its data
};

struct Counted {
    std::uint16_t client_port = 0;
    std::uint64_t up = 0;
    std::uint64_t down = 0;
    /// Of a QUIC connection, whose server may still have sent when the client closed: to be drained when all is quiet.
    std::shared_ptr<Socket> late;
};
/// Adds what came since to `down` and lets the socket go.
void count_late(Counted& counted);

// Each returns when its connection is closed and everything that was sent has arrived; throws std::runtime_error.
[[nodiscard]] Counted exchange_tls(const Exchange& exchange);
[[nodiscard]] Counted exchange_quic(const Exchange& exchange);
[[nodiscard]] Counted exchange_http(const Exchange& exchange);
[[nodiscard]] Counted exchange_opaque(const Exchange& exchange);
/// Asks the resolver for the visit's host: A, as a stub resolver does.
[[nodiscard]] Counted exchange_dns(const Exchange& exchange);

// The other ends. Each serves its port until the process ends.
void serve_tls(std::uint16_t port);
void serve_quic(std::uint16_t port);
void serve_http(std::uint16_t port);
void serve_opaque(std::uint16_t port);
void serve_dns(const Scenario& scenario);

/// What a client asks of tls, quic and opaque servers before its data: how much comes, how much it wants back.
struct Order {
    std::uint32_t up = 0;    ///< the order included
    std::uint32_t down = 0;

    static constexpr std::size_t size = 16;
    void write(std::uint8_t* out) const;
    [[nodiscard]] static Order read(const std::uint8_t* in);
};

/// Zeros to send: one block for everybody.
inline constexpr std::size_t zeros_size = 64 << 10;
[[nodiscard]] const std::uint8_t* zeros();

/// A fresh self-signed certificate and its key, PEM.
struct Certificate {
    std::string certificate;
    std::string key;
};
[[nodiscard]] Certificate make_certificate();

}    // namespace dl::traffic
