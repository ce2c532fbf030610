// Asks the process watch (process_watch.hpp) which program holds a socket.
#pragma once

#include "agent/identity/process_finder.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>

namespace dl::agent::owners {

class RemoteProcesses final : public identity::ProcessFinder {
public:
    /// Connects when first asked, and again at most every `pause` after the watch went away or refused.
    explicit RemoteProcesses(std::filesystem::path socket, std::chrono::milliseconds pause = std::chrono::seconds(5));
    ~RemoteProcesses() override;
    RemoteProcesses(const RemoteProcesses&) = delete;
    RemoteProcesses& operator=(const RemoteProcesses&) = delete;

    /// Waits for an answer for at most 100 ms; where three in a row don't come, the watch counts as away.
    [[nodiscard]] std::optional<identity::Process> find(const identity::SocketOwner& owner) override;
    [[nodiscard]] bool connected() const { return peer_ >= 0; }

private:
    bool connect();
    void leave();

    std::filesystem::path socket_;
    std::chrono::milliseconds pause_;
    std::chrono::steady_clock::time_point connect_next_{};
    int peer_ = -1;
    int in_vain_ = 0;    ///< answers in a row that did not come in time
    std::uint32_t sequence_ = 0;
};

/// Whether a process watch answers there, to this process: nothing, or what is wrong.
[[nodiscard]] Result<void> probe(const std::filesystem::path& socket);

}    // namespace dl::agent::owners
