#include "collector/access/audit_heads.hpp"
#include "tests/unit/collector/store/store_room.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sys/stat.h>

namespace dl::collector::access {
namespace {

using store::TemporaryDirectory;
using testing::HasSubstr;

constexpr Day monday{std::chrono::days(20'500)};

class AuditHeads : public testing::Test {
protected:
    AuditHeads()
        : state_(std::move(store::open_sqlite_state_store(folder_ / "state.sqlite", store::Open::create).value())),
          chain_(*state_)
    {
        add(3);
    }
    void add(int entries)
    {
        for (int entry = 0; entry < entries; ++entry)
            ASSERT_TRUE(chain_.append(Timestamp{}, "console:E1001", "user.add", "E1002"));
    }

    TemporaryDirectory folder_;
    std::unique_ptr<store::StateStore> state_;
    AuditChain chain_;
    std::filesystem::path file_ = folder_ / "audit-heads";
};

TEST_F(AuditHeads, AreExportedOnceADay)
{
    EXPECT_TRUE(read_heads(file_)->empty());
    EXPECT_TRUE(export_head(chain_, file_, monday).value());
    struct stat status {};
    ASSERT_EQ(stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    add(2);
    EXPECT_FALSE(export_head(chain_, file_, monday).value());
    EXPECT_FALSE(export_head(chain_, file_, monday - std::chrono::days(1)).value()) << "a clock that was set back";
    std::ofstream(file_, std::ios::app) << "audit-head 2026-02-1";    // a full disk cut it
    EXPECT_TRUE(export_head(chain_, file_, monday + std::chrono::days(1)).value());
    const auto heads = read_heads(file_).value();
    ASSERT_EQ(heads.size(), 2U);
    EXPECT_EQ(heads[0].sequence, 3U);
    EXPECT_EQ(heads[1], chain_.head(monday + std::chrono::days(1)).value());
    EXPECT_EQ(chain_.verify(monday, heads)->sequence, 5U);
}

TEST_F(AuditHeads, OfAnEmptyChainAreNotExported)
{
    const TemporaryDirectory folder;
    const auto state = std::move(store::open_sqlite_state_store(folder / "state.sqlite", store::Open::create).value());
    AuditChain chain{*state};
    EXPECT_FALSE(export_head(chain, folder / "audit-heads", monday).value());
    EXPECT_EQ(chain.verify(monday)->sequence, 0U);
}

TEST_F(AuditHeads, AreReadFromAJournalToo)
{
    const AuditHead head = chain_.head(monday).value();
    const std::string text = "Nov 22 05:00:00 host daylight-collector[7]: [2026-11-22] [info] " + to_line(head) +
                             "\naudit-head never 3 x\naudit-head 2026-11-22 5\nnothing of it\n" + to_line(head) +
                             "\r\n";
    EXPECT_EQ(parse_heads(text), (std::vector<AuditHead>{head, head}));
}

TEST_F(AuditHeads, TellAChainThatWasCut)
{
    add(2);
    const AuditHead kept = chain_.head(monday).value();
    // Whoever may write the store takes the last entry out, and its traces with it.
    state_.reset();
    store::execute(folder_ / "state.sqlite",
                   "DELETE FROM documents WHERE collection = 'audit' AND key = '000000000005';"
                   "DELETE FROM documents WHERE collection = 'audit-head';"
                   "DELETE FROM changes WHERE key IN ('000000000005', 'head')");
    state_ = std::move(store::open_sqlite_state_store(folder_ / "state.sqlite", store::Open::read_only).value());
    AuditChain cut{*state_};
    EXPECT_TRUE(state_->verify());
    EXPECT_EQ(cut.verify(monday)->sequence, 4U) << "in itself it is whole";
    EXPECT_THAT(cut.verify(monday, {&kept, 1}).error().message, HasSubstr("ends at entry 4"));
}

TEST_F(AuditHeads, TellAChainThatWasRewritten)
{
    const AuditHead kept = chain_.head(monday).value();
    // A whole new chain of the same length, each entry fitting the one before.
    const TemporaryDirectory other;
    const auto state = std::move(store::open_sqlite_state_store(other / "state.sqlite", store::Open::create).value());
    AuditChain rewritten{*state};
    for (int entry = 0; entry < 4; ++entry)
        ASSERT_TRUE(rewritten.append(Timestamp{}, "console:E1001", "user.add", "E1009"));
    EXPECT_TRUE(rewritten.verify(monday));
    const auto said = rewritten.verify(monday, {&kept, 1});
    EXPECT_THAT(said.error().message, HasSubstr("audit entry 3 is not the one whose hash was kept"));
    EXPECT_THAT(said.error().message, HasSubstr("compare with the last backup"));
}

TEST_F(AuditHeads, AnEntryThatCantBeReadIsNamed)
{
    const auto second = state_->get("audit", "000000000002").value();
    ASSERT_TRUE(state_->put_if_version("audit", "000000000002", second->version, {{"who", 7}}));
    EXPECT_THAT(chain_.verify(monday).error().message, HasSubstr("audit entry 000000000002 can't be read"));
}

}    // namespace
}    // namespace dl::collector::access
