#include "agent/privilege/privilege.hpp"

#include <fmt/format.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <ucontext.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>

namespace dl::agent::privilege {
namespace {

/// Called by name, so that a kernel or architecture without one of them is no error.
constexpr const char* allowed[] = {
    // files: ledger, enrolment, time zone, /proc and /sys/fs/cgroup
    "read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "close", "fstat", "stat", "lstat", "newfstatat",
    "statx", "fstatfs", "statfs", "open", "openat", "access", "faccessat", "faccessat2", "fcntl", "ftruncate",
    "fallocate", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat",
    "rmdir", "fchmod", "chmod", "fchown", "umask", "getdents64", "readlink", "readlinkat", "getcwd", "flock",
    "fadvise64", "dup",
    "inotify_add_watch",    // of control groups, which are made while it runs
    // waiting
    "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "eventfd2", "pipe2", "timerfd_create", "timerfd_settime", "timerfd_gettime", "nanosleep", "clock_nanosleep",
    "restart_syscall", "pause",
    // network; which sockets may be made is below
    "connect", "bind", "getsockname", "getpeername", "getsockopt", "setsockopt", "sendto", "sendmsg", "sendmmsg",
    "recvfrom", "recvmsg", "recvmmsg", "shutdown",
    // memory
    "mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "membarrier", "mincore",
    // threads and signals
    "futex", "futex_waitv", "clone", "clone3", "set_robust_list", "get_robust_list", "rseq", "set_tid_address",
    "arch_prctl", "exit", "exit_group", "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler",
    "sched_setscheduler", "gettid", "getpid", "getppid", "tgkill", "tkill", "kill", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "rt_sigtimedwait", "sigaltstack", "wait4",
    // time, chance, identity
    "clock_gettime", "clock_getres", "gettimeofday", "time", "times", "getrandom", "uname", "sysinfo", "getuid",
    "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getrlimit", "prlimit64", "getrusage"};

constexpr std::size_t most_calls = 512;
std::array<std::atomic<std::uint64_t>, most_calls> denied_counts;

/// Remembers the call and answers EPERM in its place. Async-signal-safe.
void on_denied(int, siginfo_t* info, void* context)
{
    const auto call = static_cast<std::size_t>(info->si_syscall);
    if (call < most_calls) denied_counts[call].fetch_add(1, std::memory_order_relaxed);
    auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    machine.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
    machine.regs[0] = static_cast<unsigned long long>(-EPERM);
#else
#error "where does this architecture return a system call's result?"
#endif
}

struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
};

}    // namespace

Result<void> confine_system_calls()
{
    const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_TRAP));
    if (!filter) return unavailable("the system-call filter can't be made; check that the kernel has seccomp");
    bool good = true;
    const auto rule = [&](const char* name, auto... conditions) {
        const int call = seccomp_syscall_resolve_name(name);
        if (call == __NR_SCMP_ERROR || call < 0) return;
        const std::array<scmp_arg_cmp, sizeof...(conditions)> list{conditions...};
        const int added =
            seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, static_cast<unsigned>(list.size()), list.data());
        good = good && (added == 0 || added == -EDOM);
    };
    const auto equals = [](unsigned argument, std::uint64_t value) {
        return scmp_arg_cmp{argument, SCMP_CMP_EQ, value, 0};
    };
    for (const char* name : allowed)
        rule(name);
    for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})    // netlink: getaddrinfo(3) asks for addresses
        rule("socket", equals(0, static_cast<std::uint64_t>(family)));
    rule("bpf", equals(0, 1 /* BPF_MAP_LOOKUP_ELEM */));    // of tables that the process watch handed over
    rule("socketpair", equals(0, AF_UNIX));
    for (const unsigned long request : {static_cast<unsigned long>(FIONBIO), static_cast<unsigned long>(FIONREAD),
                                        static_cast<unsigned long>(TCGETS), static_cast<unsigned long>(SIOCGIFINDEX)})
        rule("ioctl", equals(1, request));
    for (const int option :
         {15 /* PR_SET_NAME */, 16 /* PR_GET_NAME */, 0x53564d41 /* PR_SET_VMA: names of malloc's arenas */})
        rule("prctl", equals(0, static_cast<std::uint64_t>(option)));
    if (!good) return unavailable("a rule of the system-call filter was refused; check libseccomp's version");

    struct sigaction action {};
    action.sa_sigaction = on_denied;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    if (::sigaction(SIGSYS, &action, nullptr) != 0) return unavailable("SIGSYS can't be handled; report this");
    if (const int loaded = seccomp_load(filter.get()); loaded != 0)
        return unavailable(
            fmt::format("the system-call filter can't be loaded (code {}); check that the kernel has seccomp", loaded));
    return {};
}

std::map<std::string, std::uint64_t> denied_calls()
{
    std::map<std::string, std::uint64_t> calls;
    for (std::size_t call = 0; call < most_calls; ++call) {
        const std::uint64_t times = denied_counts[call].load(std::memory_order_relaxed);
        if (times == 0) continue;
        const std::unique_ptr<char, decltype(&std::free)> name(
            seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(call)), &std::free);
        calls[name ? name.get() : std::to_string(call)] = times;
    }
    return calls;
}

}    // namespace dl::agent::privilege
