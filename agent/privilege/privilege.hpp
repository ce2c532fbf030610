// Giving up what the agent does not need any more: called when the capture and netlink sockets are open, before the
// first byte of a stranger is parsed and before any thread is started. Never undone.
#pragma once

#include "shared/base/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace dl::agent::privilege {

/// Started as root, the process becomes the owner of its data directory where that is somebody else; the files in it
/// become his. Nothing happens where the owner is root or the caller is not.
[[nodiscard]] Result<void> become_owner_of(const std::filesystem::path& data_directory);

/// Drops every capability from every set, the bounding set too where that is allowed (capabilities(7)), and forbids
/// gaining any by execve (PR_SET_NO_NEW_PRIVS).
[[nodiscard]] Result<void> drop_capabilities();

/// Allows the system calls that SQLite, OpenSSL, Asio and libpcap's reading need, and answers EPERM to all others
/// (seccomp(2)); threads started later inherit it. A denied call is remembered, see denied_calls().
[[nodiscard]] Result<void> confine_system_calls();

/// Which system calls were denied to this process so far, and how often.
[[nodiscard]] std::map<std::string, std::uint64_t> denied_calls();

}    // namespace dl::agent::privilege
