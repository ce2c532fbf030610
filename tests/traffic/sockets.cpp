#include "tests/traffic/sockets.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace dl::traffic {
namespace {

constexpr int patience_s = 30;

const sockaddr* generic(const sockaddr_in* address) { return reinterpret_cast<const sockaddr*>(address); }

Socket open_socket(int type, bool patient)
{
    Socket socket{::socket(AF_INET, type | SOCK_CLOEXEC, 0)};
    if (socket.fd() < 0) fail("socket");
    if (patient) {
        const timeval patience{patience_s, 0};
        setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    }
    return socket;
}

Socket connect_from(int type, const std::string& client, const std::string& server, std::uint16_t port, int segment)
{
    Socket socket = open_socket(type, true);
    if (segment > 0 && setsockopt(socket.fd(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment) != 0)
        fail("TCP_MAXSEG");
    const int one = 1;
    // The port is chosen at connect, by the whole 4-tuple: far more connections fit.
    setsockopt(socket.fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    const sockaddr_in local = address_of(client, 0);
    if (bind(socket.fd(), generic(&local), sizeof local) != 0) fail(fmt::format("bind to {}", client));
    const sockaddr_in remote = address_of(server, port);
    if (connect(socket.fd(), generic(&remote), sizeof remote) != 0) fail(fmt::format("connect to {}:{}", server, port));
    return socket;
}

}    // namespace

Socket::~Socket()
{
    if (fd_ >= 0) close(fd_);
}

void fail(const std::string& what) { throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno))); }

sockaddr_in address_of(const std::string& address, std::uint16_t port)
{
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    if (inet_pton(AF_INET, address.c_str(), &out.sin_addr) != 1)
        throw std::runtime_error(address + " is no IPv4 address");
    return out;
}

std::string text_of(const sockaddr_in& address)
{
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return text;
}

Socket connect_tcp(const std::string& client, const std::string& server, std::uint16_t port, int segment)
{
    Socket socket = connect_from(SOCK_STREAM, client, server, port, segment);
    const int one = 1;
    setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return socket;
}

Socket connect_udp(const std::string& client, const std::string& server, std::uint16_t port)
{
    return connect_from(SOCK_DGRAM, client, server, port, 0);
}

Socket listen_tcp(std::uint16_t port)
{
    Socket socket = open_socket(SOCK_STREAM, false);
    const int one = 1;
    setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    const sockaddr_in any = address_of("0.0.0.0", port);
    if (bind(socket.fd(), generic(&any), sizeof any) != 0 || listen(socket.fd(), 4096) != 0)
        fail(fmt::format("listen on TCP {}", port));
    return socket;
}

Socket bind_udp(std::uint16_t port)
{
    Socket socket = open_socket(SOCK_DGRAM, false);
    const int one = 1;
    const int buffer = 8 << 20;
    setsockopt(socket.fd(), IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
    setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    const sockaddr_in any = address_of("0.0.0.0", port);
    if (bind(socket.fd(), generic(&any), sizeof any) != 0) fail(fmt::format("bind UDP {}", port));
    return socket;
}

std::uint16_t local_port(const Socket& socket)
{
    sockaddr_in local{};
    socklen_t size = sizeof local;
    if (getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&local), &size) != 0) fail("getsockname");
    return ntohs(local.sin_port);
}

bool receive_datagram(const Socket& socket, std::uint8_t* buffer, std::size_t capacity, Datagram& datagram)
{
    iovec part{buffer, capacity};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))] = {};
    msghdr message{};
    message.msg_name = &datagram.from;
    message.msg_namelen = sizeof datagram.from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(socket.fd(), &message, MSG_DONTWAIT);
    if (got < 0) return false;
    datagram.size = static_cast<std::size_t>(got);
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(header), sizeof info);
            datagram.to = info.ipi_addr;
        }
    }
    return true;
}

void send_datagram(const Socket& socket, const std::uint8_t* bytes, std::size_t size, const Datagram& in_answer_to)
{
    iovec part{const_cast<std::uint8_t*>(bytes), size};
    sockaddr_in to = in_answer_to.from;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))] = {};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    info.ipi_spec_dst = in_answer_to.to;
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    static_cast<void>(sendmsg(socket.fd(), &message, 0));
}

void write_all(const Socket& socket, const void* bytes, std::size_t size)
{
    const char* at = static_cast<const char*>(bytes);
    while (size > 0) {
        const ssize_t sent = send(socket.fd(), at, size, MSG_NOSIGNAL);
        if (sent <= 0) fail("send");
        at += sent;
        size -= static_cast<std::size_t>(sent);
    }
}

bool read_all(const Socket& socket, void* bytes, std::size_t size)
{
    char* at = static_cast<char*>(bytes);
    const std::size_t wanted = size;
    while (size > 0) {
        const ssize_t got = recv(socket.fd(), at, size, 0);
        if (got < 0) fail("recv");
        if (got == 0) {
            if (size == wanted) return false;
            throw std::runtime_error("the peer closed in the middle");
        }
        at += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

}    // namespace dl::traffic
