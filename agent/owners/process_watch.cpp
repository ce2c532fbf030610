#include "agent/owners/process_watch.hpp"

#include "agent/identity/process_search.hpp"
#include "agent/owners/message.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace dl::agent::owners {
namespace {

constexpr std::size_t most_peers = 8;
constexpr int patience_ms = 500;

sockaddr_un address_of(const std::filesystem::path& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

bool somebody_answers(const sockaddr_un& address)
{
    const int probe = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (probe < 0) return false;
    const bool answered = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    return answered;
}

bool admits(const Admission& admission, int peer)
{
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return false;
    std::ifstream file(fmt::format("/proc/{}/cgroup", credentials.pid));
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return is_admitted(admission, credentials.uid, text);
}

bool hand_over(int peer, const RecordsOffer& offer)
{
    auto octets = encode(offer.state);
    iovec part{octets.data(), octets.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> beside{};
    if (offer.state == Records::on) {
        message.msg_control = beside.data();
        message.msg_controllen = beside.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(2 * sizeof(int));
        std::memcpy(CMSG_DATA(header), &offer.by_ends, sizeof(int));
        std::memcpy(CMSG_DATA(header) + sizeof(int), &offer.by_cookie, sizeof(int));
    }
    return ::sendmsg(peer, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(octets.size());
}

/// False: the peer is gone, or said something that is no question.
bool answer_one(int peer, identity::ProcessSearch& search, const RecordsOffer& offer)
{
    std::array<std::uint8_t, question_octets + 1> octets{};
    const ssize_t got = ::recv(peer, octets.data(), octets.size(), MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (is_records_request({octets.data(), static_cast<std::size_t>(got)})) return hand_over(peer, offer);
    const auto question = decode_question({octets.data(), static_cast<std::size_t>(got)});
    if (!question) return false;
    identity::SocketOwner owner;
    owner.inode = question->inode;
    owner.uid = question->uid;
    const auto answer = encode(Answer{question->sequence, search.find(owner)});
    return ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
           static_cast<ssize_t>(answer.size());
}

}    // namespace

bool is_admitted(const Admission& admission, uid_t user, std::string_view cgroup_file)
{
    if (std::find(admission.users.begin(), admission.users.end(), user) != admission.users.end()) return true;
    if (admission.cgroup.empty()) return false;
    while (!cgroup_file.empty()) {
        const auto end = cgroup_file.find('\n');
        std::string_view line = cgroup_file.substr(0, end);
        cgroup_file = end == std::string_view::npos ? std::string_view() : cgroup_file.substr(end + 1);
        // Only the unified hierarchy: "0::/path" (cgroups(7)).
        if (line.starts_with("0::") && line.substr(3) == admission.cgroup) return true;
    }
    return false;
}

Result<ProcessWatch> ProcessWatch::open(const std::filesystem::path& path, Admission admission)
{
    if (path.native().size() >= sizeof(sockaddr_un::sun_path))
        return invalid_input(fmt::format("{}: is too long for a Unix socket; choose a shorter path", path.string()));
    const sockaddr_un address = address_of(path);
    if (somebody_answers(address))
        return unavailable(fmt::format("{}: another process answers there; stop it first", path.string()));
    ::unlink(path.c_str());
    const int listener = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) return unavailable(fmt::format("no Unix socket can be made: {}", std::strerror(errno)));
    ProcessWatch watch(listener, path, std::move(admission));
    // Anybody may connect, since the agent's user is made anew at each start (DynamicUser); who is answered is decided
    // by what the kernel says of the peer.
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(path.c_str(), 0666) != 0 || ::listen(listener, 8) != 0)
        return unavailable(
            fmt::format("{}: can't be listened on: {}; check the folder", path.string(), std::strerror(errno)));
    return watch;
}

ProcessWatch::ProcessWatch(int listener, std::filesystem::path socket, Admission admission)
    : listener_(listener), socket_(std::move(socket)), admission_(std::move(admission))
{}

ProcessWatch::ProcessWatch(ProcessWatch&& other) noexcept
    : listener_(std::exchange(other.listener_, -1)),
      socket_(std::move(other.socket_)),
      admission_(std::move(other.admission_))
{}

ProcessWatch::~ProcessWatch()
{
    if (listener_ < 0) return;
    ::close(listener_);
    ::unlink(socket_.c_str());
}

Result<void> ProcessWatch::serve(const std::atomic<bool>& stop, const RecordsOffer& offer)
{
    identity::ProcessSearch search;
    std::vector<pollfd> waiting{{listener_, POLLIN, 0}};
    const auto leave = [&](std::size_t peer) {
        ::close(waiting[peer].fd);
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(peer));
    };
    Result<void> end;
    while (!stop) {
        const int ready = ::poll(waiting.data(), waiting.size(), patience_ms);
        if (ready < 0 && errno != EINTR) {
            end = unavailable(fmt::format("{}: can't be waited on: {}", socket_.string(), std::strerror(errno)));
            break;
        }
        if (ready <= 0) continue;
        for (std::size_t at = waiting.size() - 1; at > 0; --at)
            if (waiting[at].revents != 0 && !answer_one(waiting[at].fd, search, offer)) leave(at);
        if (waiting[0].revents == 0) continue;
        const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (peer < 0) continue;
        if (waiting.size() > most_peers || !admits(admission_, peer))
            ::close(peer);
        else
            waiting.push_back({peer, POLLIN, 0});
    }
    while (waiting.size() > 1)
        leave(waiting.size() - 1);
    return end;
}

}    // namespace dl::agent::owners
