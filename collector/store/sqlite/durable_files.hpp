// Files and directories that backup and restore make: private, whole or not there, synced. Failures are thrown as
// StoreError.
#pragma once

#include "collector/store/sqlite/database.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <sys/stat.h>
#include <vector>

namespace dl::collector::store {

/// Throws what errno says of a file, and what to do next.
[[noreturn]] void refuse_io(const std::filesystem::path& file, const char* what, const char* next);

/// Removes what is unfinished unless it was kept.
class Unfinished {
public:
    explicit Unfinished(std::filesystem::path path) : path_(std::move(path)) {}
    ~Unfinished()
    {
        std::error_code ignored;
        if (!kept_) std::filesystem::remove_all(path_, ignored);
    }
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    void keep() { kept_ = true; }

private:
    std::filesystem::path path_;
    bool kept_ = false;
};

/// An empty file of mode 0600, whatever stood there.
void make_private_file(const std::filesystem::path& file);
/// fsync(2) of a file or directory.
void sync_path(const std::filesystem::path& path);
/// At most 512 MiB.
[[nodiscard]] std::vector<std::uint8_t> read_file(const std::filesystem::path& file);
/// A new file with its folders, synced; `mode` without more than 0777.
void write_file(const std::filesystem::path& file, std::span<const std::uint8_t> bytes, mode_t mode);

/// guarded(), and what std::filesystem throws becomes a line as well.
template <class Work>
auto in_words(Work&& work) -> Result<decltype(work())>
{
    try {
        return guarded(work);
    } catch (const std::filesystem::filesystem_error& error) {
        return io_failure(
            fmt::format("{}: {}; check the path and its permissions", error.path1().string(), error.code().message()));
    }
}

}    // namespace dl::collector::store
