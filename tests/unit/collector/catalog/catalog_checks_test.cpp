// What the loader refuses, each with file, line and reason; and what local.json and internal-hosts.csv may do.
#include "small_catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dl::collector::catalog {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* good = R"({"id": "chat", "name": "Chat", "vendor": "V", "facts": ["tests"], "hosts": [)";

TEST(CatalogChecks, AcceptsTheSmallCatalogue)
{
    SmallCatalog files;
    const auto loaded = files.load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ((*loaded)->match("app.hub.example").label, "hub");
    EXPECT_EQ((*loaded)->match("x.hubapi.example").role, "api");
    EXPECT_EQ((*loaded)->match("js.hub.example").label, "noise:ads");
    EXPECT_EQ((*loaded)->match("www.hub.example").label, "hub.example");
    EXPECT_TRUE((*loaded)->categories()[1].low_interest);
}

struct BadEntry {
    const char* what;
    std::string entry;
    const char* line;
    const char* reason;
};

TEST(CatalogChecks, RefusesBadEntriesWithFileLineAndReason)
{
    const BadEntry cases[] = {
        {"unknown key", "\n" + std::string(good) + R"("a.example"],
 "tenats": []})",
         "chat.json:4: ", "did you mean 'tenants'"},
        {"host of another service", std::string(good) + R"("app.hub.example"]})",
         "chat.json:2: ", "is listed for service 'hub' at"},
        {"host that is noise", std::string(good) + R"("js.hub.example"]})",
         "ads.json:3: ", "is listed for service 'chat'"},
        {"address", std::string(good) + R"("192.0.2.1"]})", "chat.json:2: ", "is an address"},
        {"upper case", std::string(good) + R"("A.example"]})", "chat.json:2: ", "in lower case"},
        {"url", std::string(good) + R"("https://a.example/"]})", "chat.json:2: ", "is no host pattern"},
        {"bare star", std::string(good) + R"("*"]})", "chat.json:2: ", "is no pattern"},
        {"star inside", std::string(good) + R"("a.*.example"]})", "chat.json:2: ", "is no host pattern"},
        {"single label", std::string(good) + R"("*.example"]})", "chat.json:2: ", "single label"},
        {"public suffix", std::string(good) + R"("*.co.uk"]})", "chat.json:2: ", "is a public suffix"},
        {"unknown role", std::string(good) + R"({"role": "logon", "patterns": ["a.example"]}]})",
         "chat.json:2: ", "did you mean 'login'"},
        {"no hosts", R"({"id": "chat", "name": "Chat", "vendor": "V", "facts": ["tests"]})",
         "chat.json:2: ", "neither hosts nor tenants"},
        {"no facts", R"({"id": "chat", "name": "Chat", "vendor": "V", "hosts": ["a.example"]})",
         "chat.json:2: ", "facts"},
        {"unknown fact", R"({"id": "chat", "name": "Chat", "vendor": "V", "hosts": ["a.example"], "facts": ["test"]})",
         "chat.json:2: ", "did you mean 'tests'"},
        {"no name", R"({"id": "chat", "vendor": "V", "hosts": ["a.example"], "facts": ["tests"]})",
         "chat.json:2: ", "name"},
        {"wrong type", R"({"id": "chat", "name": 7, "vendor": "V", "hosts": ["a.example"], "facts": ["tests"]})",
         "chat.json:2: ", "name"},
        {"bad id", R"({"id": "Chat!", "name": "C", "vendor": "V", "hosts": ["a.example"], "facts": ["tests"]})",
         "chat.json:2: ", "is no id"},
        {"double id", R"({"id": "hub", "name": "C", "vendor": "V", "hosts": ["a.example"], "facts": ["tests"]})",
         "chat.json:2: ", "the id 'hub' is taken at"},
        {"category of its own",
         R"({"id": "chat", "category": "crm", "name": "C", "vendor": "V", "hosts": ["a.example"], "facts": ["tests"]})",
         "chat.json:2: ", "move it to the file of that category"},
        {"no JSON", "{", "chat.json:", ""},
    };
    for (const BadEntry& bad : cases) {
        SmallCatalog files;
        files.services("team-chat", bad.entry);
        const std::string complaint = files.complaint();
        EXPECT_THAT(complaint, AllOf(HasSubstr(bad.line), HasSubstr(bad.reason), Not(HasSubstr("\n")))) << bad.what;
    }
}

TEST(CatalogChecks, RefusesAnApexAsNoiseThatAServiceOwns)
{
    SmallCatalog files;
    files.noise("ads", "\"*.hub.example\"");
    EXPECT_THAT(files.complaint(), AllOf(HasSubstr("ads.json:3: "), HasSubstr("would make all of hub.example noise"),
                                         HasSubstr("service 'hub' owns 'app.hub.example' at")));
}

TEST(CatalogChecks, RefusesUnknownCategoriesKindsAndFilesOfAnotherName)
{
    {
        SmallCatalog files;
        files.services("crn", "");
        EXPECT_THAT(files.complaint(), AllOf(HasSubstr("crn.json:1: "), HasSubstr("did you mean 'crm'")));
    }
    {
        SmallCatalog files;
        files.noise("adds", "");
        EXPECT_THAT(files.complaint(), AllOf(HasSubstr("adds.json:1: "), HasSubstr("did you mean 'ads'")));
    }
    {
        SmallCatalog files;
        files.write("services/other.json", R"({"category": "crm", "services": []})");
        EXPECT_THAT(files.complaint(), HasSubstr("belongs into a file called crm.json"));
    }
    {
        SmallCatalog files;
        std::filesystem::remove(files.folder() / "categories.json");
        EXPECT_THAT(files.complaint(), HasSubstr("categories.json: is not there"));
    }
}

TEST(LocalCatalog, ReplacesAddsRemovesAndWinsOverShippedPatterns)
{
    SmallCatalog files;
    files.services("team-chat", std::string(good) + R"("a.example", "b.example"]})");
    files.write("local.json", R"({"services": [
{"id": "hub", "category": "crm", "name": "Our hub", "vendor": "Hub Inc", "hosts": ["js.hub.example", "*.hub.example", "b.example"], "facts": ["tests"]}],
"noise": [{"kind": "ads", "hosts": ["a.example"], "note": "only banners"}]})");
    const auto loaded = files.load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    const Catalog& catalog = **loaded;
    EXPECT_EQ(catalog.service("hub")->name, "Our hub");
    EXPECT_EQ(catalog.match("www.hub.example").label, "hub");
    EXPECT_EQ(catalog.match("b.example").label, "hub");
    EXPECT_EQ(catalog.match("a.example").label, "noise:ads");
    EXPECT_EQ(catalog.match("x.hubapi.example").kind, Kind::unknown) << "replaced as a whole";

    files.write("local.json", R"({"remove": ["chat"]})");
    const auto without = files.load();
    ASSERT_TRUE(without) << without.error().message;
    EXPECT_EQ((*without)->service("chat"), nullptr);
    EXPECT_NE((*without)->version(), catalog.version());

    files.write("local.json", "{\n\"remove\": [\"chst\"]}");
    EXPECT_THAT(files.complaint(), AllOf(HasSubstr("local.json:2: "), HasSubstr("did you mean 'chat'")));
}

TEST(InternalHosts, BecomeServicesOfTheOrganisation)
{
    SmallCatalog files;
    files.write("internal-hosts.csv", "host,service,name,category,owner\n"
                                      "erp.corp.example,erp,Ledger,crm,finance systems\n"
                                      "*.erp.corp.example,erp,,,\n"
                                      "wiki,hub,,,\n");
    const auto loaded = files.load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    const Match erp = (*loaded)->match("ERP.corp.example");
    EXPECT_EQ(erp.kind, Kind::internal);
    EXPECT_EQ(erp.label, "erp");
    ASSERT_NE(erp.service, nullptr);
    EXPECT_TRUE(erp.service->internal);
    EXPECT_EQ(erp.service->capability, "Sales");
    EXPECT_EQ((*loaded)->match("test.erp.corp.example").label, "erp");
    EXPECT_EQ((*loaded)->match("wiki").label, "hub") << "before local names";
    EXPECT_EQ((*loaded)->match("other").label, "noise:local");

    files.write("internal-hosts.csv", "host,service,name,category,owner\nerp.corp.example,erp,Ledger,crn,x\n");
    EXPECT_THAT(files.complaint(),
                AllOf(HasSubstr("internal-hosts.csv:2: "), HasSubstr("no category is called 'crn'")));
    files.write("internal-hosts.csv", "host;service\n");
    EXPECT_THAT(files.complaint(), HasSubstr("internal-hosts.csv:1: "));
}

TEST(InternalHosts, MayBeNetworks)
{
    SmallCatalog files;
    files.write("internal-hosts.csv", "host,service,name,category,owner\n"
                                      "10.20.0.0/16,erp,Ledger,crm,finance systems\n"
                                      "10.20.7.0/24,hub,Hub,crm,x\n"
                                      "2001:db8:7::/48,hub,,,\n"
                                      "203.0.113.9,hub,,,\n");
    const auto loaded = files.load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    const auto label = [&](std::string_view host) { return (*loaded)->match(host).label; };
    EXPECT_EQ(label("10.20.1.1"), "erp");
    EXPECT_EQ(label("10.20.7.255"), "hub") << "the narrowest network decides";
    EXPECT_EQ(label("[2001:db8:7::1]"), "hub");
    EXPECT_EQ(label("2001:db8:8::1"), "2001:db8:8::1");
    EXPECT_EQ(label("203.0.113.9"), "hub");
    EXPECT_EQ((*loaded)->match("203.0.113.10").kind, Kind::unknown);
    EXPECT_EQ((*loaded)->match("10.20.1.1").kind, Kind::internal);

    const std::string head = "host,service,name,category,owner\n";
    files.write("internal-hosts.csv", head + "10.20.1.0/16,erp,Ledger,crm,x\n");
    EXPECT_THAT(files.complaint(), AllOf(HasSubstr("internal-hosts.csv:2: "), HasSubstr("behind its prefix")));
    files.write("internal-hosts.csv", head + "10.20.0.0/33,erp,Ledger,crm,x\n");
    EXPECT_THAT(files.complaint(), HasSubstr("no prefix from 0 to 32"));
    files.write("internal-hosts.csv", head + "10.0.0.0/8,erp,Ledger,crm,x\n10.0.0.0/8,hub,Hub,crm,x\n");
    EXPECT_THAT(files.complaint(), HasSubstr("keep one of the two"));
}

TEST(Addresses, OfPrivateNetworksAreInternalAndOfGroupsLocal)
{
    SmallCatalog files;
    const auto loaded = files.load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    for (const char* inner : {"10.0.0.1", "192.168.1.20", "172.31.0.1", "100.64.1.1", "169.254.9.9", "127.0.0.1", "::1",
                              "fe80::1%eth0", "fd00::5", "::ffff:10.0.0.1"}) {
        EXPECT_EQ((*loaded)->match(inner).kind, Kind::internal) << inner;
        const Match match = (*loaded)->match(inner);
        EXPECT_EQ(match.label, "private-network") << inner;
        EXPECT_EQ(match.id, "private-network") << inner;
    }
    for (const char* group : {"224.0.0.251", "255.255.255.255", "0.0.0.0", "ff02::fb", "::"})
        EXPECT_EQ((*loaded)->match(group).label, "noise:local") << group;
    for (const char* outer : {"172.32.0.1", "100.128.0.1", "192.0.2.1", "2001:db8::1", "11.0.0.1"})
        EXPECT_EQ((*loaded)->match(outer).label, outer);
}

TEST(CanonicalName, CountsForServicesButNotForEdgesAndPublishingPlatforms)
{
    SmallCatalog files;
    files.services("team-chat", R"({"id": "chat", "name": "Chat", "vendor": "V", "facts": ["tests"],
"tenants": ["*.chat.example"], "hosted": ["*.pages.example"]})");
    const auto loaded = files.load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ((*loaded)->match("help.corp.test", "corp.chat.example").label, "chat");
    EXPECT_EQ((*loaded)->match("www.corp.test", "d1.edge.example").label, "corp.test");
    EXPECT_EQ((*loaded)->match("www.corp.test", "corp.pages.example").label, "corp.test");
    EXPECT_EQ((*loaded)->match("www.corp.test", "fonts.example.net").label, "corp.test");
    EXPECT_EQ((*loaded)->match("x.corp.test", "js.hub.example").label, "noise:ads");
    EXPECT_EQ((*loaded)->match("x.corp.test", "not a name").label, "corp.test");
    EXPECT_EQ((*loaded)->match("app.hub.example", "corp.chat.example").label, "hub") << "the host itself goes first";
}

TEST(CatalogAnswers, ADomainAndItsWwwStandForEachOther)
{
    SmallCatalog small;
    small.services("crm", R"({"id": "hub", "name": "Hub", "vendor": "Hub Inc", "facts": ["tests"],
 "hosts": ["hub.example", "www.pub.example", "app.deep.example", "*.whole.example"]})");
    small.noise("ads", R"("js.hub.example", "www.whole.example")");
    const auto loaded = small.load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    const auto label = [&](const char* host) { return (*loaded)->match(host).label; };
    EXPECT_EQ(label("www.hub.example"), "hub");
    EXPECT_EQ(label("pub.example"), "hub");
    EXPECT_EQ((*loaded)->match("pub.example").matched, "www.pub.example");
    EXPECT_EQ(label("www.whole.example"), "noise:ads") << "what is listed stands";
    EXPECT_EQ(label("whole.example"), "hub");
    EXPECT_EQ((*loaded)->match("www.app.deep.example").kind, Kind::unknown) << "only of a registrable domain";
    EXPECT_EQ((*loaded)->match("ftp.hub.example").kind, Kind::unknown);
}

TEST(CatalogAnswers, AnUnlistedHostOfAKnownVendorIsNoStrangers)
{
    SmallCatalog small;
    small.services("crm", R"({"id": "hub", "name": "Hub", "vendor": "Hub Inc", "facts": ["tests"],
 "hosts": ["app.hub.example", "mirror.guest.example"], "tenants": ["*.tenant.example"]},
{"id": "other", "name": "Other", "vendor": "Other Inc", "facts": ["tests"], "hosts": ["eu.guest.example"]})");
    small.write("noise/vendor-site.json", R"({"kind": "vendor-site", "entries": [
{"vendor": "Hub Inc", "facts": ["tests"], "hosts": ["hub-inc.example"]},
{"vendor": "Stranger", "facts": ["tests"], "hosts": ["stranger.example"]}]})");
    const auto loaded = small.load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    const auto match = [&](const char* host) { return (*loaded)->match(host); };
    const auto odd = match("odd.hub.example");
    EXPECT_EQ(odd.kind, Kind::unknown);
    EXPECT_EQ(odd.counted(), Counted::vendor);
    EXPECT_EQ(odd.vendor, "Hub Inc");
    EXPECT_EQ(odd.label, "hub.example");
    EXPECT_EQ(match("odd.guest.example").counted(), Counted::vendor);
    EXPECT_EQ(match("odd.guest.example").vendor, "") << "two vendors have hosts there";
    const auto site = match("www.hub-inc.example");
    EXPECT_EQ(site.kind, Kind::noise);
    EXPECT_EQ(site.label, "noise:vendor-site");
    EXPECT_EQ(site.vendor, "Hub Inc");
    EXPECT_EQ(match("odd.hub-inc.example").counted(), Counted::vendor);
    EXPECT_EQ(match("stranger.example").vendor, "Stranger");
    EXPECT_EQ(match("app.stranger.example").counted(), Counted::unknown) << "nothing of this vendor is known";
    EXPECT_EQ(match("nobody.example").counted(), Counted::unknown);
    EXPECT_EQ(match("198.51.100.7").counted(), Counted::address);
    EXPECT_EQ(match("app.hub.example").vendor, "Hub Inc");
}

TEST(CatalogAnswers, ABucketOfSharedStorageIsNamedByItself)
{
    SmallCatalog small;
    small.write("noise/cdn.json", R"({"kind": "cdn", "shared_edges": ["*.edge.example"],
 "shared_storage": ["*.blob.edge.example", "*.digitaloceanspaces.com"], "entries": []})");
    const auto loaded = small.load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    const auto bucket = (*loaded)->match("deep.export.blob.edge.example");
    EXPECT_EQ(bucket.kind, Kind::noise);
    EXPECT_EQ(bucket.id, "cdn");
    EXPECT_EQ(bucket.counted(), Counted::storage);
    EXPECT_EQ(bucket.label, "export.blob.edge.example");
    EXPECT_EQ((*loaded)->match("blob.edge.example").label, "blob.edge.example");
    EXPECT_EQ((*loaded)->match("b.fra1.digitaloceanspaces.com").label, "b.fra1.digitaloceanspaces.com")
        << "the Public Suffix List knows the place between";
    EXPECT_EQ((*loaded)->match("pictures.edge.example").counted(), Counted::noise);
    EXPECT_EQ((*loaded)->match("files.customer.example", "x.blob.edge.example").kind, Kind::unknown)
        << "as a canonical name it tells nothing";
}

TEST(CatalogAnswers, AServiceHasSeveralCapabilitiesThePrimaryOneFirst)
{
    SmallCatalog small;
    const auto with = [&](const char* capability) {
        small.services("crm", std::string(R"({"id": "hub", "name": "Hub", "vendor": "Hub Inc", "facts": ["tests"],
 "hosts": ["app.hub.example"], "capability": )") +
                                  capability + "}");
    };
    with(R"(["Sales", "Collaboration"])");
    const auto loaded = small.load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    const Service& hub = *(*loaded)->service("hub");
    EXPECT_EQ(hub.capability, "Sales");
    EXPECT_EQ(hub.also, std::vector<std::string>{"Collaboration"});
    EXPECT_TRUE(hub.serves("Collaboration") && hub.serves("Sales") && !hub.serves("Chat"));
    with(R"(["Sales", "Colaboration"])");
    EXPECT_THAT(small.complaint(), AllOf(HasSubstr("crm.json:3: "), HasSubstr("did you mean 'Collaboration'")));
    with(R"(["Sales", "Sales"])");
    EXPECT_THAT(small.complaint(), HasSubstr("'Sales' is listed twice"));
    with("[]");
    EXPECT_THAT(small.complaint(), HasSubstr("is empty; leave it out"));
    with("7");
    EXPECT_THAT(small.complaint(), HasSubstr("crm.json:3: "));
}

TEST(CatalogChecks, AVendorsSiteSaysWhoseItIs)
{
    SmallCatalog small;
    small.write(
        "noise/vendor-site.json",
        "{\"kind\": \"vendor-site\", \"entries\": [\n{\"facts\": [\"tests\"], \"hosts\": [\"hub-inc.example\"]}]}");
    EXPECT_THAT(small.complaint(), AllOf(HasSubstr("vendor-site.json:2: "), HasSubstr("vendor")));
    small.write("noise/vendor-site.json", R"({"kind": "vendor-site", "entries": []})");
    small.write("noise/ads.json",
                R"({"kind": "ads", "entries": [{"vendor": "X", "facts": ["tests"], "hosts": ["a.x.example"]}]})");
    EXPECT_THAT(small.complaint(), HasSubstr("unknown key 'vendor'"))
        << "other noise is nobody's choice, whoever's it is";
}

}    // namespace
}    // namespace dl::collector::catalog
