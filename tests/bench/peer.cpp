// peer: both ends of plain connections whose owner is told by the name that they ask for. Used by the attribution check
// and by live_bench.
//
//   peer serve ADDRESS PORT                      answers every request, until killed
//   peer connect ADDRESS PORT NAME COUNT HOLD_MS MODE
//        one after another: connects, asks for Host NAME, holds the connection HOLD_MS after
//        the answer (a number, or LEAST-MOST at random), closes.
//        MODE: own (all by this process) or fork (each by a process of its own)
//   peer ask ADDRESS PORT NAME COUNT             COUNT DNS questions for NAME, each from a socket of its own, closed
//        at once; every other socket is not connected
//   peer blast ADDRESS PORT PACKETS_A_SECOND SECONDS OCTETS
//        datagrams from 64 sockets, evenly in time; prints how many were sent and in how many seconds
//   peer fetch ADDRESS PORT NAME                 takes it; prints octets and seconds
//   peer hold ADDRESS PORT                       a UDP socket that nobody reads, until killed
//   peer download ADDRESS PORT OCTETS            serves so many octets at 1 Gbit/s to each that connects, until killed
//   `connect` prints one line: connections done, and the longest of them in milliseconds.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

sockaddr_in address_of(const char* address, const char* port)
{
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
    inet_pton(AF_INET, address, &to.sin_addr);
    return to;
}

int serve(const char* address, const char* port)
{
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const sockaddr_in at = address_of(address, port);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(listener, 1024) != 0)
        return std::perror("peer"), 1;
    const int waiting = ::epoll_create1(0);
    epoll_event event{EPOLLIN, {}};
    event.data.fd = listener;
    ::epoll_ctl(waiting, EPOLL_CTL_ADD, listener, &event);
    std::puts("serving");
    std::fflush(stdout);
    while (true) {
        std::array<epoll_event, 64> events{};
        const int ready = ::epoll_wait(waiting, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; ++i) {
            const int peer = events[static_cast<std::size_t>(i)].data.fd;
            if (peer == listener) {
                const int made = ::accept(listener, nullptr, nullptr);
                event.data.fd = made;
                if (made >= 0) ::epoll_ctl(waiting, EPOLL_CTL_ADD, made, &event);
                continue;
            }
            std::array<char, 1024> room{};
            if (::recv(peer, room.data(), room.size(), 0) <= 0) {
                ::close(peer);
                continue;
            }
            constexpr char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            (void)::send(peer, answer, sizeof answer - 1, MSG_NOSIGNAL);
        }
    }
}

bool one(const sockaddr_in& to, const std::string& request, int hold_ms)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    bool good = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    good = good && ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
    std::array<char, 1024> room{};
    good = good && ::recv(fd, room.data(), room.size(), 0) > 0;
    if (good && hold_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(hold_ms));
    ::close(fd);
    return good;
}

int blast(char** words)
{
    const sockaddr_in to = address_of(words[0], words[1]);
    const double rate = std::atof(words[2]);
    const double seconds = std::atof(words[3]);
    // One call hands the kernel a train of datagrams, which it cuts (udp(7), UDP_SEGMENT): one call a datagram is as slow
    // as the core of the sender, not as fast as the link.
    constexpr std::size_t burst = 32;
    const int octets = std::clamp(std::atoi(words[4]), 1, 2000);
    const std::vector<char> train(burst * static_cast<std::size_t>(octets));
    std::array<int, 64> sockets{};
    for (int& fd : sockets) {
        fd = ::socket(AF_INET, SOCK_DGRAM, 0);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return std::perror("peer"), 1;
        if (::setsockopt(fd, SOL_UDP, UDP_SEGMENT, &octets, sizeof octets) != 0) return std::perror("peer: UDP_SEGMENT"), 1;
    }
    const auto begun = std::chrono::steady_clock::now();
    const auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(); };
    std::uint64_t sent = 0;
    for (std::size_t turn = 0; passed() < seconds; ++turn) {
        if (::send(sockets[turn % sockets.size()], train.data(), train.size(), 0) > 0) sent += burst;
        while (static_cast<double>(sent) > rate * passed() + static_cast<double>(burst)) {
            if (static_cast<double>(sent) > rate * (passed() + 0.001))
                std::this_thread::sleep_for(std::chrono::microseconds(500));
        }
    }
    std::printf("%llu %.3f\n", static_cast<unsigned long long>(sent), passed());
    return 0;
}

int hold(const char* address, const char* port)
{
    const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
    const sockaddr_in at = address_of(address, port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return std::perror("peer"), 1;
    std::puts("holding");
    std::fflush(stdout);
    while (true)
        ::pause();
}

int download(const char* address, const char* port, const char* octets)
{
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const sockaddr_in at = address_of(address, port);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(listener, 8) != 0)
        return std::perror("peer"), 1;
    std::puts("serving");
    std::fflush(stdout);
    static std::array<char, 262144> block{};
    while (true) {
        const int peer = ::accept(listener, nullptr, nullptr);
        const unsigned bytes_a_second = 125'000'000;
        ::setsockopt(peer, SOL_SOCKET, SO_MAX_PACING_RATE, &bytes_a_second, sizeof bytes_a_second);
        std::array<char, 1024> request{};
        (void)::recv(peer, request.data(), request.size(), 0);
        for (long long left = std::atoll(octets); left > 0;) {
            const ssize_t sent = ::send(
                peer, block.data(), std::min<std::size_t>(block.size(), static_cast<std::size_t>(left)), MSG_NOSIGNAL);
            if (sent <= 0) break;
            left -= sent;
        }
        ::close(peer);
    }
}

int fetch(char** words)
{
    const sockaddr_in to = address_of(words[0], words[1]);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return std::perror("peer"), 1;
    const std::string request = std::string("GET / HTTP/1.1\r\nHost: ") + words[2] + "\r\n\r\n";
    (void)::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    static std::array<char, 262144> room{};
    const auto begun = std::chrono::steady_clock::now();
    unsigned long long octets = 0;
    for (ssize_t got = 0; (got = ::recv(fd, room.data(), room.size(), 0)) > 0;)
        octets += static_cast<unsigned long long>(got);
    std::printf("%llu %.3f\n", octets, std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    return 0;
}

int connect_all(char** words)
{
    const sockaddr_in to = address_of(words[0], words[1]);
    const std::string request = std::string("GET / HTTP/1.1\r\nHost: ") + words[2] + "\r\n\r\n";
    const int count = std::atoi(words[3]);
    const std::string hold = words[4];
    const int least_ms = std::atoi(hold.c_str());
    const int most_ms = hold.find('-') == std::string::npos ? least_ms : std::atoi(hold.c_str() + hold.find('-') + 1);
    std::minstd_rand chance(std::random_device{}());
    std::uniform_int_distribution<int> holds(least_ms, most_ms);
    const bool forks = std::string(words[5]) == "fork";
    int done = 0;
    double longest = 0;
    for (int i = 0; i < count; ++i) {
        const int hold_ms = holds(chance);
        const auto begun = std::chrono::steady_clock::now();
        if (forks) {
            const pid_t child = ::fork();
            if (child == 0) ::_exit(one(to, request, hold_ms) ? 0 : 1);
            int status = 1;
            ::waitpid(child, &status, 0);
            done += status == 0 ? 1 : 0;
        } else {
            done += one(to, request, hold_ms) ? 1 : 0;
        }
        longest = std::max(longest,
                           std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
    }
    std::printf("%d %.1f\n", done, longest);
    return done == count ? 0 : 1;
}

/// RFC 1035 section 4.1: one question, type A, recursion desired.
std::string dns_question(const std::string& name)
{
    std::string packet{"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12};
    for (std::size_t begin = 0; begin < name.size();) {
        const std::size_t end = std::min(name.find('.', begin), name.size());
        packet += static_cast<char>(end - begin);
        packet += name.substr(begin, end - begin);
        begin = end + 1;
    }
    return packet + std::string{"\x00\x00\x01\x00\x01", 5};
}

int ask(char** words)
{
    const sockaddr_in to = address_of(words[0], words[1]);
    const auto* target = reinterpret_cast<const sockaddr*>(&to);
    const std::string question = dns_question(words[2]);
    for (int i = std::atoi(words[3]); i > 0; --i) {
        const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
        const bool connects = i % 2 == 0;
        if (connects && ::connect(fd, target, sizeof to) != 0) return std::perror("peer"), 1;
        if (::sendto(fd, question.data(), question.size(), 0, connects ? nullptr : target, connects ? 0 : sizeof to) <
            0)
            return std::perror("peer"), 1;
        ::close(fd);
    }
    return 0;
}

}    // namespace

int main(int argc, char** argv)
{
    const std::string verb = argc > 1 ? argv[1] : "";
    if (verb == "serve" && argc == 4) return serve(argv[2], argv[3]);
    if (verb == "connect" && argc == 8) return connect_all(argv + 2);
    if (verb == "ask" && argc == 6) return ask(argv + 2);
    if (verb == "blast" && argc == 7) return blast(argv + 2);
    if (verb == "hold" && argc == 4) return hold(argv[2], argv[3]);
    if (verb == "download" && argc == 5) return download(argv[2], argv[3], argv[4]);
    if (verb == "fetch" && argc == 5) return fetch(argv + 2);
    std::fputs("usage: peer VERB ADDRESS PORT …; the verbs are told in the head of peer.cpp\n", stderr);
    return 2;
}
