// A catalogue of a few lines in a folder of its own, for tests that need it right or wrong in one place.
#pragma once

#include "collector/catalog/catalog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace dl::collector::catalog {

class SmallCatalog {
public:
    SmallCatalog()
    {
        static std::atomic<int> number{0};
        folder_ = std::filesystem::path(testing::TempDir()) /
                  ("catalog-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
        std::filesystem::create_directories(folder_ / "services");
        std::filesystem::create_directories(folder_ / "noise");
        write("categories.json", R"({"categories": [
{"id": "crm", "name": "CRM", "capability": "Sales", "exposure": 4},
{"id": "team-chat", "name": "Chat", "capability": "Collaboration", "exposure": 4, "surfacing": "low"}]})");
        write("noise-kinds.json", R"({"kinds": [{"id": "ads", "meaning": "a"}, {"id": "cdn", "meaning": "c"},
{"id": "vendor-site", "meaning": "v"}, {"id": "local", "meaning": "l"}]})");
        write("facts.json", R"({"facts": [{"id": "tests", "origin": "o", "licence": "l", "snapshot": "s"}]})");
        services("crm", R"({"id": "hub", "name": "Hub", "vendor": "Hub Inc", "facts": ["tests"],
 "hosts": ["app.hub.example", {"role": "api", "patterns": ["*.hubapi.example"]}]})");
        noise("ads", R"("js.hub.example")");
        noise("cdn", R"("fonts.example.net")", R"("*.edge.example")");
        noise("local", R"("*.local")");
    }
    ~SmallCatalog() { std::filesystem::remove_all(folder_); }
    SmallCatalog(const SmallCatalog&) = delete;
    SmallCatalog& operator=(const SmallCatalog&) = delete;

    void write(const std::string& file, const std::string& text) { std::ofstream(folder_ / file) << text; }
    void services(const std::string& category, const std::string& entries)
    {
        write("services/" + category + ".json",
              "{\"category\": \"" + category + "\", \"services\": [\n" + entries + "\n]}\n");
    }
    void noise(const std::string& kind, const std::string& hosts, const std::string& edges = "")
    {
        write("noise/" + kind + ".json", "{\"kind\": \"" + kind + "\", \"shared_edges\": [" + edges +
                                             "],\n\"entries\": [{\"facts\": [\"tests\"], \"hosts\": [\n" + hosts +
                                             "]}]}\n");
    }

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    [[nodiscard]] Result<std::unique_ptr<Catalog>> load() const { return load_catalog(folder_); }
    /// The one line that loading complains with; empty when it doesn't.
    [[nodiscard]] std::string complaint() const
    {
        const auto loaded = load();
        return loaded ? std::string() : loaded.error().message;
    }

private:
    std::filesystem::path folder_;
};

}    // namespace dl::collector::catalog
