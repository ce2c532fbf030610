// What agent.json may say. The table of settings in settings.cpp drives parsing, check-config, the JSON Schema and the
// reference page.
#pragma once

#include "shared/base/failure.hpp"
#include "shared/config/settings_table.hpp"
#include "shared/signed/collection.hpp"
#include "shared/wire/report.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace dl::agent {

struct Settings {
    std::string collector;    ///< https://HOST:PORT; empty before enrolment names one
    std::string proxy;        ///< http://HOST:PORT of a CONNECT proxy; empty: none
    std::string ca_pin;       ///< sha256:HEX of the collector CA's public key; empty: as stored at enrolment
    std::filesystem::path data_directory;                      ///< key, certificate and ledger
    wire::ObserverKind mode = wire::ObserverKind::endpoint;    ///< endpoint or sensor
    std::string interface;                                     ///< empty: all
    std::filesystem::path network_namespace;     ///< capture and socket look-ups happen there; empty: in our own
    std::filesystem::path capture_file;          ///< replayed instead of watching live; empty: live
    std::filesystem::path capture_identities;    ///< TSV: whose the connections of the capture file are
    std::filesystem::path personal_list;         ///< hosts of personal life; empty: the list that is built in
    /// Where the process watch answers which program holds a socket; without it programs stay unknown.
    std::filesystem::path process_watch = "/run/daylight-process-watch/socket";
    std::string device_name;     ///< empty: the host name
    std::string settings_key;    ///< ed25519:HEX; empty: as stored at enrolment
    // What is collected. Signed settings give the bound, these narrow it.
    bool dns_only = false;    ///< report DNS questions that no connection followed
    bool report_people = true;
    bool report_applications = true;
    signing::TimeGrain time_grain = signing::TimeGrain::second;
    std::vector<std::string> excluded_hosts;    ///< suffixes
    std::uint32_t connections_limit = 24576;    ///< open ones that are kept; the other tables grow with it
    std::uint32_t flush_seconds = 10;           ///< at most so much live capture is lost to a kill
    std::uint32_t report_seconds = 300;
    double report_jitter = 0.2;    ///< share of report_seconds by which reports are spread
    std::uint32_t ledger_limit_mb = 64;
    std::uint32_t keep_acknowledged_days = 7;    ///< so that a restored collector can be told again
};

/// Paths in the file are relative to the file. A failure names file, line, key and the nearest known key.
[[nodiscard]] Result<Settings> load_settings(const std::filesystem::path& file);
/// The same with each value's source: what `check-config` prints.
[[nodiscard]] Result<config::Loaded<Settings>> load_described_settings(const std::filesystem::path& file);
[[nodiscard]] const config::SettingsTable<Settings>& settings_table();

}    // namespace dl::agent
