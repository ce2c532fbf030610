// What the catalogue's files say, each statement with its place; nothing is looked up or decided here.
// The files and their keys: config/catalog/README.md.
#pragma once

#include "collector/catalog/catalog.hpp"
#include "collector/catalog/network.hpp"
#include "collector/catalog/pattern.hpp"
#include "shared/base/failure.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace dl::collector::catalog {

struct Place {
    std::string file;
    std::size_t line = 0;

    /// "FILE:LINE"
    [[nodiscard]] std::string text() const { return file + ":" + std::to_string(line); }
};

struct SourcePattern {
    Pattern pattern;
    std::string role;    ///< of a service's host; "hosted" for a publishing platform; of noise: "shared" for a shared
                         ///< edge, "storage" for one that holds buckets
    Place place;
};

struct SourceNetwork {
    Network network;
    Place place;
};

struct SourceService {
    Service service;
    std::vector<SourcePattern> hosts;
    std::vector<SourceNetwork> networks;    ///< of internal-hosts.csv
    Place place;
    bool local = false;    ///< from local.json
};

struct SourceNoise {
    std::string kind;
    std::string vendor;    ///< of a vendor's own site
    std::vector<SourcePattern> hosts;
    bool local = false;
};

struct SourceKind {
    std::string id;
    std::string meaning;
};

/// The noise kind whose entries say whose site it is.
inline constexpr std::string_view vendor_site = "vendor-site";

struct CatalogSource {
    std::vector<Category> categories;
    std::vector<SourceKind> kinds;
    std::vector<std::string> facts;         ///< ids of facts.json
    std::vector<SourceService> services;    ///< local ones last, those they replace or remove left out; sorted by file
    std::vector<SourceNoise> noise;
    std::string digest;    ///< SHA-256 over names and contents of all files, hex
};

/// Reads every file below `folder`, and the organisation's own two, local.json and internal-hosts.csv, from `own`.
/// Checked here: keys, types, ids, patterns, categories, kinds, facts, double ids.
[[nodiscard]] Result<CatalogSource> read_catalog(const std::filesystem::path& folder, const std::filesystem::path& own);
/// internal-hosts.csv: host,service,name,category,owner. `file` stands for it in messages. Appends to `source`.
[[nodiscard]] Result<void> read_internal_hosts(std::string_view text, const std::filesystem::path& file,
                                               CatalogSource& source);

}    // namespace dl::collector::catalog
