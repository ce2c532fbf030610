#include "agent/service/data_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <utility>

namespace dl::agent::service {
namespace {

std::filesystem::path lock_file(const std::filesystem::path& data_directory) { return data_directory / "lock"; }

std::optional<pid_t> written_in(int file)
{
    std::array<char, 32> text{};
    const ssize_t size = ::pread(file, text.data(), text.size(), 0);
    pid_t process = 0;
    if (size <= 0 || std::from_chars(text.data(), text.data() + size, process).ec != std::errc{}) return std::nullopt;
    return process;
}

bool is_full(int error) { return error == ENOSPC || error == EDQUOT; }

/// Why, and what to do next: room where there is none, else what is told.
std::string why_and_next(int error, const char* next)
{
    return fmt::format("{}; {}", std::strerror(error),
                       is_full(error)   ? "make room on that disk"
                       : error == EROFS ? "mount it for writing, or set data_directory to another place"
                                        : next);
}

}    // namespace

Result<void> make_data_directory(const std::filesystem::path& data_directory)
{
    std::error_code error;
    if (std::filesystem::is_directory(data_directory, error)) return {};
    std::filesystem::create_directories(data_directory.parent_path(), error);
    if (::mkdir(data_directory.c_str(), 0700) != 0 && errno != EEXIST)
        return io_failure(fmt::format("{}: can't be made: {}", data_directory.string(),
                                      why_and_next(errno, "set data_directory to a place where this user may write")));
    return {};
}

Result<DataDirectoryLock> DataDirectoryLock::take(const std::filesystem::path& data_directory)
{
    const auto made = make_data_directory(data_directory);
    if (!made) return made.error();
    const auto path = lock_file(data_directory);
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return io_failure(fmt::format("{}: can't be opened: {}", path.string(),
                                      why_and_next(errno, "start as the user whom the directory belongs to")));
    DataDirectoryLock lock(file);
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
        const auto holder = written_in(file);
        return conflict(
            fmt::format("{}: another agent{} works with this directory; stop it first, or set another data_directory",
                        data_directory.string(), holder ? fmt::format(" (process {})", *holder) : std::string()));
    }
    const std::string process = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file, 0) != 0 ||
        ::pwrite(file, process.data(), process.size(), 0) != static_cast<ssize_t>(process.size()))
        return io_failure(
            fmt::format("{}: can't be written: {}", path.string(), why_and_next(errno, "check the disk")));
    return lock;
}

DataDirectoryLock::DataDirectoryLock(DataDirectoryLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

DataDirectoryLock& DataDirectoryLock::operator=(DataDirectoryLock&& other) noexcept
{
    std::swap(file_, other.file_);
    return *this;
}

DataDirectoryLock::~DataDirectoryLock()
{
    if (file_ >= 0) ::close(file_);
}

std::optional<pid_t> running_agent(const std::filesystem::path& data_directory)
{
    const int file = ::open(lock_file(data_directory).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return std::nullopt;
    std::optional<pid_t> holder;
    if (::flock(file, LOCK_SH | LOCK_NB) != 0) holder = written_in(file);
    ::close(file);
    return holder;
}

std::filesystem::path ledger_file(const std::filesystem::path& data_directory) { return data_directory / "ledger.db"; }

}    // namespace dl::agent::service
