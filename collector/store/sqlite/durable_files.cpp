#include "collector/store/sqlite/durable_files.hpp"

#include "collector/store/sqlite/database.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

namespace dl::collector::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largest_file = 512U << 20;    // SQLite's own bound of a blob is 10^9 bytes

}    // namespace

void refuse_io(const fs::path& file, const char* what, const char* next)
{
    throw StoreError(io_failure(fmt::format("{}: {}: {}; {}", file.string(), what, std::strerror(errno), next)));
}

void make_private_file(const fs::path& file)
{
    const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) refuse_io(file, "can't be made", "name a place that this account may write to");
    close(fd);
}

void sync_path(const fs::path& path)
{
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) refuse_io(path, "can't be opened", "check the disk");
    const int failed = fsync(fd);
    close(fd);
    if (failed != 0) refuse_io(path, "can't be made durable", "check the disk");
}

std::vector<std::uint8_t> read_file(const fs::path& file)
{
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error || size > largest_file)
        throw StoreError(io_failure(fmt::format(
            "{}: can't be read or is over {} bytes; move it out of the data directory", file.string(), largest_file)));
    std::vector<std::uint8_t> bytes(size);
    std::ifstream in(file, std::ios::binary);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    if (static_cast<std::uintmax_t>(in.gcount()) != size)
        refuse_io(file, "can't be read", "run as the collector's account");
    return bytes;
}

void write_file(const fs::path& file, std::span<const std::uint8_t> bytes, mode_t mode)
{
    fs::create_directories(file.parent_path());
    const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) refuse_io(file, "can't be made", "check the disk");
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = write(fd, bytes.data() + done, bytes.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
    }
    const bool good = done == bytes.size() && fchmod(fd, mode & 0777) == 0 && fsync(fd) == 0;
    close(fd);
    if (!good) refuse_io(file, "can't be written", "make room on the disk");
}

}    // namespace dl::collector::store
