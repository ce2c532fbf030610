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

struct Offer {
    Records state = Records::not_asked_for;
    int by_ends = -1;    ///< the receiver's from now on
    int by_cookie = -1;
};

/// Asks for the kernel's records; nothing where no answer comes within the patience.
std::optional<Offer> ask_for_records(int peer, std::chrono::milliseconds patience)
{
    const auto request = records_request();
    if (::send(peer, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
        return std::nullopt;
    pollfd waiting{peer, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) != 1) return std::nullopt;
    std::array<std::uint8_t, reply_octets + 1> octets{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> beside{};
    iovec part{octets.data(), octets.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = beside.data();
    message.msg_controllen = beside.size();
    const ssize_t got = ::recvmsg(peer, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) return std::nullopt;
    Offer offer;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(2 * sizeof(int))) {
        std::memcpy(&offer.by_ends, CMSG_DATA(header), sizeof(int));
        std::memcpy(&offer.by_cookie, CMSG_DATA(header) + sizeof(int), sizeof(int));
    }
    const auto state = decode_records({octets.data(), static_cast<std::size_t>(got)});
    if (state) offer.state = *state;
    if (state && (*state == Records::on) == (offer.by_ends >= 0)) return offer;
    for (const int descriptor : {offer.by_ends, offer.by_cookie})
        if (descriptor >= 0) ::close(descriptor);
    return std::nullopt;
}

}    // namespace

RemoteProcesses::RemoteProcesses(std::filesystem::path socket, Waits waits) : socket_(std::move(socket)), waits_(waits)
{}

RemoteProcesses::~RemoteProcesses() { leave(); }

void RemoteProcesses::leave()
{
    in_vain_ = 0;
    records_.adopt(-1, -1);
    if (peer_ >= 0) ::close(std::exchange(peer_, -1));
}

bool RemoteProcesses::connect()
{
    if (peer_ >= 0) return true;
    const auto now = std::chrono::steady_clock::now();
    if (now < connect_next_) return false;
    connect_next_ = now + waits_.pause;
    peer_ = connect_to(socket_);
    if (peer_ < 0) return false;
    const auto offer = ask_for_records(peer_, waits_.patience);
    if (!offer)
        leave();
    else
        records_.adopt(offer->by_ends, offer->by_cookie);
    return peer_ >= 0;
}

std::optional<identity::Origin> RemoteProcesses::origin_of(const flow::Connection& connection, std::uint64_t netns)
{
    return records_.find(connection, netns);
}

std::optional<identity::Process> RemoteProcesses::recorded(const identity::SocketOwner& owner)
{
    auto origin = records_.find(owner.cookie);
    if (!origin) return std::nullopt;
    return std::move(origin->process);
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

Result<Records> probe(const std::filesystem::path& socket)
{
    const int peer = connect_to(socket);
    if (peer < 0) return unavailable(fmt::format("{}: nobody answers ({})", socket.string(), std::strerror(errno)));
    const auto offer = ask_for_records(peer, std::chrono::milliseconds(500));
    ::close(peer);
    if (!offer) return denied(fmt::format("{}: does not answer this user", socket.string()));
    for (const int descriptor : {offer->by_ends, offer->by_cookie})
        if (descriptor >= 0) ::close(descriptor);
    return offer->state;
}

}    // namespace dl::agent::owners
