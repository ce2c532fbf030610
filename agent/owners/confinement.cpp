// What the process watch gives up before it answers its first question.
#include "agent/owners/process_watch.hpp"

#include <cap-ng.h>
#include <fmt/format.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace dl::agent::owners {
namespace {

constexpr const char* allowed[] = {
    // /proc
    "open", "openat", "read", "close", "readlink", "readlinkat", "getdents64", "newfstatat", "fstat", "stat", "statx",
    "lseek", "fcntl", "unlink", "unlinkat",
    // the socket
    "poll", "ppoll", "accept4", "getsockopt", "recvfrom", "sendto", "sendmsg", "write", "writev",
    // memory, signals, time
    "mmap", "munmap", "mremap", "madvise", "brk", "futex", "rt_sigreturn", "rt_sigprocmask", "clock_gettime",
    "gettimeofday", "getpid", "getrandom", "restart_syscall", "exit", "exit_group"};

struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
};

}    // namespace

Result<std::vector<std::string>> keep_only_looking()
{
    std::vector<std::string> missing;
    capng_get_caps_process();
    const bool may_empty_bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;
    std::vector<unsigned> kept;
    for (const unsigned capability : {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH}) {
        if (capng_have_capability(CAPNG_PERMITTED, capability) == 1)
            kept.push_back(capability);
        else
            missing.emplace_back(capng_capability_to_name(capability));
    }
    capng_clear(CAPNG_SELECT_BOTH);
    for (const unsigned capability : kept)
        capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), capability);
    if (const int done = capng_apply(may_empty_bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS); done != 0)
        return denied(fmt::format("capabilities can't be given up (code {}); check the service's sandbox", done));
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return denied(fmt::format("no_new_privs can't be set: {}; this kernel is too old", std::strerror(errno)));
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return missing;
}

Result<void> confine_to_answering()
{
    const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!filter) return unavailable("the system-call filter can't be made; check that the kernel has seccomp");
    for (const char* name : allowed) {
        const int call = seccomp_syscall_resolve_name(name);
        if (call == __NR_SCMP_ERROR || call < 0) continue;
        if (const int added = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0); added != 0 && added != -EDOM)
            return unavailable("a rule of the system-call filter was refused; check libseccomp's version");
    }
    if (const int loaded = seccomp_load(filter.get()); loaded != 0)
        return unavailable(
            fmt::format("the system-call filter can't be loaded (code {}); check that the kernel has seccomp", loaded));
    return {};
}

}    // namespace dl::agent::owners
