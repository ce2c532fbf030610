// What lies where in the collector's data directory, how it comes to be, and that only one collector works on it.
#pragma once

#include "collector/directory/directory.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace dl::collector::commands {

struct DataDirectory {
    std::filesystem::path root;

    [[nodiscard]] std::filesystem::path organisation_key() const { return root / "keys" / "organisation.key"; }
    [[nodiscard]] std::filesystem::path collector_key() const { return root / "keys" / "collector.key"; }
    [[nodiscard]] std::filesystem::path pki() const { return root / "pki"; }
    [[nodiscard]] std::filesystem::path server_key() const { return pki() / "server.key"; }
    [[nodiscard]] std::filesystem::path server_certificate() const { return pki() / "server.pem"; }
    [[nodiscard]] std::filesystem::path state_store() const { return root / "state.sqlite"; }
    [[nodiscard]] std::filesystem::path usage_store() const { return root / "usage.sqlite"; }
    /// One line a day, to be kept elsewhere; not carried by a backup.
    [[nodiscard]] std::filesystem::path audit_heads() const { return root / "audit-heads"; }
    [[nodiscard]] std::filesystem::path lock() const { return root / "collector.lock"; }

    /// True when init has been here, completely or not.
    [[nodiscard]] bool in_use() const;
    /// Folders (0700), keys, certificate authority, both stores. Conflict when in use.
    [[nodiscard]] Result<void> create(Timestamp now) const;
    /// Removes what create() made, and leaves the folder itself and whatever else is in it.
    [[nodiscard]] Result<void> discard() const;
    [[nodiscard]] Result<directory::PseudonymKeys> read_keys() const;
    /// A failure that says to run init, when there is no collector here.
    [[nodiscard]] Result<void> check_exists() const;
};

/// The one collector that serves from a data directory: an flock(2) that ends with the process, however it ends.
class DirectoryLock {
public:
    /// Conflict, naming the process that holds it, when another has it.
    [[nodiscard]] static Result<DirectoryLock> take(const DataDirectory& data);
    DirectoryLock(DirectoryLock&& other) noexcept;
    DirectoryLock& operator=(DirectoryLock&&) = delete;
    ~DirectoryLock();

private:
    explicit DirectoryLock(int fd) : fd_(fd) {}
    int fd_ = -1;
};

}    // namespace dl::collector::commands
