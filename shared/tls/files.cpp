#include "shared/tls/files.hpp"

#include "shared/base/id.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace dl::tls {
namespace {

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor()
    {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const { return number_; }
    /// True when close() had no late write error to tell.
    [[nodiscard]] bool close() { return ::close(std::exchange(number_, -1)) == 0; }

private:
    int number_;
};

Failure failed(const std::filesystem::path& file, const char* what, int error)
{
    const char* advice = error == ENOSPC || error == EDQUOT ? "make room on the disk"
                         : error == EACCES || error == EPERM || error == EROFS
                             ? "check the owner and mode of the file and its directory"
                             : "check the directory and its disk";
    return io_failure(fmt::format("{}: could not {}: {}; {}", file.string(), what, std::strerror(error), advice));
}

bool write_all(int descriptor, std::string_view content)
{
    while (!content.empty()) {
        const ssize_t written = ::write(descriptor, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}    // namespace

Result<void> write_file_durably(const std::filesystem::path& file, std::string_view content, Visibility visibility)
{
    const std::filesystem::path directory = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    std::array<std::uint8_t, 8> random{};
    fill_random(random);
    const std::filesystem::path temporary = file.string() + "." + to_hex(random) + ".new";
    const mode_t mode = visibility == Visibility::secret ? 0600 : 0644;

    const auto give_up = [&](const char* what, int error) {
        ::unlink(temporary.c_str());
        return failed(file, what, error);
    };

    // The umask may have narrowed a shared file and can't have widened a secret one: fchmod settles both.
    Descriptor out{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (out.get() < 0) return failed(file, "create the new file", errno);
    if (!write_all(out.get(), content)) return give_up("write it", errno);
    if (::fchmod(out.get(), mode) != 0) return give_up("set its mode", errno);
    if (::fsync(out.get()) != 0) return give_up("make it durable", errno);
    if (!out.close()) return give_up("close it", errno);
    if (::rename(temporary.c_str(), file.c_str()) != 0) return give_up("rename it into place", errno);

    Descriptor parent{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (parent.get() < 0 || ::fsync(parent.get()) != 0) return failed(file, "make its directory entry durable", errno);
    return {};
}

Result<std::string> read_whole_file(const std::filesystem::path& file, std::size_t limit)
{
    const Descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (in.get() < 0) {
        if (errno == ENOENT) return not_found(fmt::format("{}: there is no such file; check the path", file.string()));
        return failed(file, "open it", errno);
    }
    std::string content;
    std::array<char, 16384> chunk{};
    for (;;) {
        const ssize_t size = ::read(in.get(), chunk.data(), chunk.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EISDIR)
            return io_failure(fmt::format("{}: is a directory; name a file", file.string()));
        if (size < 0) return failed(file, "read it", errno);
        if (size == 0) return content;
        if (static_cast<std::size_t>(size) > limit - content.size())
            return invalid_input(
                fmt::format("{}: is larger than {} bytes; is it the right file?", file.string(), limit));
        content.append(chunk.data(), static_cast<std::size_t>(size));
    }
}

}    // namespace dl::tls
