// A backup holds one moment, carries the digest of what it holds, and is refused where it holds anything else.
#include "store_room.hpp"

#include "collector/store/sqlite/backup.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>

namespace dl::collector::store {
namespace {

class StoreBackupTest : public testing::Test {
protected:
    StoreBackupTest()
    {
        std::filesystem::create_directories(data_ / "keys");
        std::ofstream(data_ / "keys" / "collector.key") << "secret";
        chmod((data_ / "keys" / "collector.key").c_str(), 0600);
        std::ofstream(data_ / "collector.lock") << "1";
        usage_ = open_usage(data_ / "usage.sqlite", Open::create);
        state_ = std::move(*open_sqlite_state_store(data_ / "state.sqlite", Open::create));
        EXPECT_TRUE(state_->put_if_version("tokens", "t", 0, {{"n", 1}}).has_value());
        for (int n = 1; n < 40; ++n)
            EXPECT_TRUE(
                usage_->commit(std::vector<FoldedReport>{ReportBuilder(n).add({.device = n}).report()}).has_value());
    }

    TemporaryDirectory directory_;
    std::filesystem::path data_ = directory_ / "data";
    std::unique_ptr<UsageStore> usage_;
    std::unique_ptr<StateStore> state_;
};

TEST_F(StoreBackupTest, BringsStoresAndKeysBackWithANewIncarnation)
{
    const auto file = directory_ / "backup";
    const auto written = back_up(data_, file);
    ASSERT_TRUE(written.has_value()) << written.error().message;
    struct stat status {};
    ASSERT_EQ(stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    commit(*usage_, {ReportBuilder(50).add({.device = 50}).report()});    // not in the backup

    const auto restored = restore(file, directory_ / "again", *written);
    ASSERT_TRUE(restored.has_value()) << restored.error().message;
    EXPECT_EQ(*restored, *written);
    const auto again = open_usage(directory_ / "again" / "usage.sqlite", Open::read_write);
    EXPECT_NE(again->incarnation(), usage_->incarnation());
    EXPECT_EQ(rows(*again, {}).at(0).devices, 39U);
    EXPECT_TRUE(again->verify().has_value());
    EXPECT_TRUE((*again->held(numbered<AgentId>(1), numbered<Epoch>(1001))).has_value());
    const auto state = open_sqlite_state_store(directory_ / "again" / "state.sqlite", Open::read_write);
    EXPECT_EQ((*(*state)->get("tokens", "t"))->value.at("n"), 1);
    std::string key;
    std::ifstream(directory_ / "again" / "keys" / "collector.key") >> key;
    EXPECT_EQ(key, "secret");
    EXPECT_FALSE(std::filesystem::exists(directory_ / "again" / "collector.lock"));
    EXPECT_FALSE(std::filesystem::exists(directory_ / "again.restoring"));
}

TEST_F(StoreBackupTest, ABackupUnderLoadIsOneMoment)
{
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        auto store = open_sqlite_usage_store(data_ / "usage.sqlite", Open::read_write);
        for (int n = 100; store; ++n)
            if (!(*store)->commit(std::vector<FoldedReport>{
                    ReportBuilder(n).add({.device = n}).add({.device = n, .host = "b.example"}).report()}))
                _exit(1);
        _exit(2);
    }
    std::string failed;
    for (int round = 0; round < 5 && failed.empty(); ++round)
        if (const auto written = back_up(data_, directory_ / ("backup" + std::to_string(round))); !written)
            failed = written.error().message;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    ASSERT_EQ(failed, "");
    for (int round = 0; round < 5; ++round) {
        const auto into = directory_ / ("again" + std::to_string(round));
        ASSERT_TRUE(restore(directory_ / ("backup" + std::to_string(round)), into).has_value());
        const auto again = open_usage(into / "usage.sqlite", Open::read_write);
        EXPECT_TRUE(again->verify().has_value());
        EXPECT_EQ((again->totals(day(0), day(1))->cells - 39) % 2, 0U) << "half a report";
    }
}

TEST_F(StoreBackupTest, NothingIsOverwrittenAndStrangersFilesAreRefused)
{
    const auto file = directory_ / "backup";
    ASSERT_TRUE(back_up(data_, file).has_value());
    EXPECT_EQ(back_up(data_, file).error().kind, Failure::Kind::conflict);
    EXPECT_EQ(restore(file, data_).error().kind, Failure::Kind::conflict);
    EXPECT_THAT(restore(data_ / "usage.sqlite", directory_ / "x").error().message, testing::HasSubstr("no backup"));
    EXPECT_EQ(restore(directory_ / "none", directory_ / "x").error().kind, Failure::Kind::not_found);
    std::ofstream(directory_ / "garbage") << std::string(9000, 'g');
    EXPECT_TRUE(restore(directory_ / "garbage", directory_ / "x").has_error());
    EXPECT_TRUE(back_up(directory_ / "none", directory_ / "y").has_error());
    EXPECT_FALSE(std::filesystem::exists(directory_ / "x"));
    EXPECT_FALSE(std::filesystem::exists(directory_ / "y.partial"));
    std::filesystem::create_directory(directory_ / "empty");
    EXPECT_TRUE(restore(file, directory_ / "empty").has_value());
}

/// Every octet of a file.
std::string octets(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_octets(const std::filesystem::path& file, std::string_view content)
{
    std::ofstream(file, std::ios::binary | std::ios::trunc)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
}

/// What a backup of this content is refused with; empty when it is taken.
std::string refusal(const TemporaryDirectory& directory, std::string_view content)
{
    write_octets(directory / "spoilt", content);
    const auto checked = check_backup(directory / "spoilt");
    const auto restored = restore(directory / "spoilt", directory / "from-spoilt");
    EXPECT_EQ(checked.has_value(), restored.has_value());
    if (restored) {
        std::filesystem::remove_all(directory / "from-spoilt");
        return {};
    }
    EXPECT_EQ(checked.error().message, restored.error().message);
    EXPECT_FALSE(std::filesystem::exists(directory / "from-spoilt"));
    EXPECT_FALSE(std::filesystem::exists(directory / "from-spoilt.restoring"));
    EXPECT_EQ(restored.error().message.find('\n'), std::string::npos);
    return restored.error().message;
}

TEST_F(StoreBackupTest, ABitFlippedInARowOrAFileIsFoundAndNamed)
{
    const auto file = directory_ / "backup";
    ASSERT_TRUE(back_up(data_, file).has_value());
    const std::string whole = octets(file);
    const auto flipped = [&](std::size_t at) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ 0x04);
        return refusal(directory_, bytes);
    };
    EXPECT_THAT(flipped(whole.find("app.example.net") + 2), testing::HasSubstr("destinations"));
    EXPECT_THAT(flipped(whole.find("secret")), testing::HasSubstr("file keys/collector.key is not what was written"));
    EXPECT_THAT(flipped(whole.find("1.0") + 2), testing::HasSubstr("table observers is not what was written"));
    EXPECT_THAT(flipped(whole.find(R"({"n":1})") + 5), testing::HasSubstr("file state.sqlite is not what was written"));
}

TEST_F(StoreBackupTest, WhereverABitIsFlippedNothingOtherIsRestored)
{
    const auto file = directory_ / "backup";
    const auto written = back_up(data_, file);
    ASSERT_TRUE(written.has_value());
    const std::string whole = octets(file);
    std::size_t refused = 0, tried = 0;
    for (std::size_t at = 0; at < whole.size(); at += at < 200 ? 1 : 997) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
        write_octets(directory_ / "spoilt", bytes);
        ++tried;
        // Where it is taken, the flip was in octets without content: the same digest, so the same content.
        if (const auto checked = check_backup(directory_ / "spoilt"))
            EXPECT_EQ(*checked, *written) << "octet " << at;
        else
            ++refused;
    }
    EXPECT_GT(refused, tried / 20);
}

TEST_F(StoreBackupTest, ACutBackupIsRefused)
{
    const auto file = directory_ / "backup";
    ASSERT_TRUE(back_up(data_, file).has_value());
    const std::string whole = octets(file);
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{50}, std::size_t{4096}, whole.size() / 2, whole.size() - 4096, whole.size() - 1})
        EXPECT_THAT(refusal(directory_, std::string_view(whole).substr(0, size)),
                    testing::AnyOf(testing::HasSubstr("damaged or not whole"), testing::HasSubstr("no backup")))
            << size << " octets";
    EXPECT_EQ(refusal(directory_, whole), "");
}

TEST_F(StoreBackupTest, OctetsBehindABackupAreRefused)
{
    const auto file = directory_ / "backup";
    ASSERT_TRUE(back_up(data_, file).has_value());
    const std::string whole = octets(file);
    EXPECT_THAT(refusal(directory_, whole + "x"), testing::HasSubstr("goes on for 1 octets after its end"));
    EXPECT_THAT(refusal(directory_, whole + std::string(4096, '\0')), testing::HasSubstr("goes on for 4096 octets"));
    EXPECT_THAT(refusal(directory_, whole + whole), testing::HasSubstr("after its end"));
}

TEST_F(StoreBackupTest, WhatWasChangedInABackupIsNamed)
{
    const auto file = directory_ / "backup";
    const auto written = back_up(data_, file);
    ASSERT_TRUE(written.has_value());
    const std::string whole = octets(file);
    const std::pair<const char*, const char*> cases[] = {
        {"UPDATE facts SET bytes_up = bytes_up + 1 WHERE device = 3", "table facts is not what was written"},
        {"DELETE FROM facts WHERE device = 3", "table facts has 38 rows, 39 were written"},
        {"DELETE FROM backup_files WHERE path = 'keys/collector.key'", "file keys/collector.key is missing"},
        {"INSERT INTO backup_files VALUES('keys/another', 384, 'x')", "file keys/another was not in it"},
        {"UPDATE backup_files SET mode = 420 WHERE path = 'keys/collector.key'", "file keys/collector.key is not what"},
        {"CREATE TRIGGER t AFTER INSERT ON facts BEGIN DELETE FROM facts; END", "schema has"},
        {"DROP TABLE mixed_days", "schema has"},
        {"DROP TABLE backup_contents", "does not fit its kind"},
        {"PRAGMA application_id=0x444c4231", "does not fit its kind"},
        {"PRAGMA user_version=99", "newer daylight-collector"},
        {"PRAGMA user_version=1", "schema is not what was written"},
    };
    for (const auto& [sql, words] : cases) {
        write_octets(directory_ / "changed", whole);
        execute(directory_ / "changed", sql);
        const auto checked = check_backup(directory_ / "changed");
        ASSERT_TRUE(checked.has_error()) << sql;
        EXPECT_THAT(checked.error().message, testing::HasSubstr(words)) << sql;
    }
    // Who changes the digests, too, makes a whole backup: but not the one whose digest was kept.
    write_octets(directory_ / "changed", whole);
    execute(directory_ / "changed", "DELETE FROM backup_files WHERE path = 'keys/collector.key'; "
                                    "DELETE FROM backup_contents WHERE part = 'file keys/collector.key'");
    EXPECT_TRUE(check_backup(directory_ / "changed").has_value());
    EXPECT_THAT(check_backup(directory_ / "changed", *written).error().message,
                testing::HasSubstr("not the one that was given"));
}

TEST_F(StoreBackupTest, ABackupOfTheFirstVersionIsRestoredWithoutADigest)
{
    const auto file = directory_ / "backup";
    const auto written = back_up(data_, file);
    ASSERT_TRUE(written.has_value());
    execute(file, "DROP TABLE backup_contents; PRAGMA application_id=0x444c4231");
    EXPECT_THAT(restore(file, directory_ / "again", *written).error().message, testing::HasSubstr("not told"));
    const auto restored = restore(file, directory_ / "again");
    ASSERT_TRUE(restored.has_value()) << restored.error().message;
    EXPECT_EQ(*restored, "");
    EXPECT_EQ(open_usage(directory_ / "again" / "usage.sqlite", Open::read_write)->totals(day(0), day(1))->cells, 39U);
}

}    // namespace
}    // namespace dl::collector::store
