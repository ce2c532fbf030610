#include "agent/settings.hpp"

#include "tests/unit/generated_file.hpp"

#include <gtest/gtest.h>

namespace dl::agent {
namespace {

std::string error_of(std::string_view member)
{
    const std::string text = R"({"data_directory": "d", )" + std::string(member) + "}";
    const auto loaded = settings_table().read(config::parse_text(text, "agent.json").value(), "/etc/daylight");
    return loaded ? "(no error)" : loaded.error().message;
}

TEST(AgentSettings, TheShippedFileStandsForTheDefaults)
{
    const Result<Settings> loaded = load_settings(DAYLIGHT_SOURCE_DIR "/config/agent.json");
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->collector, "https://127.0.0.1:8443");
    EXPECT_EQ(loaded->data_directory, DAYLIGHT_SOURCE_DIR "/data/agent");
    const Settings defaults;
    EXPECT_EQ(loaded->mode, defaults.mode);
    EXPECT_EQ(loaded->interface, "");
    EXPECT_EQ(loaded->flush_seconds, defaults.flush_seconds);
    EXPECT_EQ(loaded->report_seconds, defaults.report_seconds);
    EXPECT_EQ(loaded->report_jitter, defaults.report_jitter);
    EXPECT_EQ(loaded->dns_only, defaults.dns_only);
    EXPECT_EQ(loaded->ledger_limit_mb, defaults.ledger_limit_mb);
    EXPECT_EQ(loaded->keep_acknowledged_days, defaults.keep_acknowledged_days);
}

TEST(AgentSettings, AddressesAreChecked)
{
    for (const char* good : {"https://collector.corp.example:8443", "https://192.0.2.1", "https://[::1]:8443/"})
        EXPECT_EQ(error_of(R"("collector": ")" + std::string(good) + "\""), "(no error)") << good;
    for (const char* bad : {"http://c.example", "c.example:8443", "https://", "https://c.example/path",
                            "https://a:b@c.example", "https://c.example?x", "https://c.example:0"})
        EXPECT_EQ(error_of(R"("collector": ")" + std::string(bad) + "\""),
                  "agent.json:1: collector: must be https://HOST:PORT, as the collector's administrator gives it")
            << bad;
    EXPECT_EQ(error_of(R"("proxy": "http://proxy.corp.example:3128")"), "(no error)");
    EXPECT_EQ(error_of(R"("proxy": "none")"), "(no error)");
    EXPECT_NE(error_of(R"("proxy": "socks5://proxy.corp.example:1080")"), "(no error)");
    const std::string secret = error_of(R"("proxy": "http://anna:secret@proxy.corp.example:3128")");
    EXPECT_NE(secret.find("HTTPS_PROXY"), std::string::npos) << secret;
    EXPECT_EQ(secret.find("secret@"), std::string::npos) << secret;
}

TEST(AgentSettings, OtherMistakesAreTold)
{
    EXPECT_EQ(error_of(R"("mode": "tap")"), "agent.json:1: mode: is 'tap'; give one of endpoint, sensor");
    EXPECT_EQ(
        error_of(R"("ca_pin": "sha256:12")"),
        "agent.json:1: ca_pin: 'sha256:12' is no CA pin; it is sha256: and 64 hex digits, as the collector prints it");
    EXPECT_NE(error_of(R"("interface": "../etc")"), "(no error)");
    EXPECT_EQ(error_of(R"("interface": "enp0s31f6")"), "(no error)");
    EXPECT_EQ(error_of(R"("report_secs": 5)"),
              "agent.json:1: unknown key 'report_secs'; did you mean 'report_seconds'?");
}

TEST(AgentSettings, CaptureFileStandsAlone)
{
    const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "daylight-agent-capture.json";
    std::ofstream(file) << R"({"data_directory": "d", "capture_identities": "i.tsv"})";
    EXPECT_EQ(load_settings(file).error().message,
              file.string() + ": capture_identities needs capture_file; give both or remove it");
    std::ofstream(file) << R"({"data_directory": "d", "capture_file": "c.pcap", "interface": "lo"})";
    EXPECT_EQ(load_settings(file).error().message,
              file.string() + ": capture_file and interface exclude each other; remove one");
    std::filesystem::remove(file);
}

TEST(AgentReferences, FollowTheTable)
{
    const auto known = settings_table().descriptions();
    tests::expect_generated("docs/reference-settings-agent.md",
                            config::reference_page("daylight-agent", "agent.json", known));
    tests::expect_generated("config/agent.schema.json",
                            config::json_schema("Settings of daylight-agent", known).dump(2) + "\n");
}

}    // namespace
}    // namespace dl::agent
