#include "agent/identity/process_table.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace dl::agent::identity {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto process_pause = 200ms;
constexpr auto cgroup_pause = 5s;
constexpr std::size_t most_sockets = 65536;
constexpr std::size_t most_cgroups = 16384;

bool is_number(std::string_view text)
{
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The inode in "socket:[12345]"; 0 for other links.
std::uint32_t socket_inode(std::string_view link)
{
    constexpr std::string_view prefix = "socket:[";
    if (link.substr(0, prefix.size()) != prefix) return 0;
    std::uint32_t inode = 0;
    std::from_chars(link.data() + prefix.size(), link.data() + link.size(), inode);
    return inode;
}

bool is_unit(std::string_view name) { return name.ends_with(".service") || name.ends_with(".scope"); }

}    // namespace

std::optional<std::string> ProcessTable::program_of(std::uint32_t inode)
{
    auto known = programs_.find(inode);
    if (known == programs_.end()) {
        const Moment now = std::chrono::steady_clock::now();
        if (processes_read_ != Moment{} && now - processes_read_ < process_pause) return std::nullopt;
        processes_read_ = now;
        read_processes();
        known = programs_.find(inode);
    }
    if (known == programs_.end()) return std::nullopt;
    return known->second;
}

void ProcessTable::read_processes()
{
    programs_.clear();
    std::error_code error;
    for (fs::directory_iterator process("/proc", error), end; !error && process != end; process.increment(error)) {
        if (!is_number(process->path().filename().string())) continue;
        std::error_code closed;
        std::string name;
        fs::directory_iterator descriptor(process->path() / "fd", fs::directory_options::skip_permission_denied,
                                          closed);
        for (; !closed && descriptor != fs::directory_iterator(); descriptor.increment(closed)) {
            std::array<char, 64> link{};
            const ssize_t size = ::readlink(descriptor->path().c_str(), link.data(), link.size());
            const std::uint32_t inode = size > 0 ? socket_inode({link.data(), static_cast<std::size_t>(size)}) : 0;
            if (inode == 0) continue;
            if (name.empty()) {
                std::ifstream comm(process->path() / "comm");
                std::getline(comm, name);
                if (name.empty()) break;
            }
            if (programs_.size() < most_sockets) programs_.emplace(inode, name);
        }
    }
}

std::optional<std::string> ProcessTable::unit_of(std::uint64_t cgroup)
{
    if (cgroup == 0) return std::nullopt;
    auto known = units_.find(cgroup);
    if (known == units_.end()) {
        const Moment now = std::chrono::steady_clock::now();
        if (cgroups_read_ != Moment{} && now - cgroups_read_ < cgroup_pause) return std::nullopt;
        cgroups_read_ = now;
        read_cgroups();
        known = units_.find(cgroup);
    }
    if (known == units_.end() || known->second.empty()) return std::nullopt;
    return known->second;
}

void ProcessTable::read_cgroups()
{
    units_.clear();
    std::error_code error;
    const fs::path root = fs::exists("/sys/fs/cgroup/unified", error) ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
    for (fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error), end;
         !error && at != end; at.increment(error)) {
        std::error_code ignored;
        if (!at->is_directory(ignored) || at->is_symlink(ignored)) continue;
        if (units_.size() >= most_cgroups) return;
        struct stat status {};
        if (::stat(at->path().c_str(), &status) != 0) continue;
        std::string unit;
        for (const fs::path& part : at->path().lexically_relative(root))
            if (const std::string name = part.string(); is_unit(name)) unit = name;
        units_.emplace(status.st_ino, unit);
    }
}

}    // namespace dl::agent::identity
