// A collector's data directory in one file and back.
//
// The backup is itself an SQLite database (application_id 'DLB2'): the usage store's tables as they stood at one
// moment, a table backup_files(path, mode, content) with the state store and every other file of the data directory
// (keys, certificate authority), and backup_contents with a SHA-256 of each of these parts. It holds the secrets that
// the directory holds: mode 0600, keep it as you keep them.
#pragma once

#include "shared/base/failure.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace dl::collector::store {

/// Under load: the collector goes on committing. Refuses to overwrite; what stands under the name `file` is whole and
/// synced, and was read again and found equal to the store. Returns the digest over all it holds, "sha256:" and hex:
/// kept elsewhere, it tells a changed backup.
[[nodiscard]] Result<std::string> back_up(const std::filesystem::path& data_directory,
                                          const std::filesystem::path& file);
/// Into a data directory that is absent or empty, after check_backup(). The stores get new incarnations, so that agents
/// whose acknowledged cells the backup lacks are asked to send them again.
[[nodiscard]] Result<std::string> restore(const std::filesystem::path& file,
                                          const std::filesystem::path& data_directory, std::string_view expected = {});
/// Reads all of a backup; a failure names the part that is not what was written. `expected`: the digest it must have,
/// where one was kept. Returns the digest; empty for a backup of version 0.1.0, which carries none.
[[nodiscard]] Result<std::string> check_backup(const std::filesystem::path& file, std::string_view expected = {});

}    // namespace dl::collector::store
