#include "agent/identity/process_search.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <string_view>

namespace dl::agent::identity {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_sockets = 8192;
constexpr std::size_t most_holders = 64;
constexpr std::size_t most_not_found = 64;
constexpr std::size_t most_descriptors = 4096;    // of one process
constexpr int near_by = 8;
constexpr auto pause_where_closed = 5s;

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

template <typename Number>
std::optional<Number> whole_number(std::string_view text)
{
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// The inode in "socket:[12345]"; 0 for other links.
std::uint32_t socket_inode(std::string_view link)
{
    constexpr std::string_view prefix = "socket:[";
    if (!link.starts_with(prefix) || !link.ends_with("]")) return 0;
    link.remove_prefix(prefix.size());
    link.remove_suffix(1);
    return whole_number<std::uint32_t>(link).value_or(0);
}

std::string link_target(const char* link)
{
    std::array<char, 4096> target{};
    const ssize_t size = ::readlink(link, target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

}    // namespace

ProcessSearch::ProcessSearch(std::filesystem::path proc, std::chrono::microseconds patience)
    : proc_(std::move(proc)), patience_(patience)
{}

std::optional<Process> ProcessSearch::find(const SocketOwner& owner)
{
    if (owner.inode == 0) return std::nullopt;
    ++counters_.questions;
    if (const auto known = sockets_.find(owner.inode); known != sockets_.end()) {
        ++counters_.answered;
        return known->second;
    }
    if (std::find(not_found_.begin(), not_found_.end(), owner.inode) != not_found_.end()) return std::nullopt;
    const std::uint64_t given_up = counters_.given_up;
    auto found = search(owner.inode, owner.uid);
    if (found) {
        ++counters_.answered;
    } else if (counters_.given_up == given_up) {    // all of it was looked through
        not_found_.push_back(owner.inode);
        if (not_found_.size() > most_not_found) not_found_.pop_front();
    }
    return found;
}

std::optional<Process> ProcessSearch::search(std::uint32_t inode, std::uint32_t uid)
{
    const Moment begun = std::chrono::steady_clock::now();
    if (begun < closed_until_) return std::nullopt;
    const auto answer = [&]() -> std::optional<Process> {
        const auto known = sockets_.find(inode);
        if (known == sockets_.end()) return std::nullopt;
        return known->second;
    };
    const std::vector<Holder> recent = holders_;
    for (const Holder& holder : recent)
        if (look_into(holder.pid, inode) == Look::found) return answer();

    const Folder processes(::opendir(proc_.c_str()));
    if (!processes) return std::nullopt;
    struct Candidate {
        int rank = 0;
        pid_t pid = 0;
    };
    std::vector<Candidate> candidates;
    std::unordered_set<pid_t> listed;
    while (const dirent* entry = ::readdir(processes.get())) {
        const auto pid = whole_number<pid_t>(entry->d_name);
        if (!pid) continue;
        listed.insert(*pid);
        const bool is_new = !listed_.empty() && !listed_.contains(*pid);
        int rank = 0;
        if (!is_new) {
            struct stat status {};
            const bool same =
                ::fstatat(::dirfd(processes.get()), entry->d_name, &status, 0) == 0 && status.st_uid == uid;
            rank = same ? 1 : 2;
        }
        candidates.push_back({rank, *pid});
    }
    listed_ = std::move(listed);
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
        return a.rank != b.rank ? a.rank < b.rank : a.pid > b.pid;
    });
    bool any_open = false;
    for (const Candidate& candidate : candidates) {
        const Look look = look_into(candidate.pid, inode);
        if (look == Look::found) return answer();
        any_open = any_open || (look == Look::not_there && candidate.pid != ::getpid());
        if (std::chrono::steady_clock::now() - begun > patience_) {
            ++counters_.given_up;
            return std::nullopt;
        }
    }
    if (!any_open) closed_until_ = std::chrono::steady_clock::now() + pause_where_closed;
    return std::nullopt;
}

std::uint32_t ProcessSearch::inode_at(int folder, const char* descriptor)
{
    ++counters_.links;
    std::array<char, 64> link{};
    const ssize_t size = ::readlinkat(folder, descriptor, link.data(), link.size());
    return size > 0 ? socket_inode({link.data(), static_cast<std::size_t>(size)}) : 0;
}

ProcessSearch::Look ProcessSearch::look_into(pid_t pid, std::uint32_t inode)
{
    const Folder descriptors(::opendir((proc_ / std::to_string(pid) / "fd").c_str()));
    if (!descriptors) return Look::closed;
    const int folder = ::dirfd(descriptors.get());
    const auto hit = [&](std::uint32_t here, int descriptor) {
        if (here != inode) return false;
        remember(here, pid);
        held_by(pid, descriptor);
        return true;
    };
    const auto known = std::find_if(holders_.begin(), holders_.end(), [&](const Holder& h) { return h.pid == pid; });
    if (known != holders_.end()) {
        const int middle = known->descriptor;
        for (int at = std::max(0, middle - near_by); at <= middle + near_by; ++at)
            if (hit(inode_at(folder, std::to_string(at).c_str()), at)) return Look::found;
    }
    std::size_t looked = 0;
    bool empty = true;
    while (const dirent* entry = ::readdir(descriptors.get())) {
        const auto descriptor = whole_number<int>(entry->d_name);
        if (!descriptor) continue;
        empty = false;
        if (hit(inode_at(folder, entry->d_name), *descriptor)) return Look::found;
        if (++looked == most_descriptors) break;
    }
    return empty ? Look::closed : Look::not_there;
}

void ProcessSearch::remember(std::uint32_t inode, pid_t pid)
{
    if (!sockets_.emplace(inode, Process{pid, name_of(pid)}).second) return;
    sockets_by_age_.push_back(inode);
    if (sockets_by_age_.size() <= most_sockets) return;
    sockets_.erase(sockets_by_age_.front());
    sockets_by_age_.pop_front();
}

void ProcessSearch::held_by(pid_t pid, int descriptor)
{
    std::erase_if(holders_, [&](const Holder& holder) { return holder.pid == pid; });
    holders_.insert(holders_.begin(), {pid, descriptor});
    if (holders_.size() > most_holders) holders_.pop_back();
}

std::string ProcessSearch::name_of(pid_t pid) const
{
    const auto folder = proc_ / std::to_string(pid);
    std::string name = link_target((folder / "exe").c_str());
    constexpr std::string_view replaced = " (deleted)";    // by an upgrade, while it runs
    if (name.ends_with(replaced)) name.erase(name.size() - replaced.size());
    name.erase(0, name.rfind('/') + 1);
    if (!name.empty()) return name;
    std::ifstream comm(folder / "comm");
    std::getline(comm, name);
    return name;
}

}    // namespace dl::agent::identity
