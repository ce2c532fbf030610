// A small company for tests: the real SQLite store in a folder of its own, the real directory files, agents that
// report, and a catalogue and policy of a dozen lines in memory.
#pragma once

#include "collector/catalog/catalog.hpp"
#include "collector/directory/directory.hpp"
#include "collector/insight/audience.hpp"
#include "collector/insight/labeller.hpp"
#include "collector/insight/offers.hpp"
#include "collector/policy/policy.hpp"
#include "collector/store/sqlite/open.hpp"
#include "shared/names/host_name.hpp"
#include "shared/names/identifiers.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace dl::collector::insight {

inline const std::filesystem::path shipped_config = std::filesystem::path(DAYLIGHT_SOURCE_DIR) / "config";

class SmallCatalog final : public catalog::Catalog {
public:
    SmallCatalog()
    {
        add("hubspot", "HubSpot", "crm", "customer-relationship", "hubspot.com");
        add("salesforce", "Salesforce", "crm", "customer-relationship", "salesforce.com");
        add("chatgpt", "ChatGPT", "genai-assistant", "ai-assistance", "chatgpt.com");
        add("claude", "Claude", "genai-assistant", "ai-assistance", "claude.ai");
        add("copilot", "Copilot", "genai-assistant", "ai-assistance", "copilot.microsoft.com");
        add("dropbox", "Dropbox", "file-sync-share", "file-sharing", "dropbox.com");
        add("wetransfer", "WeTransfer", "file-transfer-paste", "file-sharing", "wetransfer.com");
        add("onedrive", "OneDrive", "file-sync-share", "file-sharing", "onedrive.com");
        add("anydesk", "AnyDesk", "remote-access", "remote-work", "anydesk.com");
        add("canva", "Canva", "design-creative", "design", "canva.com");
        add("figma", "Figma", "design-creative", "design", "figma.com");
        add("sketch", "Sketch", "design-creative", "design", "sketch.com");
    }
    catalog::Match match(std::string_view host, std::string_view) const override
    {
        catalog::Match match;
        const std::string domain{names::is_address_literal(host) ? host : names::registrable_domain(host)};
        if (host == "www.google-analytics.com") {
            match.kind = catalog::Kind::noise;
            match.id = "analytics";
            match.label = "noise:analytics";
            return match;
        }
        for (const auto& [suffix, at] : by_suffix_)
            if (host == suffix || host.ends_with("." + suffix)) {
                match.kind = catalog::Kind::service;
                match.service = &services_[at];
                match.id = match.service->id;
                match.matched = suffix;
                match.label = match.service->id;
                match.role = host.starts_with("embed.") ? "embedded" : "app";
                return match;
            }
        match.label = domain;
        if (names::is_address_literal(host)) match.role = "address";
        if (domain == "microsoft.com") match.role = "vendor";
        if (host.ends_with(".s3.example")) {
            match.kind = catalog::Kind::noise;
            match.role = "storage";
            match.label = host;
        }
        return match;
    }
    const catalog::Service* service(std::string_view id) const override
    {
        for (const auto& service : services_)
            if (service.id == id) return &service;
        return nullptr;
    }
    const std::vector<catalog::Service>& services() const override { return services_; }
    std::string_view version() const override { return version_; }
    /// A service of private use; before anything is visited.
    void add_private(const char* id, const char* name, const char* capability, const char* suffix)
    {
        catalog::Category games;
        games.id = "games";
        games.low_interest = true;
        if (categories_.empty()) categories_.push_back(std::move(games));
        add(id, name, "games", capability, suffix);
        services_.back().low_interest = true;
    }
    /// A private person's edition of a service; before anything is visited.
    void add_personal(const char* id, const char* name, const char* category, const char* capability,
                      const char* suffix)
    {
        add(id, name, category, capability, suffix);
        services_.back().personal = true;
    }
    void add_capability(std::string_view id, const char* capability)
    {
        for (auto& service : services_)
            if (service.id == id) service.also.emplace_back(capability);
    }
    /// The next edition: this service stands for another need.
    void move(std::string_view id, const char* capability)
    {
        for (auto& service : services_)
            if (service.id == id) service.capability = capability;
        version_ += "+";
    }
    const std::vector<catalog::Category>& categories() const override { return categories_; }
    std::size_t pattern_count() const override { return by_suffix_.size(); }

private:
    void add(const char* id, const char* name, const char* category, const char* capability, const char* suffix)
    {
        by_suffix_[suffix] = services_.size();
        catalog::Service service;
        service.id = id;
        service.name = service.vendor = name;
        service.category = category;
        service.capability = capability;
        services_.push_back(std::move(service));
    }
    std::vector<catalog::Service> services_;
    std::vector<catalog::Category> categories_;
    std::map<std::string, std::size_t> by_suffix_;
    std::string version_ = "c-small";
};

class SmallPolicy : public policy::Policy {
public:
    policy::Decision decide(const catalog::Service& service, std::string_view unit) const override
    {
        policy::Decision decision;
        const auto rule = [&](policy::Verdict verdict, const char* id, const char* reason) {
            decision.verdict = verdict;
            decision.rule = id;
            decision.reason = reason;
            decision.owner = "E1901";
            decision.chain = {std::string(id) + ": " + reason};
        };
        if (service.id == "hubspot" || service.id == "onedrive")
            rule(policy::Verdict::sanctioned, "core", "The agreed service");
        if (service.id == "chatgpt")
            rule(policy::Verdict::unsanctioned, "no-public-ai", "Customer data must not go there");
        if (service.id == "figma" && unit == "engineering") {
            rule(policy::Verdict::tolerated, "figma-engineering", "Pilot");
            decision.conditions = "No customer names in drawings";
        }
        return decision;
    }
    std::string_view version() const override { return "p-small"; }
};

class SmallWorld {
public:
    SmallWorld()
    {
        folder_ = std::filesystem::temp_directory_path() / ("daylight-world-" + Receipt::random().hex());
        std::filesystem::create_directories(folder_);
        keys.organisation.fill(1);
        keys.collector.fill(2);
        directory = directory::load_directory({shipped_config / "business-units.csv", shipped_config / "people.csv",
                                               shipped_config / "devices.csv"})
                        .value();
        usage = store::open_sqlite_usage_store(folder_ / "usage.db", store::Open::create).value();
        state = store::open_sqlite_state_store(folder_ / "state.db", store::Open::create).value();
    }
    ~SmallWorld()
    {
        usage.reset();
        state.reset();
        std::filesystem::remove_all(folder_);
    }
    SmallWorld(const SmallWorld&) = delete;
    SmallWorld& operator=(const SmallWorld&) = delete;

    struct Visit {
        std::string host;
        int first = 0, last = 0;    ///< employee numbers, both inclusive
        std::vector<std::string> days;
        std::uint64_t up = 1000, down = 5000;
        wire::Evidence evidence = wire::Evidence::tls_sni;
        std::string device = {};    ///< empty: the employee's own
    };

    void visit(const Visit& visit)
    {
        for (int employee = visit.first; employee <= visit.last; ++employee)
            for (const auto& day : visit.days)
                report(visit, employee, *parse_iso_date(day));
        EXPECT_TRUE(refresh_labels(*usage, catalog, *directory, keys));
    }

    release::Press press(int grace_days = 0) const
    {
        Settings settings;
        settings.grace_days = static_cast<std::uint32_t>(grace_days);
        return press_of(*usage, *state, catalog, *directory, settings);
    }
    Meaning meaning() const { return {catalog, policy, *directory}; }

    std::filesystem::path folder_;
    SmallCatalog catalog;
    SmallPolicy policy;
    directory::PseudonymKeys keys;
    std::unique_ptr<directory::Directory> directory;
    std::unique_ptr<store::UsageStore> usage;
    std::unique_ptr<store::StateStore> state;

private:
    /// Every employee sits at the device that the scenario gives: three people to a device.
    static std::string device_of(int employee)
    {
        const char* unit = employee < 1010 ? "sales" : employee < 1020 ? "engineering" : "finance";
        return std::string(unit) + "-0" + std::to_string((employee % 10 - 1) / 3 + 1);
    }

    void report(const Visit& visit, int employee, Day day)
    {
        const std::string device = visit.device.empty() ? device_of(employee) : visit.device;
        auto& epoch = epochs_[device];
        if (epoch.first.is_nil()) epoch = {AgentId::random(), 0};
        store::FoldedReport report;
        report.agent = epoch.first;
        report.epoch.bytes.fill(7);
        report.revision_from = epoch.second;
        report.revision_to = ++epoch.second;
        report.sent_at = Timestamp(day) + std::chrono::hours(18);
        report.agent_version = "0.1.0";
        report.counters.connections = 100;
        report.counters.connections_unattributed = 1;
        report.counters.connections_with_program = 80;
        report.devices = {names::rekey(keys.collector, names::device_pseudonym(keys.organisation, device))};
        report.persons = {
            names::rekey(keys.collector, names::person_pseudonym(keys.organisation, "e" + std::to_string(employee)))};
        report.destinations = {{visit.host, "", Transport::tcp, 443}};
        wire::Cell cell;
        cell.day = day;
        cell.person = 0;
        cell.evidence = visit.evidence;
        cell.connections = 4;
        cell.bytes_up = visit.up;
        cell.bytes_down = visit.down;
        cell.first_seen = Timestamp(day) + std::chrono::hours(9);
        cell.last_seen = Timestamp(day) + std::chrono::hours(17);
        cell.revision = report.revision_to;
        report.cells = {cell};
        const auto held = usage->commit(std::span(&report, 1));
        ASSERT_TRUE(held) << held.error().message;
    }

    std::map<std::string, std::pair<AgentId, std::uint64_t>> epochs_;
};

/// Two weeks of use: 2026-W45 and 2026-W46.
inline void fill(SmallWorld& world)
{
    const std::vector<std::string> w45{"2026-11-02", "2026-11-03"}, w46{"2026-11-09", "2026-11-10", "2026-11-11"};
    world.visit({"app.hubspot.com", 1001, 1009, w45});
    world.visit({"app.hubspot.com", 1001, 1009, w46});
    world.visit({"chatgpt.com", 1001, 1007, w45});
    world.visit({"chatgpt.com", 1001, 1007, w46, 2'000'000, 5000});
    world.visit({"chatgpt.com", 1011, 1018, w46});
    world.visit({"claude.ai", 1011, 1016, w46});
    world.visit({"www.dropbox.com", 1002, 1004, w46});    // the group of three
    world.visit({"www.dropbox.com", 1011, 1017, w46});
    world.visit({"wetransfer.com", 1001, 1006, w46, 60'000'000, 1000});
    world.visit({"relay.net.anydesk.com", 1021, 1026, w46, 1000, 2000, wire::Evidence::dns_answer});
    world.visit({"www.canva.com", 1001, 1008, w46});
    world.visit({"www.figma.com", 1011, 1016, w45});    // engineering was watched then, finance was not
    world.visit({"www.figma.com", 1011, 1016, w46});
    world.visit({"plain.sketch.com", 1011, 1015, w46, 10, 10, wire::Evidence::http_host});
    world.visit({"app.tender-desk.example", 1001, 1006, w46});
    world.visit({"lonely.example", 1001, 1002, w46});    // unknown, too few
    world.visit({"www.google-analytics.com", 1001, 1029, w46});
    world.visit({"personal", 1001, 1009, w46});
}

}    // namespace dl::collector::insight
