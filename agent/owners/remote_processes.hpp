// Asks the process watch (process_watch.hpp) which program holds a socket.
#pragma once

#include "agent/identity/process_finder.hpp"
#include "agent/owners/kernel_records.hpp"
#include "agent/owners/message.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>

namespace dl::agent::owners {

class RemoteProcesses final : public identity::ProcessFinder {
public:
    /// `pause`: how long it is not asked after it went away or refused. `patience`: how long an answer is waited for.
    struct Waits {
        std::chrono::milliseconds pause = std::chrono::seconds(5);
        std::chrono::milliseconds patience{100};
    };
    explicit RemoteProcesses(std::filesystem::path socket) : RemoteProcesses(std::move(socket), Waits()) {}
    /// Connects when first asked.
    RemoteProcesses(std::filesystem::path socket, Waits waits);
    ~RemoteProcesses() override;
    RemoteProcesses(const RemoteProcesses&) = delete;
    RemoteProcesses& operator=(const RemoteProcesses&) = delete;

    /// Waits for an answer for at most the patience; where three in a row don't come, the watch counts as away.
    [[nodiscard]] std::optional<identity::Process> find(const identity::SocketOwner& owner) override;
    /// Connects, so that the kernel's records are at hand for the first connection.
    void start() override { (void)connect(); }
    [[nodiscard]] std::optional<identity::Origin> origin_of(const flow::Connection& connection,
                                                            std::uint64_t netns) override;
    [[nodiscard]] std::optional<identity::Process> recorded(const identity::SocketOwner& owner) override;
    [[nodiscard]] bool connected() const { return peer_ >= 0; }

private:
    bool connect();
    void leave();

    std::filesystem::path socket_;
    Waits waits_;
    std::chrono::steady_clock::time_point connect_next_{};
    int peer_ = -1;
    int in_vain_ = 0;    ///< answers in a row that did not come in time
    std::uint32_t sequence_ = 0;
    KernelRecords records_;
};

/// Whether a process watch answers there, to this process: what it says of the kernel's records, or what is wrong.
[[nodiscard]] Result<Records> probe(const std::filesystem::path& socket);

}    // namespace dl::agent::owners
