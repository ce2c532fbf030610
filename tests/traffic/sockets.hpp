// Blocking sockets for the generator: closed when they go out of scope, and every failure is an exception that names
// the call.
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace dl::traffic {

class Socket {
public:
    Socket() = default;
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&& other) noexcept
    {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Socket();
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_ = -1;
};

[[nodiscard]] sockaddr_in address_of(const std::string& address, std::uint16_t port);
[[nodiscard]] std::string text_of(const sockaddr_in& address);
[[noreturn]] void fail(const std::string& what);    ///< std::runtime_error with errno's text

/// A TCP connection from `client`; a `segment` above 0 bounds the payload of each of its segments.
[[nodiscard]] Socket connect_tcp(const std::string& client, const std::string& server, std::uint16_t port, int segment);
/// A UDP socket bound to `client` and connected to the server.
[[nodiscard]] Socket connect_udp(const std::string& client, const std::string& server, std::uint16_t port);
[[nodiscard]] Socket listen_tcp(std::uint16_t port);
/// Bound to every address; incoming packets tell which one they were for (IP_PKTINFO).
[[nodiscard]] Socket bind_udp(std::uint16_t port);
[[nodiscard]] std::uint16_t local_port(const Socket& socket);

/// Where a datagram came from, and which of our addresses it was for.
struct Datagram {
    sockaddr_in from{};
    in_addr to{};
    std::size_t size = 0;
};
[[nodiscard]] bool receive_datagram(const Socket& socket, std::uint8_t* buffer, std::size_t capacity,
                                    Datagram& datagram);
void send_datagram(const Socket& socket, const std::uint8_t* bytes, std::size_t size, const Datagram& in_answer_to);

void write_all(const Socket& socket, const void* bytes, std::size_t size);
/// False at the end of the stream before the first octet.
[[nodiscard]] bool read_all(const Socket& socket, void* bytes, std::size_t size);

}    // namespace dl::traffic
