// A file of an earlier schema is brought up to date where it is opened for writing, whole or not at all, whenever the
// program is killed; a file of a later one is refused.
#include "store_room.hpp"

#include "collector/store/sqlite/backup.hpp"

#include "collector/store/sqlite/schema.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <sys/wait.h>

namespace dl::collector::store {
namespace {

using testing::HasSubstr;

const auto latest = static_cast<std::int64_t>(usage_schema().steps.size());

std::int64_t integer(const std::filesystem::path& file, const char* sql)
{
    sqlite3* database = nullptr;
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_prepare_v2(database, sql, -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    const std::int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}

/// A file as the release before left it.
void make_schema_1(const std::filesystem::path& file)
{
    std::ifstream in(DAYLIGHT_SOURCE_DIR "/tests/unit/collector/store/schema_1.sql");
    std::ostringstream sql;
    sql << in.rdbuf();
    ASSERT_GT(sql.str().size(), 1000U);
    execute(file, sql.str());
}

/// Everything that was in the file is there, means what it meant, and goes on.
void expect_all_of_it(const std::filesystem::path& file)
{
    const auto store = open_usage(file, Open::read_write);
    EXPECT_EQ(integer(file, "PRAGMA user_version"), latest);
    EXPECT_EQ(integer(file, "SELECT count(*) FROM pragma_table_info('placements') WHERE name = 'person'"), 1);
    const auto verified = store->verify();
    EXPECT_TRUE(verified.has_value()) << verified.error().message;
    const auto totals = store->totals(day(0), day(2));
    EXPECT_EQ(totals->cells, 5U);
    EXPECT_EQ(totals->bytes_down, 99'020U);
    EXPECT_EQ(store->incarnation(), numbered<StoreIncarnation>(77)) << "another one would make agents send all again";
    EXPECT_EQ((*store->held(numbered<AgentId>(1), numbered<Epoch>(1001)))->revision, 4U);
    EXPECT_EQ(store->observers()->at(0).quarantined, 2U);
    const auto by_unit = rows(*store, {By::unit, By::label});
    ASSERT_EQ(by_unit.size(), 4U);
    for (const Row& row : by_unit)
        if (row.unit == "sales" && row.label == "crm") {
            EXPECT_EQ(row.people, 1U);
            EXPECT_EQ(row.connections, 7U);
            EXPECT_EQ(row.days, 2U);
        }
    // What is new in schema 2 works: two accounts of one person count once.
    Dimensions dimensions;
    dimensions.stamp = "catalogue 2, directory 2";
    for (const auto& known : *store->destinations(false))
        dimensions.destinations.push_back({known.id, "service", "crm", "customers"});
    for (const int account : {100'001, 100'002})
        dimensions.people.push_back({numbered<Pseudonym>(static_cast<std::uint64_t>(account)), "sales", Day::min(),
                                     Day::max(), numbered<Pseudonym>(555)});
    ASSERT_TRUE(store->label(dimensions).has_value());
    EXPECT_EQ(rows(*store, {By::label}).at(0).people_known, 1U);
}

TEST(StoreMigration, ASchema1StoreBecomesTheLatestWithAllThatItHeld)
{
    const TemporaryDirectory directory;
    make_schema_1(directory / "usage.sqlite");
    EXPECT_EQ(integer(directory / "usage.sqlite", "PRAGMA user_version"), 1);
    expect_all_of_it(directory / "usage.sqlite");
}

TEST(StoreMigration, AReaderDoesNotMigrateAndSaysWhoDoes)
{
    const TemporaryDirectory directory;
    make_schema_1(directory / "usage.sqlite");
    const auto reader = open_sqlite_usage_store(directory / "usage.sqlite", Open::read_only);
    ASSERT_TRUE(reader.has_error());
    EXPECT_THAT(reader.error().message, HasSubstr("start daylight-collector serve once"));
    EXPECT_EQ(integer(directory / "usage.sqlite", "PRAGMA user_version"), 1);
}

int statements_left = 0;

/// Kills the process before the statement that statements_left counts down to.
int on_statement(unsigned, void*, void*, void*)
{
    if (--statements_left < 0) raise(SIGKILL);
    return 0;
}

int watch_statements(sqlite3* database, const char**, const sqlite3_api_routines*)
{
    return sqlite3_trace_v2(database, SQLITE_TRACE_STMT, on_statement, nullptr);
}

/// Opens the file in a process that dies before its statement number `nth`; false when there were fewer.
bool open_and_die(const std::filesystem::path& file, int nth)
{
    const pid_t child = fork();
    if (child == 0) {
        statements_left = nth;
        sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch_statements));
        const auto store = open_sqlite_usage_store(file, Open::read_write);
        _exit(store ? 0 : 9);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
        EXPECT_EQ(WEXITSTATUS(status), 0) << "the store was not opened";
        return false;
    }
    return WTERMSIG(status) == SIGKILL;
}

TEST(StoreMigration, KilledBeforeAnyOfItsStatementsItIsDoneByTheNextStart)
{
    int killed_before_and_after[2] = {};
    for (int nth = 0;; ++nth) {
        const TemporaryDirectory directory;
        const auto file = directory / "usage.sqlite";
        make_schema_1(file);
        const bool killed = open_and_die(file, nth);
        const std::int64_t version = integer(file, "PRAGMA user_version");
        ASSERT_TRUE(version == 1 || version == latest);
        if (killed) ++killed_before_and_after[version == latest];
        expect_all_of_it(file);
        if (!killed) break;
        ASSERT_LT(nth, 1000);
    }
    EXPECT_GE(killed_before_and_after[0], 7)
        << "settings, BEGIN, two ALTER TABLEs, CREATE TABLE, PRAGMA user_version, COMMIT";
    EXPECT_GE(killed_before_and_after[1], 1);
}

TEST(StoreMigration, ABackupOfSchema1IsRestoredAsTheLatest)
{
    const TemporaryDirectory directory;
    make_schema_1(directory / "old");
    ASSERT_TRUE(open_sqlite_state_store(directory / "state.sqlite", Open::create).has_value());
    execute(directory / "state.sqlite", "PRAGMA journal_mode=DELETE");
    std::ifstream in(directory / "state.sqlite", std::ios::binary);
    std::string hex;
    for (int octet = in.get(); octet >= 0; octet = in.get())
        hex += fmt::format("{:02x}", octet);
    // As the release before wrote a backup.
    execute(directory / "old",
            "PRAGMA journal_mode=DELETE; CREATE TABLE backup_files(path TEXT PRIMARY KEY, mode INTEGER NOT "
            "NULL, content BLOB NOT NULL); PRAGMA application_id=0x444c4231;"
            "INSERT INTO backup_files VALUES('state.sqlite', 384, x'" +
                hex + "')");
    const auto restored = restore(directory / "old", directory / "data");
    ASSERT_TRUE(restored.has_value()) << restored.error().message;
    const auto store = open_usage(directory / "data" / "usage.sqlite", Open::read_write);
    EXPECT_EQ(store->totals(day(0), day(2))->bytes_down, 99'020U);
    EXPECT_NE(store->incarnation(), numbered<StoreIncarnation>(77));
    EXPECT_TRUE(store->verify().has_value());
}

TEST(StoreMigration, AFileOfALaterSchemaIsRefusedInOneLineAndLeftAlone)
{
    const TemporaryDirectory directory;
    open_usage(directory / "usage.sqlite", Open::create).reset();
    ASSERT_TRUE(open_sqlite_state_store(directory / "state.sqlite", Open::create).has_value());
    for (const char* name : {"usage.sqlite", "state.sqlite"})
        execute(directory / name, "PRAGMA user_version=99");
    for (const Open how : {Open::read_write, Open::read_only}) {
        const std::string usage = open_sqlite_usage_store(directory / "usage.sqlite", how).error().message;
        const std::string state = open_sqlite_state_store(directory / "state.sqlite", how).error().message;
        for (const std::string& line : {usage, state}) {
            EXPECT_THAT(line, HasSubstr("schema version 99"));
            EXPECT_THAT(line, HasSubstr("newer daylight-collector"));
            EXPECT_EQ(line.find('\n'), std::string::npos);
        }
    }
    EXPECT_EQ(integer(directory / "usage.sqlite", "PRAGMA user_version"), 99);
    EXPECT_THAT(back_up(directory.path(), directory / "backup").error().message, HasSubstr("newer"));
}

}    // namespace
}    // namespace dl::collector::store
