// What a backup says of its own contents: SHA-256 (FIPS 180-4) over every table's rows and every file, and one over all
// of these. SCHEMA.md says which bytes are hashed.
#pragma once

#include "collector/store/sqlite/database.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dl::collector::store {

inline constexpr std::int32_t backup_application = 0x444c4232;        ///< 'DLB2'
inline constexpr std::int32_t backup_without_digests = 0x444c4231;    ///< 'DLB1', written before there were digests
inline constexpr const char* usage_name = "usage.sqlite";
inline constexpr const char* state_name = "state.sqlite";

struct Part {
    std::string name;    ///< "schema", "table facts", "file keys/collector.key"
    std::int64_t rows = 0;
    std::string sha256;    ///< hex

    friend bool operator==(const Part&, const Part&) = default;
};

/// The schema and every table of a store, by name; a backup's own tables are left out.
[[nodiscard]] std::vector<Part> digest_tables(Database& database);
/// The files in backup_files, by path.
[[nodiscard]] std::vector<Part> digest_files(Database& backup);

/// Writes backup_contents. Within a write transaction.
void write_contents(Database& backup, const std::vector<Part>& parts);
/// Compares what is there with backup_contents and throws what differs first, by name. Returns the digest over all:
/// "sha256:" and hex; empty for a backup that carries none.
[[nodiscard]] std::string check_contents(Database& backup);

}    // namespace dl::collector::store
