// The state store in one SQLite file. SCHEMA.md beside this file specifies the tables.
#include "collector/store/sqlite/database.hpp"
#include "collector/store/sqlite/open.hpp"
#include "collector/store/sqlite/schema.hpp"

#include <fmt/format.h>

#include <mutex>

namespace dl::collector::store {
namespace {

nlohmann::json parse_value(const std::filesystem::path& file, const Statement& row, int column)
{
    if (row.is_null(column)) return nullptr;
    nlohmann::json value = nlohmann::json::parse(row.text(column), nullptr, false);
    if (value.is_discarded())
        throw StoreError(io_failure(
            fmt::format("{}: a document is no JSON; restore a backup with daylight-collector restore", file.string())));
    return value;
}

class SqliteStateStore final : public StateStore {
public:
    SqliteStateStore(const std::filesystem::path& file, Open how) : database_(file, access_for(how))
    {
        prepare_schema(database_, state_schema());
        get_ = Statement(database_, "SELECT version, json FROM documents WHERE collection = ?1 AND key = ?2");
        list_ = Statement(
            database_,
            "SELECT key, version, json FROM documents WHERE collection = ?1 AND json IS NOT NULL ORDER BY key");
        changes_ = Statement(
            database_,
            "SELECT cursor, collection, key, version, json FROM changes WHERE cursor > ?1 ORDER BY cursor LIMIT ?2");
        if (!database_.writable()) return;
        put_ = Statement(database_, "INSERT INTO documents(collection, key, version, json) VALUES(?1, ?2, ?3, ?4) "
                                    "ON CONFLICT DO UPDATE SET version = excluded.version, json = excluded.json");
        log_ = Statement(database_, "INSERT INTO changes(collection, key, version, json) VALUES(?1, ?2, ?3, ?4)");
    }

    Result<std::optional<Document>> get(std::string_view collection, std::string_view key) override
    {
        const std::lock_guard lock(mutex_);
        return guarded([&]() -> std::optional<Document> {
            const Reset reset{get_};
            get_.bind(1, collection).bind(2, key);
            if (!get_.step() || get_.is_null(1)) return std::nullopt;
            return Document{std::string(collection), std::string(key), static_cast<std::uint64_t>(get_.integer(0)),
                            parse_value(database_.file(), get_, 1)};
        });
    }

    Result<std::vector<Document>> list(std::string_view collection) override
    {
        const std::lock_guard lock(mutex_);
        return guarded([&] {
            const Reset reset{list_};
            list_.bind(1, collection);
            std::vector<Document> documents;
            while (list_.step())
                documents.push_back({std::string(collection), std::string(list_.text(0)),
                                     static_cast<std::uint64_t>(list_.integer(1)),
                                     parse_value(database_.file(), list_, 2)});
            return documents;
        });
    }

    Result<std::uint64_t> put_if_version(std::string_view collection, std::string_view key, std::uint64_t seen,
                                         const nlohmann::json& value) override
    {
        const std::lock_guard lock(mutex_);
        return guarded([&] { return put(collection, key, seen, value); });
    }

    Result<std::vector<Change>> changes_since(std::uint64_t cursor, std::size_t limit) override
    {
        const std::lock_guard lock(mutex_);
        return guarded([&] {
            const Reset reset{changes_};
            changes_.bind_all(cursor, limit);
            std::vector<Change> changes;
            while (changes_.step())
                changes.push_back(
                    {static_cast<std::uint64_t>(changes_.integer(0)),
                     {std::string(changes_.text(1)), std::string(changes_.text(2)),
                      static_cast<std::uint64_t>(changes_.integer(3)), parse_value(database_.file(), changes_, 4)}});
            return changes;
        });
    }

    Result<void> verify() override
    {
        const std::lock_guard lock(mutex_);
        return guarded([&] { check(); });
    }

private:
    void check()
    {
        const auto refuse = [&](const std::string& what) {
            throw StoreError(io_failure(fmt::format("{}: {}; restore a backup with daylight-collector restore",
                                                    database_.file().string(), what)));
        };
        const Transaction snapshot(database_, Transaction::Kind::read);
        Statement integrity(database_, "PRAGMA integrity_check(1)");
        if (integrity.step() && integrity.text(0) != "ok") refuse(std::string(integrity.text(0)));
        Statement last(database_,
                       "SELECT d.collection, d.key FROM documents d LEFT JOIN (SELECT collection, key, version, json, "
                       "max(cursor) FROM changes GROUP BY collection, key) c USING(collection, key) "
                       "WHERE c.version IS NOT d.version OR c.json IS NOT d.json LIMIT 1");
        if (last.step())
            refuse(fmt::format("{}/{} is not as its last change left it: somebody wrote it with another program",
                               last.text(0), last.text(1)));
        Statement lost(database_,
                       "SELECT collection, key FROM changes EXCEPT SELECT collection, key FROM documents LIMIT 1");
        if (lost.step())
            refuse(
                fmt::format("{}/{} is gone though changes to it are recorded: somebody removed it with another program",
                            lost.text(0), lost.text(1)));
    }

    struct Reset {
        Statement& statement;
        ~Reset() { statement.reset(); }
    };

    std::uint64_t put(std::string_view collection, std::string_view key, std::uint64_t seen,
                      const nlohmann::json& value)
    {
        if (!database_.writable())
            throw StoreError(
                denied(fmt::format("{}: opened for reading only; open it for writing", database_.file().string())));
        std::string json;
        try {
            if (!value.is_null()) json = value.dump();
        } catch (const nlohmann::json::exception&) {
            throw StoreError(invalid_input(fmt::format("{}/{}: text is not UTF-8; send UTF-8", collection, key)));
        }

        Transaction transaction(database_, Transaction::Kind::write);
        std::uint64_t version = 0;
        bool alive = false;
        {
            const Reset reset{get_};
            get_.bind(1, collection).bind(2, key);
            if (get_.step()) {
                version = static_cast<std::uint64_t>(get_.integer(0));
                alive = !get_.is_null(1);
            }
        }
        // A removed document does not exist for its writer, but its version goes on rising.
        if (seen != (alive ? version : 0))
            throw StoreError(conflict(fmt::format("{}/{}: stands at version {}, not {}; read it again", collection, key,
                                                  alive ? version : 0, seen)));
        ++version;
        for (Statement* statement : {&put_, &log_}) {
            const Reset reset{*statement};
            statement->bind(1, collection).bind(2, key).bind(3, static_cast<std::int64_t>(version));
            if (value.is_null())
                statement->bind_null(4);
            else
                statement->bind(4, std::string_view(json));
            statement->run();
        }
        transaction.commit();
        return version;
    }

    std::mutex mutex_;
    Database database_;
    Statement get_, list_, changes_, put_, log_;
};

}    // namespace

Result<std::unique_ptr<StateStore>> open_sqlite_state_store(const std::filesystem::path& file, Open how)
{
    return guarded([&]() -> std::unique_ptr<StateStore> { return std::make_unique<SqliteStateStore>(file, how); });
}

}    // namespace dl::collector::store
