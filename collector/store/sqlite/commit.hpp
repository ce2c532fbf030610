// Merging reports into facts: sorted upserts by component-wise maximum in one transaction, and what is held of each
// (agent, epoch).
#pragma once

#include "collector/store/sqlite/dimensions.hpp"
#include "collector/store/sqlite/roll_up.hpp"

#include <span>
#include <vector>

namespace dl::collector::store {

class Committer {
public:
    Committer(Database& database, DimensionTables& dimensions, RollUp& roll_up);

    /// All of them or none; durable when it returns.
    [[nodiscard]] std::vector<Held> commit(std::span<const FoldedReport> reports, const StoreIncarnation& store,
                                           Timestamp now);

private:
    struct Book {
        std::int64_t observer = 0;
        std::int64_t epoch = 0;
        std::uint64_t revision = 0;
    };
    Book open_book(const FoldedReport& report, Timestamp now);
    void gather(const FoldedReport& report, std::int64_t epoch);
    void write_facts();
    void write_offers(const FoldedReport& report);
    Held close_book(const FoldedReport& report, const Book& book, const StoreIncarnation& store);

    Database& database_;
    DimensionTables& dimensions_;
    RollUp& roll_up_;
    std::vector<Fact> facts_;
    Statement observer_, find_epoch_, insert_epoch_, merge_fact_, merge_offer_, update_epoch_;
};

}    // namespace dl::collector::store
