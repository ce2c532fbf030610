// What the confined agent may still ask of bpf(2), in a process of its own since confinement is for ever.
#include "agent/privilege/privilege.hpp"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace dl::agent::privilege {
namespace {

int error_of(int command)
{
    bpf_attr attributes{};
    attributes.map_fd = 0xffff;    // no such descriptor
    return ::syscall(SYS_bpf, command, &attributes, sizeof attributes) == 0 ? 0 : errno;
}

TEST(SystemCalls, OfBpfOnlyLookingUpIsLeft)
{
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (!confine_system_calls()) ::_exit(1);
        if (error_of(BPF_MAP_LOOKUP_ELEM) != EBADF) ::_exit(2);
        for (const int command :
             {BPF_MAP_CREATE, BPF_MAP_UPDATE_ELEM, BPF_MAP_GET_NEXT_KEY, BPF_PROG_LOAD, BPF_LINK_CREATE})
            if (error_of(command) != EPERM) ::_exit(3);
        ::_exit(denied_calls().count("bpf") == 1 ? 0 : 4);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0) << "1 not confined, 2 can't look up, 3 may do more, 4 not counted";
}

}    // namespace
}    // namespace dl::agent::privilege
