// One QUIC v1 connection (RFC 9000, RFC 9001) by ngtcp2 and GnuTLS, either end. It reads datagrams that it is given and
// writes those that it wants sent; sockets and waiting are its owner's.
#pragma once

#include "tests/traffic/exchange.hpp"

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace dl::traffic {

/// What both ends need of TLS: the server's certificate, made once.
class QuicCredentials {
public:
    enum class End { client, server };
    explicit QuicCredentials(End end);
    ~QuicCredentials();
    QuicCredentials(const QuicCredentials&) = delete;
    QuicCredentials& operator=(const QuicCredentials&) = delete;
    [[nodiscard]] gnutls_certificate_credentials_t get() const { return credentials_; }

private:
    gnutls_certificate_credentials_t credentials_ = nullptr;
};

class QuicSession {
public:
    using Send = std::function<void(std::span<const std::uint8_t>)>;

    /// The client's end: asks for the order on the first stream.
    QuicSession(const QuicCredentials& credentials, const sockaddr_in& local, const sockaddr_in& remote,
                const std::string& host, const Order& order, std::uint32_t hello_padding, Send send);
    /// The server's end, made from the first Initial; fulfils the order that comes.
    QuicSession(const QuicCredentials& credentials, const sockaddr_in& local, const sockaddr_in& remote,
                const ngtcp2_pkt_hd& initial, Send send);
    ~QuicSession();
    QuicSession(const QuicSession&) = delete;
    QuicSession& operator=(const QuicSession&) = delete;

    /// False when the connection is over (closed by the peer, or broken).
    [[nodiscard]] bool read(std::span<const std::uint8_t> datagram);
    /// Sends what is due.
    [[nodiscard]] bool write();
    /// Milliseconds until write() or on_timer() must be called; at most `limit`.
    [[nodiscard]] int wait_ms(int limit) const;
    [[nodiscard]] bool on_timer();
    /// Sends CONNECTION_CLOSE.
    void close();
    /// The client's end: everything was sent, and everything that was ordered came.
    [[nodiscard]] bool fulfilled() const { return received_ >= order_.down && sent_ >= order_.up; }

private:
    void set_up_tls(const QuicCredentials& credentials, unsigned flags);
    void received(std::span<const std::uint8_t> data);
    static int on_stream_data(ngtcp2_conn*, std::uint32_t, std::int64_t, std::uint64_t, const std::uint8_t*,
                              std::size_t, void*, void*);

    Send send_;
    bool client_ = false;
    sockaddr_in local_{};
    sockaddr_in remote_{};
    std::uint32_t hello_padding_ = 0;
    gnutls_session_t tls_ = nullptr;
    ngtcp2_conn* connection_ = nullptr;
    ngtcp2_crypto_conn_ref reference_{};
    std::int64_t stream_ = -1;
    Order order_;
    std::array<std::uint8_t, Order::size>
        head_{};    // the order: what the client sends first, what the server reads first
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
    bool stream_finished_ = false;
};

}    // namespace dl::traffic
