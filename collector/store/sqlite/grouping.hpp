// Groups uses into the rows of a report: sums, and distinct people, devices and days per group.
#pragma once

#include "collector/store/sqlite/dimensions.hpp"

#include <array>
#include <optional>
#include <unordered_map>
#include <vector>

namespace dl::collector::store {

class Grouping {
public:
    Grouping(const Query& query, DimensionTables& dimensions);

    /// Whether the query's filters let a use of this label and unit through.
    [[nodiscard]] bool wants(std::int64_t label, std::int64_t unit);
    void add(const Use& use);
    /// For queries by destination, evidence, observer or application: the use of one fact.
    void add(const Use& use, const LabelledFact& fact, std::int64_t observer);
    /// The rows, ordered by their dimensions.
    [[nodiscard]] std::vector<Row> rows();

private:
    static constexpr std::size_t dimensions_max = 10;
    using Key = std::array<std::int64_t, dimensions_max>;
    struct KeyHash {
        std::size_t operator()(const Key& key) const
        {
            std::uint64_t hash = 1469598103934665603ULL;
            for (const std::int64_t part : key)
                hash = (hash ^ static_cast<std::uint64_t>(part)) * 0x9E3779B97F4A7C15ULL, hash ^= hash >> 29;
            return hash;
        }
    };
    struct Group {
        Key key{};
        std::int64_t connections = 0, bytes_up = 0, bytes_down = 0;
        std::int64_t first_seen = 0, last_seen = 0;    ///< microseconds since 1970-01-01
    };
    struct LabelView {
        bool wanted = false;
        std::int64_t kind = 0, label = 0, capability = 0;    ///< interned texts
    };

    const LabelView& view(std::int64_t label);
    std::int64_t intern(const std::string& text);
    [[nodiscard]] bool by(By dimension) const { return by_[static_cast<std::size_t>(dimension)]; }
    Key key_of(const Use& use);
    void add_to(const Key& key, const Use& use);
    std::int64_t known_person(const Use& use);
    Row row_of(const Group& group);

    const Query& query_;
    DimensionTables& dimensions_;
    std::array<bool, dimensions_max> by_{};
    std::unordered_map<std::int64_t, LabelView> views_;
    std::unordered_map<std::int64_t, bool> unit_wanted_;
    std::unordered_map<std::string, std::int64_t> texts_;
    std::vector<const std::string*> text_;
    std::unordered_map<Key, std::uint32_t, KeyHash> index_;
    std::vector<Group> groups_;
    /// (group, id) pairs, made distinct when rows are asked for.
    std::vector<std::uint64_t> people_, devices_, nobody_, days_;
    Key last_key_{};
    std::uint32_t last_group_ = 0;
    std::int64_t last_person_ = 0, last_day_ = 0, last_known_ = 0;
};

}    // namespace dl::collector::store
