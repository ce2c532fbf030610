// The roll-ups over facts: day_use holds, for each device-day, what was chosen as best source and summed by (person,
// label). A commit marks the device-days it touched; refresh() brings them up to date in bounded slices, each a
// transaction of its own.
#pragma once

#include "collector/store/sqlite/dimensions.hpp"

#include <cstddef>
#include <functional>

namespace dl::collector::store {

struct DeviceDay {
    std::int64_t day = 0;
    std::int64_t device = 0;

    friend auto operator<=>(const DeviceDay&, const DeviceDay&) = default;
};

class RollUp {
public:
    RollUp(Database& database, DimensionTables& dimensions);

    /// The uses of a device-day made from its facts, units filled in, by (person, label). Within a transaction.
    [[nodiscard]] std::vector<Use> uses_from_facts(DeviceDay at);
    /// The same before summing: every taken fact with its source.
    void taken_facts(DeviceDay at, const std::function<void(const LabelledFact&, Source)>& each);
    /// The uses as day_use holds them.
    [[nodiscard]] std::vector<Use> uses_from_roll_up(DeviceDay at);

    /// Recomputes marked device-days, at most `limit`, and returns how many are left.
    std::size_t refresh(std::size_t limit);
    [[nodiscard]] std::vector<DeviceDay> dirty(std::int64_t from, std::int64_t to, std::size_t limit);
    [[nodiscard]] std::vector<DeviceDay> device_days(std::int64_t from, std::int64_t to);
    /// Marks all, so that refresh() rebuilds everything. Within a write transaction.
    void mark_all();
    void mark(DeviceDay at);

private:
    const std::vector<LabelledFact>& read(DeviceDay at);
    void recompute(DeviceDay at);
    void write(const Use& use);

    Database& database_;
    DimensionTables& dimensions_;
    std::vector<LabelledFact> facts_;
    Statement facts_of_, uses_of_, next_device_day_, dirty_, clean_, mark_, remove_use_, write_use_, mixed_,
        unlabelled_;
};

}    // namespace dl::collector::store
