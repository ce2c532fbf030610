// The agent's data directory: one running agent at a time, nobody else may look into it.
#pragma once

#include "shared/base/failure.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace dl::agent::service {

/// Holds the directory until it is destroyed, or the process dies however it may.
class DataDirectoryLock {
public:
    /// Makes the directory (mode 0700) where it is missing. A failure names the process that holds it.
    [[nodiscard]] static Result<DataDirectoryLock> take(const std::filesystem::path& data_directory);
    DataDirectoryLock(DataDirectoryLock&& other) noexcept;
    DataDirectoryLock& operator=(DataDirectoryLock&& other) noexcept;
    ~DataDirectoryLock();

private:
    explicit DataDirectoryLock(int file) : file_(file) {}
    int file_ = -1;
};

/// The process that holds the directory now.
[[nodiscard]] std::optional<pid_t> running_agent(const std::filesystem::path& data_directory);

/// Makes the directory with mode 0700 where it is missing.
[[nodiscard]] Result<void> make_data_directory(const std::filesystem::path& data_directory);

[[nodiscard]] std::filesystem::path ledger_file(const std::filesystem::path& data_directory);

}    // namespace dl::agent::service
