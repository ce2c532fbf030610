// What collector.json may say. The table of settings in settings.cpp drives parsing, check-config, the JSON Schema and
// the reference page.
#pragma once

#include "shared/base/failure.hpp"
#include "shared/config/settings_table.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dl::collector {

struct Settings {
    std::filesystem::path data_directory;            ///< keys, CA and stores
    std::string agents_listen = "127.0.0.1:8443";    ///< TLS 1.3, client certificates
    std::vector<std::string> agents_names = {"localhost",
                                             "127.0.0.1"};    ///< DNS names and addresses in the server certificate
    std::string api_listen = "127.0.0.1:8480";                ///< page and API; plain HTTP on loopback only
    std::filesystem::path catalog_directory;
    std::filesystem::path own_catalog_directory;    ///< empty: catalog_directory
    std::filesystem::path policy_file;
    std::filesystem::path units_file;
    std::filesystem::path people_file;
    std::filesystem::path devices_file;
    std::filesystem::path web_directory;        ///< the built page
    std::uint32_t retention_days = 100;         ///< of person-level facts
    std::uint32_t certificate_days = 7;         ///< of an agent's certificate
    std::uint32_t small_group = 5;              ///< no released figure stands for fewer people
    std::uint32_t small_group_own_unit = 10;    ///< what a unit sees of itself
    std::uint32_t grace_days = 2;               ///< between the end of a period and its release
    std::uint32_t use_threshold_people = 1;     ///< fewer people: seen, not used
};

/// Paths in the file are relative to the file. A failure names file, line, key and the nearest known key.
[[nodiscard]] Result<Settings> load_settings(const std::filesystem::path& file);
/// The same with each value's source: what `check-config` prints.
[[nodiscard]] Result<config::Loaded<Settings>> load_described_settings(const std::filesystem::path& file);
/// What is no fault of the file but will be missed, such as a page that was not built; one line each.
[[nodiscard]] std::vector<std::string> warnings_on(const Settings& settings);
[[nodiscard]] const config::SettingsTable<Settings>& settings_table();

}    // namespace dl::collector
