#include "agent/identity/cgroup_table.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dl::agent::identity {
namespace {

class CgroupTableTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        root_ = std::filesystem::temp_directory_path() / ("cgroups-" + std::to_string(::getpid()));
        std::filesystem::remove_all(root_);
        std::filesystem::create_directories(root_);
    }
    void TearDown() override { std::filesystem::remove_all(root_); }

    std::uint64_t make(const std::string& path)
    {
        std::filesystem::create_directories(root_ / path);
        struct stat status {};
        EXPECT_EQ(::stat((root_ / path).c_str(), &status), 0);
        return status.st_ino;
    }

    std::filesystem::path root_;
};

TEST_F(CgroupTableTest, GroupsAreKnownTheMomentTheyAreMade)
{
    const auto first = make("system.slice/cron.service");
    CgroupTable table(root_);
    EXPECT_EQ(table.unit_of(first).unit, "cron.service");
    for (int i = 0; i < 200; ++i) {    // no pause between: each question comes right after its group was made
        const std::string name = "made-" + std::to_string(i) + ".service";
        ASSERT_EQ(table.unit_of(make("system.slice/" + name)).unit, name);
    }
    const auto deep = make("user.slice/user-1000.slice/user@1000.service/app.slice/app-mail-7.scope");
    EXPECT_EQ(table.unit_of(deep).application, "mail") << "made with all its parents between two questions";
}

TEST_F(CgroupTableTest, OfAGroupThatIsGoneOrWasNeverShownNothingIsKnown)
{
    CgroupTable table(root_);
    const auto gone = make("gone.service"), remembered = make("left.service");
    std::filesystem::remove(root_ / "gone.service");
    EXPECT_EQ(table.unit_of(gone).unit, std::nullopt);
    EXPECT_EQ(table.unit_of(0).unit, std::nullopt);
    EXPECT_EQ(table.unit_of(remembered).unit, "left.service");
    std::filesystem::remove(root_ / "left.service");
    EXPECT_EQ(table.unit_of(remembered).unit, "left.service") << "ids are not used again";
}

TEST_F(CgroupTableTest, AFloodOfGroupsLosesNone)
{
    CgroupTable table(root_);
    EXPECT_EQ(table.unit_of(make("first.service")).unit, "first.service");
    std::uint64_t last = 0;
    for (int i = 0; i < 3000; ++i)
        last = make("flood-" + std::to_string(i) + ".service");
    EXPECT_EQ(table.unit_of(last).unit, "flood-2999.service");
}

}    // namespace
}    // namespace dl::agent::identity
