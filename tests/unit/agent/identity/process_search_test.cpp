// Looks for sockets of this very process and its children in the running system's /proc.
#include "agent/identity/process_search.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dl::agent::identity {
namespace {

SocketOwner owner_of(int descriptor)
{
    struct stat status {};
    ::fstat(descriptor, &status);
    SocketOwner owner;
    owner.inode = static_cast<std::uint32_t>(status.st_ino);
    owner.uid = ::getuid();
    return owner;
}

TEST(ProcessSearch, AsksLittleOfAProcessThatOpensOneSocketAfterAnother)
{
    ProcessSearch search("/proc", std::chrono::seconds(5));
    const int first = ::socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_TRUE(search.find(owner_of(first)));
    const auto before = search.counters().links;
    for (int round = 0; round < 100; ++round) {
        const int next = ::socket(AF_INET, SOCK_STREAM, 0);
        const auto found = search.find(owner_of(next));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->pid, ::getpid());
        ::close(next);
    }
    EXPECT_LE(search.counters().links - before, 100u * 17u);    // no more than the neighbours of the last
    ::close(first);
}

TEST(ProcessSearch, RemembersWhatItFoundAndWhatItDidNot)
{
    ProcessSearch search("/proc", std::chrono::seconds(5));
    const int mine = ::socket(AF_INET, SOCK_STREAM, 0);
    const SocketOwner owner = owner_of(mine);
    ASSERT_TRUE(search.find(owner));
    ::close(mine);
    const auto looked = search.counters().links;
    EXPECT_TRUE(search.find(owner));
    EXPECT_EQ(search.counters().links, looked);

    SocketOwner nobody;
    nobody.inode = 1;
    nobody.uid = ::getuid();
    EXPECT_FALSE(search.find(nobody));
    const auto in_vain = search.counters().links;
    EXPECT_FALSE(search.find(nobody));
    EXPECT_EQ(search.counters().links, in_vain);
    EXPECT_FALSE(search.find(SocketOwner{}));
}

TEST(ProcessSearch, FindsAProcessThatIsNew)
{
    ProcessSearch search("/proc", std::chrono::seconds(5));
    const int mine = ::socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_TRUE(search.find(owner_of(mine)));
    const int theirs = ::socket(AF_INET, SOCK_STREAM, 0);
    const SocketOwner owner = owner_of(theirs);
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    ::close(theirs);    // the child alone holds it now
    const auto found = search.find(owner);
    EXPECT_TRUE(found);
    EXPECT_EQ(found ? found->pid : 0, child);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(mine);
}

}    // namespace
}    // namespace dl::agent::identity
