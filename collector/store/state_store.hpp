// The small, transactional state: accounts, enrolments, tokens, decisions, frozen briefs, the audit chain. Documents by
// (collection, key), each with a version that rises by one on every change; writers say which version they saw.
#pragma once

#include "shared/base/failure.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::store {

struct Document {
    std::string collection;
    std::string key;
    std::uint64_t version = 0;
    nlohmann::json value;    ///< null: was removed
};

struct Change {
    std::uint64_t cursor = 0;
    Document document;
};

class StateStore {
public:
    virtual ~StateStore() = default;

    [[nodiscard]] virtual Result<std::optional<Document>> get(std::string_view collection, std::string_view key) = 0;
    /// All living documents of a collection, by key.
    [[nodiscard]] virtual Result<std::vector<Document>> list(std::string_view collection) = 0;
    /// Writes when the stored version is `seen` (0: must not exist yet). Conflict otherwise. Returns the new version.
    /// Durable when it returns. A null value removes.
    [[nodiscard]] virtual Result<std::uint64_t> put_if_version(std::string_view collection, std::string_view key,
                                                               std::uint64_t seen, const nlohmann::json& value) = 0;
    /// The file's structure, and every document against the last change that was made to it: what somebody wrote past
    /// this interface shows. A failure names the first that differs.
    [[nodiscard]] virtual Result<void> verify() = 0;
    /// Changes after a cursor, oldest first, at most `limit`.
    [[nodiscard]] virtual Result<std::vector<Change>> changes_since(std::uint64_t cursor, std::size_t limit) = 0;
};

}    // namespace dl::collector::store
