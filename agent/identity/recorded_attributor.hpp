// Whose connection it was, from a table: recorded beside a capture file, or given by a test.
#pragma once

#include "agent/identity/attributor.hpp"

#include "shared/base/failure.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace dl::agent::identity {

/// One connection of the table. Where a 5-tuple occurs several times, its rows stand for its connections in the order
/// in which they opened; the last one stands for all that follow.
struct RecordedConnection {
    Transport transport = Transport::tcp;
    Endpoint client;
    Endpoint server;
    Identity identity;
};

[[nodiscard]] std::unique_ptr<Attributor> create_memory_attributor(std::vector<RecordedConnection> rows);

/// Reads a TSV file: its head line is
/// `#transport client_address client_port server_address server_port user application` (tab-separated), a row gives the
/// same columns; the application is the executable's name; an empty user or application is unknown. Other lines that
/// begin with # are skipped. A failure names file and line.
[[nodiscard]] Result<std::unique_ptr<Attributor>> create_recorded_attributor(const std::filesystem::path& file);

}    // namespace dl::agent::identity
