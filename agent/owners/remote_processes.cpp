#include "agent/owners/remote_processes.hpp"

#include "agent/owners/message.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace dl::agent::owners {
namespace {

constexpr int most_in_vain = 3;

/// -1 where nobody listens.
int connect_to(const std::filesystem::path& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof address.sun_path) return -1;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const int peer = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (peer < 0) return -1;
    if (::connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return peer;
    const int why = errno;
    ::close(peer);
    errno = why;
    return -1;
}

}    // namespace

RemoteProcesses::RemoteProcesses(std::filesystem::path socket, Waits waits) : socket_(std::move(socket)), waits_(waits)
{}

RemoteProcesses::~RemoteProcesses() { leave(); }

void RemoteProcesses::leave()
{
    in_vain_ = 0;
    if (peer_ >= 0) ::close(std::exchange(peer_, -1));
}

bool RemoteProcesses::connect()
{
    if (peer_ >= 0) return true;
    const auto now = std::chrono::steady_clock::now();
    if (now < connect_next_) return false;
    connect_next_ = now + waits_.pause;
    peer_ = connect_to(socket_);
    return peer_ >= 0;
}

std::optional<identity::Process> RemoteProcesses::find(const identity::SocketOwner& owner)
{
    if (owner.inode == 0 || !connect()) return std::nullopt;
    const auto question = encode(Question{++sequence_, owner.inode, owner.uid});
    if (::send(peer_, question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size())) {
        leave();
        return std::nullopt;
    }
    const auto until = std::chrono::steady_clock::now() + waits_.patience;
    while (true) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
        if (left <= 0) {    // its answer, when it comes, is told from others by its number
            if (++in_vain_ == most_in_vain) leave();
            return std::nullopt;
        }
        pollfd waiting{peer_, POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(left)) <= 0) continue;
        std::array<std::uint8_t, answer_octets + 1> octets{};
        const ssize_t got = ::recv(peer_, octets.data(), octets.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        const auto answer = got <= 0 ? std::nullopt : decode_answer({octets.data(), static_cast<std::size_t>(got)});
        if (!answer) {
            leave();
            return std::nullopt;
        }
        in_vain_ = 0;
        if (answer->sequence == sequence_) return answer->process;
    }
}

Result<void> probe(const std::filesystem::path& socket)
{
    const int peer = connect_to(socket);
    if (peer < 0) return unavailable(fmt::format("{}: nobody answers ({})", socket.string(), std::strerror(errno)));
    const auto question = encode(Question{1, 1, 0});
    const bool asked = ::send(peer, question.data(), question.size(), MSG_NOSIGNAL) > 0;
    std::array<std::uint8_t, answer_octets> octets{};
    pollfd waiting{peer, POLLIN, 0};
    const bool answered = asked && ::poll(&waiting, 1, 500) == 1 && ::recv(peer, octets.data(), octets.size(), 0) > 0;
    ::close(peer);
    if (!answered) return denied(fmt::format("{}: does not answer this user", socket.string()));
    return {};
}

}    // namespace dl::agent::owners
