// verify() finds what somebody or the disk changed, and says what mends it.
#include "store_room.hpp"

#include <gmock/gmock.h>

namespace dl::collector::store {
namespace {

using testing::HasSubstr;

class VerifyTest : public testing::Test {
protected:
    VerifyTest()
    {
        const auto store = open_usage(usage_, Open::create);
        commit(
            *store,
            {ReportBuilder(1).add({.device = 1, .person = 1, .host = "a.example", .application = "firefox"}).report(),
             ReportBuilder(2).add({.device = 2, .person = 2, .host = "b.example"}).report()});
        rows(*store, {});    // rolled up
    }

    /// What verify says after this was done to the file; "sound" when it says nothing.
    std::string after(const std::string& sql)
    {
        std::filesystem::copy_file(usage_, directory_ / "copy", std::filesystem::copy_options::overwrite_existing);
        execute(directory_ / "copy", sql);
        const auto verified = open_usage(directory_ / "copy", Open::read_only)->verify();
        return verified ? "sound" : verified.error().message;
    }

    TemporaryDirectory directory_;
    std::filesystem::path usage_ = directory_ / "usage.sqlite";
};

TEST_F(VerifyTest, FactsThatStandOnNothingNeedABackup)
{
    EXPECT_EQ(after("SELECT 1"), "sound");
    for (const char* table : {"devices", "persons", "destinations", "applications", "epochs", "observers"}) {
        const std::string said = after(fmt::format("DELETE FROM {} WHERE id = 1", table));
        EXPECT_THAT(said, HasSubstr("which is not there")) << table;
        EXPECT_THAT(said, HasSubstr("restore a backup")) << table;
    }
}

TEST_F(VerifyTest, RollUpsThatDifferAreRebuilt)
{
    const std::pair<const char*, const char*> cases[] = {
        {"UPDATE day_use SET connections = 9 WHERE device = 1", "differ at"},
        {"DELETE FROM day_use WHERE device = 2", "lacks"},
        {"INSERT INTO day_use SELECT day, 1, 2, label, unit, source, 1, 1, 1, 0, 0 FROM day_use WHERE device = 1",
         "no fact stands behind"},
        {"INSERT INTO day_use SELECT day + 9, device, person, label, unit, source, 1, 1, 1, 0, 0 FROM day_use",
         "device-days without facts"},
    };
    for (const auto& [sql, words] : cases) {
        const std::string said = after(sql);
        EXPECT_THAT(said, HasSubstr(words)) << sql;
        EXPECT_THAT(said, HasSubstr("verify --rebuild")) << sql;
        const auto store = open_usage(directory_ / "copy", Open::read_write);
        ASSERT_TRUE(store->rebuild().has_value());
        const auto verified = store->verify();
        EXPECT_TRUE(verified.has_value()) << sql << ": " << verified.error().message;
        EXPECT_EQ(rows(*store, {}).at(0).connections, 2U);
    }
}

TEST_F(VerifyTest, ADamagedFileIsSaidToBe)
{
    execute(usage_, "PRAGMA wal_checkpoint(TRUNCATE)");
    const auto size = std::filesystem::file_size(usage_);
    FILE* file = std::fopen(usage_.c_str(), "r+");
    ASSERT_NE(file, nullptr);
    for (std::uintmax_t page = 5; page < size / 4096; ++page) {    // the first keep the schema
        std::fseek(file, static_cast<long>(page * 4096), SEEK_SET);
        std::fputs("\x0d\xff\xff\xff\xff", file);
    }
    std::fclose(file);
    const auto opened = open_sqlite_usage_store(usage_, Open::read_only);
    const auto verified = opened ? (*opened)->verify() : Result<void>(opened.error());
    ASSERT_TRUE(verified.has_error());
    EXPECT_THAT(verified.error().message, HasSubstr("restore a backup"));
    EXPECT_EQ(verified.error().message.find('\n'), std::string::npos);
}

TEST(StateVerify, NamesTheDocumentThatSomebodyWrotePastIt)
{
    const TemporaryDirectory directory;
    const auto file = directory / "state.sqlite";
    const auto state = std::move(*open_sqlite_state_store(file, Open::create));
    ASSERT_TRUE(state->put_if_version("accounts", "E1001", 0, {{"role", "security"}}));
    ASSERT_TRUE(state->put_if_version("accounts", "E1001", 1, {{"role", "operations"}}));
    ASSERT_TRUE(state->put_if_version("accounts", "E1002", 0, {{"role", "operations"}}));
    ASSERT_TRUE(state->put_if_version("accounts", "E1002", 1, nullptr));
    ASSERT_TRUE(state->verify());
    const std::pair<const char*, const char*> cases[] = {
        {R"(UPDATE documents SET json = '{"role":"security"}' WHERE key = 'E1001')",
         "accounts/E1001 is not as its last change"},
        {"UPDATE documents SET json = '{}' WHERE key = 'E1002'", "accounts/E1002 is not as its last change"},
        {"INSERT INTO documents VALUES('accounts', 'E1003', 1, '{}')", "accounts/E1003 is not as its last change"},
        {"DELETE FROM documents WHERE key = 'E1001'", "accounts/E1001 is gone"},
    };
    for (const auto& [sql, words] : cases) {
        execute(file, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM documents");
        execute(file, sql);
        const auto verified = state->verify();
        ASSERT_TRUE(verified.has_error()) << sql;
        EXPECT_THAT(verified.error().message, HasSubstr(words)) << sql;
        EXPECT_THAT(verified.error().message, HasSubstr("restore a backup"));
        execute(file, "DELETE FROM documents; INSERT INTO documents SELECT * FROM kept");
        ASSERT_TRUE(state->verify());
    }
}

}    // namespace
}    // namespace dl::collector::store
