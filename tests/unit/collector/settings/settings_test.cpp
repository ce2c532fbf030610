#include "collector/settings.hpp"

#include "tests/unit/generated_file.hpp"

#include <gtest/gtest.h>

namespace dl::collector {
namespace {

std::string error_of(std::string_view text)
{
    const auto loaded = settings_table().read(config::parse_text(text, "collector.json").value(), "/etc/daylight");
    return loaded ? "(no error)" : loaded.error().message;
}

TEST(CollectorSettings, TheShippedFileNamesEverySettingAndItsDefault)
{
    const auto loaded = load_described_settings(DAYLIGHT_SOURCE_DIR "/config/collector.json");
    ASSERT_TRUE(loaded) << loaded.error().message;
    for (const config::EffectiveSetting& setting : loaded->effective)
        EXPECT_NE(setting.source, "default") << setting.key;
    const Settings& settings = loaded->settings;
    EXPECT_EQ(settings.data_directory, DAYLIGHT_SOURCE_DIR "/data/collector");
    EXPECT_EQ(settings.catalog_directory, DAYLIGHT_SOURCE_DIR "/config/catalog");
    EXPECT_EQ(settings.people_file, DAYLIGHT_SOURCE_DIR "/config/people.csv");
    const Settings defaults;
    EXPECT_EQ(settings.agents_listen, defaults.agents_listen);
    EXPECT_EQ(settings.agents_names, defaults.agents_names);
    EXPECT_EQ(settings.api_listen, defaults.api_listen);
    EXPECT_EQ(settings.retention_days, defaults.retention_days);
    EXPECT_EQ(settings.certificate_days, defaults.certificate_days);
    EXPECT_EQ(settings.small_group, defaults.small_group);
    EXPECT_EQ(settings.small_group_own_unit, defaults.small_group_own_unit);
    EXPECT_EQ(settings.use_threshold_people, defaults.use_threshold_people);
}

TEST(CollectorSettings, ListenersAreChecked)
{
    for (const char* good : {"0.0.0.0:8443", "127.0.0.1:0", "[::]:443"})
        EXPECT_EQ(error_of(R"({"data_directory": "d", "agents": {"listen": ")" + std::string(good) + "\"}}"),
                  "(no error)");
    for (const char* bad :
         {"8443", ":8443", "localhost:8443", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:8443", "1.2.3.4:8x"})
        EXPECT_EQ(error_of(R"({"data_directory": "d", "agents": {"listen": ")" + std::string(bad) + "\"}}"),
                  "collector.json:1: agents.listen: must be ADDRESS:PORT, such as 127.0.0.1:8443 or [::1]:8443");
    EXPECT_EQ(error_of(R"({"data_directory": "d", "api": {"listen": "0.0.0.0:8480"}})"),
              "collector.json:1: api.listen: must be on loopback, because page and API are plain HTTP; give "
              "127.0.0.1:PORT and "
              "put a TLS proxy in front");
    EXPECT_EQ(error_of(R"({"data_directory": "d", "api": {"listen": "[::1]:8480"}})"), "(no error)");
    EXPECT_EQ(
        error_of(R"({"data_directory": "d", "agents": {"names": ["ok.example", "no name"]}})"),
        "collector.json:1: agents.names[1]: is neither a host name nor an address; give one that agents connect to");
}

TEST(CollectorSettings, TwoListenersDontShareAPort)
{
    const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "daylight-listeners.json";
    const auto failure = [&](const std::string& agents, const std::string& api) {
        std::ofstream(file) << R"({"data_directory": "d",)"
                               "\n"
                               R"("agents": {"listen": ")"
                            << agents << "\"},\n\"api\": {\"listen\": \"" << api << "\"}}";
        const Result<Settings> settings = load_settings(file);
        return settings ? std::string() : settings.error().message;
    };
    const std::string where = file.string() + ":3: agents.listen (";
    EXPECT_TRUE(failure("127.0.0.1:8443", "127.0.0.1:8443").starts_with(where));
    EXPECT_TRUE(failure("0.0.0.0:8443", "127.0.0.1:8443").starts_with(where));
    EXPECT_TRUE(failure("[::]:8443", "127.0.0.1:8443").starts_with(where));
    EXPECT_EQ(failure("127.0.0.2:8443", "127.0.0.1:8443"), "");
    EXPECT_EQ(failure("127.0.0.1:0", "127.0.0.1:0"), "") << "the system picks different ones";
    EXPECT_EQ(failure("127.0.0.1:8443", "127.0.0.1:8480"), "");
    std::filesystem::remove(file);
}

TEST(CollectorSettings, SmallGroupsAreNotSmallerInTheUnitItself)
{
    const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "daylight-small-group.json";
    std::ofstream(file) << R"({"data_directory": "d", "small_group": {"people": 20}})";
    const Result<Settings> settings = load_settings(file);
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().message,
              file.string() + ": small_group.own_unit (10) is below small_group.people (20); raise it");
    EXPECT_NE(error_of(R"({"data_directory": "d", "small_group": {"people": 1}})"), "(no error)");
    std::filesystem::remove(file);
}

TEST(CollectorReferences, FollowTheTable)
{
    const auto known = settings_table().descriptions();
    tests::expect_generated("docs/reference-settings-collector.md",
                            config::reference_page("daylight-collector", "collector.json", known));
    tests::expect_generated("config/collector.schema.json",
                            config::json_schema("Settings of daylight-collector", known).dump(2) + "\n");
}

}    // namespace
}    // namespace dl::collector
