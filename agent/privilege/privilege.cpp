#include "agent/privilege/privilege.hpp"

#include <cap-ng.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace dl::agent::privilege {

Result<void> become_owner_of(const std::filesystem::path& data_directory)
{
    struct stat owner {};
    if (::geteuid() != 0) return {};
    if (::stat(data_directory.c_str(), &owner) != 0)
        return io_failure(fmt::format("{}: can't be looked at: {}; check data_directory", data_directory.string(),
                                      std::strerror(errno)));
    if (owner.st_uid == 0) return {};
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(data_directory, error))
        if (::lchown(entry.path().c_str(), owner.st_uid, owner.st_gid) != 0)
            return io_failure(fmt::format("{}: can't be given to its directory's owner: {}; check the file system",
                                          entry.path().string(), std::strerror(errno)));
    if (::setgroups(0, nullptr) != 0 || ::setresgid(owner.st_gid, owner.st_gid, owner.st_gid) != 0 ||
        ::setresuid(owner.st_uid, owner.st_uid, owner.st_uid) != 0)
        return denied(fmt::format("user {} can't be taken on: {}; start the agent as that user", owner.st_uid,
                                  std::strerror(errno)));
    return {};
}

Result<void> drop_capabilities()
{
    // The bounding set can only be emptied with CAP_SETPCAP; without it no_new_privs below does the same.
    capng_get_caps_process();
    const bool may_empty_bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;
    capng_clear(CAPNG_SELECT_BOTH);
    const int done = capng_apply(may_empty_bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS);
    if (done != 0)
        return denied(fmt::format("capabilities can't be given up (code {}); check the service's sandbox", done));
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return denied(fmt::format("no_new_privs can't be set: {}; this kernel is too old", std::strerror(errno)));
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    capng_get_caps_process();
    if (capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
        return denied("some capability stayed; check the service's sandbox");
    return {};
}

}    // namespace dl::agent::privilege
