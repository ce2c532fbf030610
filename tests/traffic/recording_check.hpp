// Holds a recording against what the sockets counted: a capture that lacks something is no truth to measure others by.
#pragma once

#include "tests/traffic/truth.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace dl::traffic {

/// Reads the capture file (Ethernet, IPv4) and compares each connection and DNS question that was made with what the
/// file holds between the same ends: connections by their SYN (RFC 9293), payload octets of both directions, those
/// sent twice once. Empty where all is there; else how much differs, and of the first what. Throws std::runtime_error
/// where the file can't be read.
[[nodiscard]] std::string difference(const std::filesystem::path& capture, const Scenario& scenario,
                                     const std::vector<Made>& made);

}    // namespace dl::traffic
