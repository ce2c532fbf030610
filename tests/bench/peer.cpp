// peer: both ends of plain connections whose owner is told by the name that they ask for. Used by the attribution
// check.
//
//   peer serve ADDRESS PORT                      answers every request, until killed
//   peer connect ADDRESS PORT NAME COUNT HOLD_MS MODE
//        one after another: connects, asks for Host NAME, holds the connection HOLD_MS after
//        the answer (a number, or LEAST-MOST at random), closes.
//        MODE: own (all by this process) or fork (each by a process of its own)
//   The second prints one line: connections done, and the longest of them in milliseconds.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

}    // namespace

int main(int argc, char** argv)
{
    const std::string verb = argc > 1 ? argv[1] : "";
    if (verb == "serve" && argc == 4) return serve(argv[2], argv[3]);
    if (verb == "connect" && argc == 8) return connect_all(argv + 2);
    std::fputs("usage: peer serve ADDRESS PORT | peer connect ADDRESS PORT NAME COUNT HOLD_MS own|fork\n", stderr);
    return 2;
}
