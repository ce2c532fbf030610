// The catalogue that is shipped: it loads, it is large and broad enough, and it knows some four hundred hosts by hand.
#include "collector/catalog/catalog.hpp"
#include "shared/names/host_name.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace dl::collector::catalog {
namespace {

const Catalog& shipped()
{
    static const auto loaded = load_catalog(DAYLIGHT_SOURCE_DIR "/config/catalog");
    if (!loaded) throw std::runtime_error(loaded.error().message);
    return **loaded;
}

TEST(ShippedCatalog, IsLargeAndEveryCategoryHasServicesAndACapability)
{
    std::map<std::string, int> services;
    for (const Service& service : shipped().services()) {
        EXPECT_FALSE(service.name.empty()) << service.id;
        EXPECT_FALSE(service.vendor.empty()) << service.id;
        EXPECT_FALSE(service.capability.empty()) << service.id;
        ++services[service.category];
    }
    EXPECT_GE(shipped().services().size(), 1400U);
    EXPECT_GE(shipped().categories().size(), 60U);
    for (const Category& category : shipped().categories())
        EXPECT_GT(services[category.id], 0) << category.id;
}

TEST(ShippedCatalog, FindsServicesByIdAndHasAVersion)
{
    const Service* slack = shipped().service("slack");
    ASSERT_NE(slack, nullptr);
    EXPECT_EQ(slack->category, "team-chat");
    EXPECT_EQ(slack->capability, "Team chat");
    EXPECT_EQ(shipped().service("no-such"), nullptr);
    EXPECT_EQ(shipped().version().size(), 16U);
    EXPECT_TRUE(shipped().service("onedrive-personal")->personal);
    EXPECT_FALSE(shipped().service("onedrive-business")->personal);
}

TEST(ShippedCatalog, ClassifiesHostsWithKnownAnswers)
{
    std::ifstream table(DAYLIGHT_SOURCE_DIR "/tests/fixtures/classified-hosts.tsv");
    std::string line;
    std::size_t hosts = 0;
    while (std::getline(table, line)) {
        if (line.starts_with('#')) continue;
        const auto tab = line.find('\t');
        ASSERT_NE(tab, std::string::npos) << line;
        const std::string expected = line.substr(0, tab);
        std::istringstream names(line.substr(tab + 1));
        for (std::string host; names >> host; ++hosts) {
            const auto arrow = host.find('>');
            const std::string canonical = arrow == std::string::npos ? "" : host.substr(arrow + 1);
            const std::string name = host.substr(0, arrow);
            const Match match = shipped().match(name, canonical);
            EXPECT_EQ(match.label, expected) << host << " matched " << match.matched;
            const bool service = shipped().service(expected) != nullptr;
            EXPECT_EQ(match.kind, service                          ? Kind::service
                                  : expected.starts_with("noise:") ? Kind::noise
                                  : expected == "personal"         ? Kind::personal
                                                                   : Kind::unknown)
                << host;
            EXPECT_EQ(match.service != nullptr, service) << host;
        }
    }
    EXPECT_GT(hosts, 380U);
}

TEST(ShippedCatalog, NamesThePatternAndTheRoleThatDecided)
{
    const Match drive = shipped().match("contoso-my.sharepoint.com");
    EXPECT_EQ(drive.matched, "*-my.sharepoint.com");
    EXPECT_EQ(drive.role, "tenant");
    EXPECT_EQ(shipped().match("js.intercomcdn.com").role, "embedded");
    EXPECT_EQ(shipped().match("login.microsoftonline.com").role, "login");
    EXPECT_EQ(shipped().match("shop.myshopify.com").role, "hosted");
    EXPECT_TRUE(shipped().match("nobody-knows.example").matched.empty());
}

TEST(PersonalHosts, AreHostNamesListedOnceAndNoServiceOwnsOne)
{
    std::ifstream file(DAYLIGHT_SOURCE_DIR "/config/personal-hosts.txt");
    ASSERT_TRUE(file);
    std::set<std::string> seen;
    std::string line;
    while (std::getline(file, line)) {
        line = line.substr(0, line.find('#'));
        while (line.ends_with(' '))
            line.pop_back();
        if (line.empty()) continue;
        EXPECT_EQ(names::normalise_host(line), line);
        EXPECT_TRUE(seen.insert(line).second) << line << " twice";
        EXPECT_NE(names::registrable_domain("www." + line), "www." + line) << line << " is a public suffix";
        const Match match = shipped().match(line);
        EXPECT_TRUE(match.kind == Kind::unknown) << line << " belongs to " << match.label;
        EXPECT_EQ(shipped().match("app." + line).kind, Kind::unknown) << line;
    }
    EXPECT_GT(seen.size(), 300U);

    // The other way round: no pattern of a service lies below a personal host.
    for (const auto& folder : std::filesystem::directory_iterator(DAYLIGHT_SOURCE_DIR "/config/catalog/services")) {
        std::ifstream services(folder.path());
        const std::string text{std::istreambuf_iterator<char>(services), {}};
        for (const std::string& host : seen)
            for (const std::string& written : {'"' + host + '"', '.' + host + '"'})
                EXPECT_EQ(text.find(written), std::string::npos) << host << " in " << folder.path();
    }
}

}    // namespace
}    // namespace dl::collector::catalog
