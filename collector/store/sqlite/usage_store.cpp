// The usage store in one SQLite file. SCHEMA.md beside this file specifies the tables.
#include "collector/store/sqlite/commit.hpp"
#include "collector/store/sqlite/labelling.hpp"
#include "collector/store/sqlite/open.hpp"
#include "collector/store/sqlite/reporting.hpp"
#include "collector/store/sqlite/schema.hpp"
#include "collector/store/sqlite/upkeep.hpp"

#include <fmt/format.h>

#include <limits>

namespace dl::collector::store {
namespace {

std::int64_t number(Day day) { return day.time_since_epoch().count(); }

class SqliteUsageStore final : public UsageStore {
public:
    SqliteUsageStore(const std::filesystem::path& file, Open how, const Clock& clock)
        : database_(file, access_for(how)),
          prepared_((prepare_schema(database_, usage_schema()), true)),
          dimensions_(database_),
          roll_up_(database_, dimensions_),
          clock_(clock)
    {
        database_.execute("PRAGMA cache_size=-65536");
        // A checkpoint reads and writes what changed since the last: rarer is cheaper, and 16,000 pages bound the log
        // to 64 MB.
        database_.execute("PRAGMA wal_autocheckpoint=16000");
        if (database_.writable()) commits_.emplace(database_, dimensions_, roll_up_);
        Statement incarnation(database_, "SELECT value FROM meta WHERE key = 'incarnation'");
        if (!incarnation.step() || incarnation.blob(0).size() != StoreIncarnation::size)
            throw StoreError(io_failure(fmt::format(
                "{}: carries no incarnation; restore a backup with daylight-collector restore", file.string())));
        std::ranges::copy(incarnation.blob(0), incarnation_.bytes.begin());
    }

    Result<std::vector<Held>> commit(std::span<const FoldedReport> reports) override
    {
        return changing([&] { return commits_->commit(reports, incarnation_, clock_.now()); });
    }

    Result<std::optional<Held>> held(const AgentId& agent, const Epoch& epoch) override
    {
        return guarded([&]() -> std::optional<Held> {
            Statement find(database_,
                           "SELECT e.receipt, e.revision FROM epochs e JOIN observers o ON o.id = e.observer "
                           "WHERE o.agent = ?1 AND e.epoch = ?2");
            find.bind(1, agent.bytes).bind(2, epoch.bytes);
            if (!find.step()) return std::nullopt;
            Held held{incarnation_, {}, static_cast<std::uint64_t>(find.integer(1))};
            if (find.blob(0).size() == Receipt::size) std::ranges::copy(find.blob(0), held.receipt.bytes.begin());
            return held;
        });
    }

    Result<std::vector<Row>> report(const Query& query) override
    {
        if (database_.writable())
            if (const auto refreshed = refresh(std::numeric_limits<std::size_t>::max()); !refreshed)
                return refreshed.error();
        return guarded([&] { return make_report(database_, dimensions_, roll_up_, query); });
    }

    Result<Totals> totals(Day from, Day to) override
    {
        return guarded([&] { return sum_facts(database_, number(from), number(to)); });
    }

    Result<std::vector<ObserverState>> observers() override
    {
        return guarded([&] { return list_observers(database_); });
    }

    Result<std::vector<ApplicationOffer>> offers(Day from) override
    {
        return guarded([&] { return list_offers(database_, number(from)); });
    }

    Result<void> count_refused(const AgentId& agent, std::uint64_t quarantined, std::uint64_t too_old) override
    {
        return changing([&] {
            Statement count(
                database_,
                "UPDATE observers SET quarantined = quarantined + ?2, too_old = too_old + ?3 WHERE agent = ?1");
            count.bind(1, agent.bytes)
                .bind(2, static_cast<std::int64_t>(quarantined))
                .bind(3, static_cast<std::int64_t>(too_old))
                .run();
        });
    }

    Result<std::size_t> refresh(std::size_t device_days) override
    {
        return changing([&] { return roll_up_.refresh(device_days); });
    }

    Result<std::string> stamp() override
    {
        return guarded([&] { return stored_stamp(database_); });
    }

    Result<std::vector<KnownDestination>> destinations(bool unlabelled_only) override
    {
        return guarded([&] { return list_destinations(database_, unlabelled_only); });
    }

    Result<void> label(const Dimensions& dimensions) override
    {
        return changing([&] {
            lay_dimensions(database_, dimensions_, roll_up_, dimensions);
            roll_up_.refresh(std::numeric_limits<std::size_t>::max());
        });
    }

    Result<void> expire(Day before) override
    {
        return changing([&] { expire_facts(database_, dimensions_, number(before)); });
    }

    Result<void> verify() override
    {
        return guarded([&] { verify_store(database_, dimensions_, roll_up_); });
    }

    Result<void> rebuild() override
    {
        return changing([&] { rebuild_roll_ups(database_, roll_up_); });
    }

    StoreIncarnation incarnation() const override { return incarnation_; }

private:
    /// Runs what writes; a failure leaves nothing of it behind, not even in the caches.
    template <class Work>
    auto changing(Work&& work) -> Result<decltype(work())>
    {
        return guarded([&]() -> decltype(work()) {
            if (!database_.writable())
                throw StoreError(
                    denied(fmt::format("{}: opened for reading only; open it for writing", database_.file().string())));
            try {
                return work();
            } catch (...) {
                dimensions_.forget();
                throw;
            }
        });
    }

    Database database_;
    bool prepared_;
    DimensionTables dimensions_;
    RollUp roll_up_;
    std::optional<Committer> commits_;
    const Clock& clock_;
    StoreIncarnation incarnation_;
};

}    // namespace

Result<std::unique_ptr<UsageStore>> open_sqlite_usage_store(const std::filesystem::path& file, Open how,
                                                            const Clock& clock)
{
    return guarded(
        [&]() -> std::unique_ptr<UsageStore> { return std::make_unique<SqliteUsageStore>(file, how, clock); });
}

Result<std::unique_ptr<UsageStore>> open_sqlite_usage_store(const std::filesystem::path& file, Open how)
{
    static const SystemClock clock;
    return open_sqlite_usage_store(file, how, clock);
}

}    // namespace dl::collector::store
