// The generator's own count: what the agents' and the collector's figures are held against.
#pragma once

#include "tests/traffic/exchange.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace dl::traffic {

/// One connection (or DNS question) that was made.
struct Made {
    Day day{};
    unsigned person = 0;
    std::size_t visit = 0;    ///< place in the scenario
    bool question = false;    ///< the DNS question before the visit (or all of a dns visit), not its connection
    std::string client;
    Counted counted;
};

[[nodiscard]] std::string to_line(const Made& made);
[[nodiscard]] Made parse_line(const std::string& line);

/// JSON: {"device", "unit", "rows": [{"day", "employee", "host", "canonical", "how", "transport", "server", "port",
/// "connections", "bytes_up", "bytes_down"}]}, one row per (day, employee, visit); the DNS questions before the
/// connections are rows of their own (how dns).
void write_truth(const std::filesystem::path& file, const Scenario& scenario, const Device& device,
                 const std::vector<Made>& made);
/// Whose connection was it: what stands beside a capture for the agent. TSV:
/// transport client_address client_port server_address server_port user application
void write_identities(const std::filesystem::path& file, const Scenario& scenario, const std::vector<Made>& made);

}    // namespace dl::traffic
