// Finds the process behind a socket in /proc without looking through all of it for each question: sockets that were
// seen on the way are remembered, then come the processes that opened sockets last, then those that are new, then the
// same user's, then the rest until the time for one question is over.
#pragma once

#include "agent/identity/process_finder.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace dl::agent::identity {

class ProcessSearch final : public ProcessFinder {
public:
    struct Counters {
        std::uint64_t questions = 0;
        std::uint64_t answered = 0;
        std::uint64_t given_up = 0;    ///< the time for one question was over
        std::uint64_t links = 0;       ///< descriptors looked at
    };

    explicit ProcessSearch(std::filesystem::path proc = "/proc",
                           std::chrono::microseconds patience = std::chrono::microseconds(1500));

    [[nodiscard]] std::optional<Process> find(const SocketOwner& owner) override;
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    using Moment = std::chrono::steady_clock::time_point;
    struct Holder {
        pid_t pid = 0;
        int descriptor = 0;    ///< where a socket was found last: the next one is likely near
    };
    enum class Look { found, not_there, closed };

    std::optional<Process> search(std::uint32_t inode, std::uint32_t uid);
    Look look_into(pid_t pid, std::uint32_t inode);
    std::uint32_t inode_at(int folder, const char* descriptor);
    void remember(std::uint32_t inode, pid_t pid);
    void held_by(pid_t pid, int descriptor);
    [[nodiscard]] std::string name_of(pid_t pid) const;

    std::filesystem::path proc_;
    std::chrono::microseconds patience_;
    std::unordered_map<std::uint32_t, Process> sockets_;
    std::deque<std::uint32_t> sockets_by_age_;
    std::vector<Holder> holders_;            ///< most recent first
    std::unordered_set<pid_t> listed_;       ///< at the last look at all of /proc
    std::deque<std::uint32_t> not_found_;    ///< the last few, not to be looked for again
    Moment closed_until_{};                  ///< nothing of others may be read here: no use in trying
    Counters counters_;
};

}    // namespace dl::agent::identity
