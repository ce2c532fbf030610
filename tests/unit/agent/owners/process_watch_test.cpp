// The process watch over a real Unix socket, asked about sockets of this very process.
#include "agent/owners/message.hpp"
#include "agent/owners/process_watch.hpp"
#include "agent/owners/remote_processes.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace dl::agent::owners {
namespace {

namespace fs = std::filesystem;

TEST(OwnerMessage, SurvivesTheWay)
{
    const auto question = decode_question(encode(Question{7, 4026531840U, 1001}));
    ASSERT_TRUE(question);
    EXPECT_EQ(question->sequence, 7u);
    EXPECT_EQ(question->inode, 4026531840U);
    EXPECT_EQ(question->uid, 1001u);
    const auto answer = decode_answer(encode(Answer{8, identity::Process{4711, "firefox"}}));
    ASSERT_TRUE(answer && answer->process);
    EXPECT_EQ(answer->sequence, 8u);
    EXPECT_EQ(answer->process->pid, 4711);
    EXPECT_EQ(answer->process->name, "firefox");
    const auto nobody = decode_answer(encode(Answer{9, std::nullopt}));
    ASSERT_TRUE(nobody);
    EXPECT_FALSE(nobody->process);
}

TEST(OwnerMessage, LongNamesAreCutAndStrangeOctetsRefused)
{
    const std::string name(200, 'x');
    EXPECT_EQ(decode_answer(encode(Answer{1, identity::Process{1, name}}))->process->name, name.substr(0, name_octets));
    auto octets = encode(Question{1, 2, 3});
    EXPECT_FALSE(decode_question(std::span(octets).first(15)));
    EXPECT_FALSE(decode_question({}));
    octets[0] ^= 1U;
    EXPECT_FALSE(decode_question(octets));
    EXPECT_FALSE(decode_answer(octets));
    auto answer = encode(Answer{1, identity::Process{1, "a"}});
    answer[8] = answer[9] = answer[10] = answer[11] = 0xff;    // a negative process id
    EXPECT_FALSE(decode_answer(answer)->process);
}

TEST(Admission, TakesTheAgentsOwnGroupWholeAndNamedUsers)
{
    const Admission admission{"/system.slice/daylight-agent.service", {1234}};
    EXPECT_TRUE(is_admitted(admission, 61234, "0::/system.slice/daylight-agent.service\n"));
    EXPECT_TRUE(is_admitted(admission, 61234, "1:name=systemd:/x\n0::/system.slice/daylight-agent.service\n"));
    EXPECT_TRUE(is_admitted(admission, 1234, ""));
    // Whoever has a user manager may name units in it as he likes.
    EXPECT_FALSE(is_admitted(admission, 1000, "0::/user.slice/user-1000.slice/system.slice/daylight-agent.service\n"));
    EXPECT_FALSE(is_admitted(admission, 1000, "0::/system.slice/daylight-agent.service/payload\n"));
    EXPECT_FALSE(is_admitted(admission, 1000, "1:name=systemd:/system.slice/daylight-agent.service\n"));
    EXPECT_FALSE(is_admitted(admission, 0, ""));
    EXPECT_FALSE(is_admitted(Admission{"", {}}, 0, "0::\n"));
}

/// Long enough for a search on a machine that compiles at the same time.
constexpr std::chrono::seconds patient{30};

/// A search gives up after a millisecond or two, so that no agent waits for it: on a busy machine it is asked again.
std::optional<identity::Process> find_soon(RemoteProcesses& remote, const identity::SocketOwner& owner)
{
    const auto until = std::chrono::steady_clock::now() + patient;
    while (true) {
        auto found = remote.find(owner);
        if (found || !remote.connected() || std::chrono::steady_clock::now() > until) return found;
    }
}

class Watched : public ::testing::Test {
protected:
    void SetUp() override
    {
        folder_ = fs::temp_directory_path() / ("process-watch-" + std::to_string(::getpid()));
        fs::create_directories(folder_);
        socket_ = folder_ / "socket";
    }
    void TearDown() override
    {
        stop_ = true;
        if (serving_.joinable()) serving_.join();
        fs::remove_all(folder_);
    }
    void serve(Admission admission, RecordsOffer offer = {})
    {
        auto watch = ProcessWatch::open(socket_, std::move(admission));
        ASSERT_TRUE(watch) << watch.error().message;
        serving_ =
            std::thread([this, offer, watch = std::move(*watch)]() mutable { EXPECT_TRUE(watch.serve(stop_, offer)); });
    }
    static identity::SocketOwner owner_of(int descriptor)
    {
        struct stat status {};
        ::fstat(descriptor, &status);
        identity::SocketOwner owner;
        owner.inode = static_cast<std::uint32_t>(status.st_ino);
        owner.uid = ::getuid();
        return owner;
    }
    fs::path folder_;
    fs::path socket_;
    std::atomic<bool> stop_{false};
    std::thread serving_;
};

TEST_F(Watched, TellsTheProgramOfASocket)
{
    serve({"", {::getuid()}});
    RemoteProcesses remote(socket_, {std::chrono::seconds(5), patient});
    const int mine = ::socket(AF_INET, SOCK_STREAM, 0);
    const auto found = find_soon(remote, owner_of(mine));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->pid, ::getpid());
    EXPECT_EQ(found->name, "unit_agent");
    ::close(mine);
    identity::SocketOwner nobody;
    nobody.inode = 1;
    EXPECT_FALSE(remote.find(nobody));
    EXPECT_TRUE(remote.connected());
    const auto records = probe(socket_);
    ASSERT_TRUE(records);
    EXPECT_EQ(*records, Records::not_asked_for);
    const auto second = ProcessWatch::open(socket_, {});
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("another process answers there"), std::string::npos);
}

TEST_F(Watched, HandsTablesOverOnlyWhereTheyAreOn)
{
    std::array<int, 2> pipes{};
    ASSERT_EQ(::pipe(pipes.data()), 0);    // any two descriptors
    serve({"", {::getuid()}}, {Records::on, pipes[0], pipes[1]});
    const auto records = probe(socket_);
    ASSERT_TRUE(records);
    EXPECT_EQ(*records, Records::on);
    RemoteProcesses remote(socket_, {std::chrono::seconds(5), patient});
    remote.start();
    EXPECT_TRUE(remote.connected());
    // No tables at all behind these descriptors: looking up fails, and is no answer.
    EXPECT_FALSE(remote.origin_of({}, 1));
    const int mine = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_TRUE(find_soon(remote, owner_of(mine)));
    ::close(mine);
    for (const int descriptor : pipes)
        ::close(descriptor);
}

TEST_F(Watched, AnswersNobodyElse)
{
    serve({"/system.slice/daylight-agent.service", {}});
    RemoteProcesses remote(socket_, {std::chrono::seconds(5), patient});
    const int mine = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_FALSE(remote.find(owner_of(mine)));
    EXPECT_FALSE(remote.find(owner_of(mine)));
    EXPECT_FALSE(remote.connected());
    const auto said = probe(socket_);
    ASSERT_FALSE(said);
    EXPECT_NE(said.error().message.find("does not answer this user"), std::string::npos);
    ::close(mine);
}

TEST_F(Watched, IsFoundAgainAfterItWasAway)
{
    RemoteProcesses remote(socket_, {std::chrono::milliseconds(0), patient});
    const int mine = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_FALSE(remote.find(owner_of(mine)));
    EXPECT_FALSE(probe(socket_));
    serve({"", {::getuid()}});
    EXPECT_TRUE(find_soon(remote, owner_of(mine)));
    ::close(mine);
}

}    // namespace
}    // namespace dl::agent::owners
