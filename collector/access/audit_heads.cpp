#include "collector/access/audit_heads.hpp"

#include "shared/tls/files.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace dl::collector::access {
namespace {

constexpr std::size_t largest = 16 << 20;

}    // namespace

Result<std::vector<AuditHead>> read_heads(const std::filesystem::path& file)
{
    const auto text = tls::read_whole_file(file, largest);
    if (text) return parse_heads(*text);
    if (text.error().kind == Failure::Kind::not_found) return std::vector<AuditHead>{};
    return text.error();
}

Result<bool> export_head(AuditChain& chain, const std::filesystem::path& file, Day day)
{
    const auto kept = read_heads(file);
    if (!kept) return kept.error();
    if (!kept->empty() && kept->back().day >= day) return false;
    const auto head = chain.head(day);
    if (!head) return head.error();
    if (head->sequence == 0) return false;

    const auto refuse = [&] {
        return io_failure(fmt::format("{}: the audit chain's head can't be added: {}; make room and check its owner",
                                      file.string(), std::strerror(errno)));
    };
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return refuse();
    // A line that was cut by a full disk stays behind and is passed over by readers: the next one starts afresh.
    const std::string line = "\n" + to_line(*head) + "\n";
    const bool written = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(fd) == 0;
    Result<bool> result = written ? Result<bool>(true) : Result<bool>(refuse());
    ::close(fd);
    return result;
}

}    // namespace dl::collector::access
