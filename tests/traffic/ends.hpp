// The two ends of the made-up world: the internet with all its servers, and one device with its employees.
#pragma once

#include "tests/traffic/scenario.hpp"

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace dl::traffic {

/// Serves every host of the scenario on wildcard sockets, prints "ready" when all listen, and ends when its standard
/// input does or a signal comes.
int run_internet(const Scenario& scenario);

struct DeviceRun {
    std::string device;
    std::string interface = "eth0";
    Day today{};
    enum class Days { earlier, today } days = Days::today;
    std::filesystem::path capture;       ///< empty: nothing is recorded
    std::filesystem::path identities;    ///< empty: not written
    std::filesystem::path truth;
    std::chrono::milliseconds hold{};
    unsigned connections_at_once = 16;    ///< of each employee
};
/// What was recorded is not all that passed: the run is good for nothing, another one may be.
struct RecordIncomplete : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// Makes the visits of the device's employees, each in a process of its own under the employee's user id. Throws
/// RecordIncomplete where the capture does not hold what the sockets counted.
int run_device(const Scenario& scenario, const DeviceRun& run);

/// Segments and checksums as they go over a wire: without it a veth pair carries 64 KiB packets.
void turn_off_offloads(const std::string& interface);

}    // namespace dl::traffic
