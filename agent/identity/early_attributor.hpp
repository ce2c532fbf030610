// Asks whose a connection is at the moment its first packet leaves, on a thread of its own, and keeps the answer until
// the capture, whose packets come later and in blocks, asks for it.
#pragma once

#include "agent/capture/first_packets.hpp"
#include "agent/identity/system_attributor.hpp"

#include <cstdint>
#include <memory>

namespace dl::agent::identity {

struct EarlyCounters {
    std::uint64_t asked = 0;         ///< first packets that were asked about
    std::uint64_t kept = 0;          ///< answers that named a user
    std::uint64_t in_time = 0;       ///< questions of the capture that were answered from what was kept
    std::uint64_t too_late = 0;      ///< questions that had to be asked of the system then
    std::uint64_t missed = 0;        ///< first packets that found no room
    std::uint64_t recorded = 0;      ///< answered whole from the kernel's records (agent/owners)
    std::uint64_t no_process = 0;    ///< kept answers for which no program was found in the end
};

class EarlyAttributor : public Attributor {
public:
    [[nodiscard]] virtual EarlyCounters counters() const = 0;
};

/// Two threads: one asks the kernel for the socket the moment a first packet leaves, the other which program it is.
[[nodiscard]] std::unique_ptr<EarlyAttributor> create_early_attributor(std::unique_ptr<SystemAttributor> system,
                                                                       capture::FirstPackets first_packets);

}    // namespace dl::agent::identity
