// A collector's data directory in one file and back.
//
// The backup is itself an SQLite database (application_id 'DLB1'): the usage store's tables as they stood at one
// moment, and a table backup_files(path, mode, content) with the state store and every other file of the data directory
// (keys, certificate authority). It holds the secrets that the directory holds: mode 0600, keep it as you keep them.
#pragma once

#include "shared/base/failure.hpp"

#include <filesystem>

namespace dl::collector::store {

/// Under load: the collector goes on committing. Refuses to overwrite; what stands under the name `file` is whole and
/// synced.
[[nodiscard]] Result<void> back_up(const std::filesystem::path& data_directory, const std::filesystem::path& file);
/// Into a data directory that is absent or empty. The stores get new incarnations, so that agents whose acknowledged
/// cells the backup lacks are asked to send them again.
[[nodiscard]] Result<void> restore(const std::filesystem::path& file, const std::filesystem::path& data_directory);

}    // namespace dl::collector::store
