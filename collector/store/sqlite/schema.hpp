// The tables of both stores, by version. A file says its version in user_version and what it is in application_id; it
// is brought up to date in one transaction, and a file of a newer version is refused.
#pragma once

#include "collector/store/sqlite/database.hpp"
#include "collector/store/sqlite/open.hpp"

#include <string>
#include <vector>

namespace dl::collector::store {

struct Schema {
    std::string name;                  ///< for messages: "usage store"
    std::int32_t application_id;       ///< four bytes in the file's head
    std::vector<std::string> steps;    ///< steps[i] leads from version i to i + 1
};

[[nodiscard]] const Schema& usage_schema();
[[nodiscard]] const Schema& state_schema();

/// Makes or migrates the tables of a writable database, checks those of a read-only one. Throws StoreError.
void prepare_schema(Database& database, const Schema& schema);

[[nodiscard]] Database::Access access_for(Open how);

}    // namespace dl::collector::store
