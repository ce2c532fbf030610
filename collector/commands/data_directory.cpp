#include "collector/commands/data_directory.hpp"

#include "collector/pki/certificate_authority.hpp"
#include "collector/pki/secrets.hpp"
#include "collector/store/sqlite/open.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace dl::collector::commands {
namespace {

Result<void> make_private_folder(const std::filesystem::path& folder)
{
    if (::mkdir(folder.c_str(), 0700) == 0) return {};
    const int error = errno;
    if (error == EEXIST && std::filesystem::is_directory(folder) && ::chmod(folder.c_str(), 0700) == 0) return {};
    return io_failure(fmt::format("{}: can't make the folder: {}; check the parent's owner or change data_directory",
                                  folder.string(), std::strerror(error)));
}

Result<void> create_parts(const DataDirectory& data, Timestamp now)
{
    std::error_code error;
    std::filesystem::create_directories(data.root.parent_path(), error);    // mkdir below reports what matters
    for (const auto& folder : {data.root, data.root / "keys", data.pki()})
        if (auto made = make_private_folder(folder); !made) return made;
    if (auto made = pki::write_new_secret(data.organisation_key()); !made) return made;
    if (auto made = pki::write_new_secret(data.collector_key()); !made) return made;
    if (auto made = pki::CertificateAuthority::create(data.pki(), now); !made) return made;
    using store::Open;
    if (auto made = store::open_sqlite_state_store(data.state_store(), Open::create); !made) return made.error();
    if (auto made = store::open_sqlite_usage_store(data.usage_store(), Open::create); !made) return made.error();
    return {};
}

}    // namespace

bool DataDirectory::in_use() const
{
    std::error_code ignored;
    for (const auto& part : {root / "keys", pki(), state_store(), usage_store()})
        if (std::filesystem::exists(part, ignored)) return true;
    return false;
}

Result<void> DataDirectory::create(Timestamp now) const
{
    if (in_use())
        return conflict(
            fmt::format("{}: holds a collector already; use it, or set another data_directory", root.string()));
    const auto made = create_parts(*this, now);
    if (made) return {};
    if (const auto discarded = discard(); !discarded) return discarded;
    return made;
}

Result<void> DataDirectory::discard() const
{
    std::error_code error;
    std::vector<std::filesystem::path> parts{root / "keys", pki()};
    for (const auto& store : {state_store(), usage_store()})
        for (const char* suffix : {"", "-wal", "-shm", "-journal"})
            parts.push_back(store.string() + suffix);
    for (const auto& part : parts)
        if (std::filesystem::remove_all(part, error); error)
            return io_failure(
                fmt::format("{}: can't be removed: {}; remove it and run init again", part.string(), error.message()));
    return {};
}

Result<directory::PseudonymKeys> DataDirectory::read_keys() const
{
    const auto organisation = pki::read_secret(organisation_key());
    if (!organisation) return organisation.error();
    const auto collector = pki::read_secret(collector_key());
    if (!collector) return collector.error();
    return directory::PseudonymKeys{*organisation, *collector};
}

Result<void> DataDirectory::check_exists() const
{
    if (in_use()) return {};
    if (::access(root.c_str(), R_OK | X_OK) != 0 && errno == EACCES)
        return denied(fmt::format("{}: may not be read by this user; run the command as root or as the user of the "
                                  "service, or ask the API",
                                  root.string()));
    return not_found(fmt::format("{}: no collector here yet; run `daylight-collector init` first", root.string()));
}

Result<DirectoryLock> DirectoryLock::take(const DataDirectory& data)
{
    const std::string file = data.lock().string();
    DirectoryLock lock{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (lock.fd_ < 0) return io_failure(fmt::format("{}: can't open: {}; check its owner", file, std::strerror(errno)));
    if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
        char holder[32] = {};
        const ssize_t got = ::pread(lock.fd_, holder, sizeof holder - 1, 0);
        const std::string process = got > 0 ? std::string(holder, std::strcspn(holder, "\n")) : "unknown";
        return conflict(
            fmt::format("{}: another collector (process {}) works on this data directory; stop it, or use another "
                        "configuration",
                        data.root.string(), process));
    }
    const std::string process = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock.fd_, 0) != 0 ||
        ::pwrite(lock.fd_, process.data(), process.size(), 0) != static_cast<ssize_t>(process.size()))
        return io_failure(fmt::format("{}: can't write: {}; check the free space", file, std::strerror(errno)));
    return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock::~DirectoryLock()
{
    if (fd_ >= 0) ::close(fd_);
}

}    // namespace dl::collector::commands
