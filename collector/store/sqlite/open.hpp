// The embedded stores: one SQLite file each, WAL, opened by the collector and, beside it, by verbs on the command line.
#pragma once

#include "collector/store/state_store.hpp"
#include "collector/store/usage_store.hpp"

#include <filesystem>
#include <memory>

namespace dl::collector::store {

enum class Open {
    create,    ///< the file must not exist
    read_write,
    read_only,    ///< beside a running collector; label() is refused
};

/// Not thread-safe: one object per thread. A file of a newer schema is refused with a line that says which version
/// reads it.
[[nodiscard]] Result<std::unique_ptr<UsageStore>> open_sqlite_usage_store(const std::filesystem::path& file, Open how);
/// The same with a clock of the caller's, which must outlive the store (observers' last report and offset).
[[nodiscard]] Result<std::unique_ptr<UsageStore>> open_sqlite_usage_store(const std::filesystem::path& file, Open how,
                                                                          const Clock& clock);
/// Thread-safe by a lock of its own; calls are short.
[[nodiscard]] Result<std::unique_ptr<StateStore>> open_sqlite_state_store(const std::filesystem::path& file, Open how);

}    // namespace dl::collector::store
