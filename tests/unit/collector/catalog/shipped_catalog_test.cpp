// The catalogue that is shipped: it loads, it is large and broad enough, and it knows some four hundred hosts by hand.
#include "collector/catalog/catalog.hpp"
#include "shared/names/host_name.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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
            if (match.counted() != Counted::storage) {
                EXPECT_EQ(match.label, expected) << host << " matched " << match.matched;
            }
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

/// Every registrable domain that a pattern of these files lies in, outside of publishing platforms.
std::set<std::string> domains_of(const char* folder)
{
    std::set<std::string> domains;
    for (const auto& file :
         std::filesystem::directory_iterator(std::filesystem::path(DAYLIGHT_SOURCE_DIR "/config/catalog") / folder)) {
        std::ifstream stream(file.path());
        const auto root = nlohmann::json::parse(stream);
        for (const auto& service : root.at("services"))
            for (const auto& host : service.value("hosts", nlohmann::json::array())) {
                const auto add = [&](std::string pattern) {
                    if (pattern.starts_with('*')) pattern.erase(0, pattern.find('.') + 1);
                    domains.emplace(names::registrable_domain(pattern));
                };
                if (host.is_string())
                    add(host);
                else
                    for (const auto& pattern : host.at("patterns"))
                        add(pattern);
            }
    }
    return domains;
}

TEST(ShippedCatalog, NoVendorsDomainNorItsWwwWaitsForAWord)
{
    const auto domains = domains_of("services");
    EXPECT_GT(domains.size(), 2000U);
    for (const std::string& domain : domains) {
        if (domain.starts_with("www.")) continue;    // below a suffix with customers
        for (const std::string& host : {domain, "www." + domain})
            EXPECT_NE(shipped().match(host).counted(), Counted::unknown) << host;
    }
}

TEST(ShippedCatalog, AVendorsOwnSiteIsBrowsing)
{
    const std::pair<const char*, const char*> sites[] = {
        {"apple.com", "Apple"}, {"microsoft.com", "Microsoft"}, {"mozilla.org", "Mozilla"},  {"ibm.com", "IBM"},
        {"sap.com", "SAP"},     {"zoho.com", "Zoho"},           {"ubuntu.com", "Canonical"}, {"dell.com", "Dell"},
        {"intel.com", "Intel"}, {"lenovo.com", "Lenovo"},       {"nvidia.com", "NVIDIA"},    {"redhat.com", "Red Hat"}};
    for (const auto& [domain, vendor] : sites)
        for (const std::string& host : {std::string(domain), "www." + std::string(domain)}) {
            EXPECT_EQ(shipped().match(host).label, "noise:vendor-site") << host;
            EXPECT_EQ(shipped().match(host).vendor, vendor) << host;
        }
    // What is sold there stays what it is, and what is not listed stays to be looked at.
    EXPECT_EQ(shipped().match("teams.microsoft.com").label, "microsoft-teams");
    EXPECT_EQ(shipped().match("google.com").label, "google-search");
    EXPECT_EQ(shipped().match("never-listed.microsoft.com").counted(), Counted::vendor);
}

TEST(ShippedCatalog, KnowsWhereBucketsAre)
{
    for (const auto& [host, label] : std::initializer_list<std::pair<const char*, const char*>>{
             {"exports.s3.eu-west-1.amazonaws.com", "exports.s3.eu-west-1.amazonaws.com"},
             {"exports.s3.amazonaws.com", "exports.s3.amazonaws.com"},
             {"s3.eu-central-1.amazonaws.com", "s3.eu-central-1.amazonaws.com"},
             {"account.blob.core.windows.net", "account.blob.core.windows.net"},
             {"bucket.storage.googleapis.com", "bucket.storage.googleapis.com"},
             {"storage.googleapis.com", "storage.googleapis.com"},
             {"0a1b.r2.cloudflarestorage.com", "0a1b.r2.cloudflarestorage.com"},
             {"b.fra1.digitaloceanspaces.com", "b.fra1.digitaloceanspaces.com"}}) {
        const auto match = shipped().match(host);
        EXPECT_EQ(match.counted(), Counted::storage) << host;
        EXPECT_EQ(match.kind, Kind::noise) << host;
        EXPECT_EQ(match.label, label);
    }
    EXPECT_EQ(shipped().match("d111abc.cloudfront.net").counted(), Counted::noise);
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
        if (line != "nhs.uk") {    // there is nothing but the health service below it
            EXPECT_NE(names::registrable_domain("www." + line), "www." + line) << line << " is a public suffix";
        }
        const Match match = shipped().match(line);
        EXPECT_TRUE(match.kind == Kind::unknown) << line << " belongs to " << match.label;
        EXPECT_EQ(shipped().match("app." + line).kind, Kind::unknown) << line;
    }
    EXPECT_GT(seen.size(), 500U);
    for (const char* host : {"www.doctolib.de", "doctolib.it", "www.revolut.com", "nhs.uk", "ameli.fr", "digid.nl"})
        EXPECT_TRUE(seen.contains(host)) << host;

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
