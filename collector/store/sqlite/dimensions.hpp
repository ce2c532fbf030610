// What the small integers of facts stand for: ids of persons, devices, applications and destinations as they come in,
// and the meaning that is laid over them (label of a destination, unit of a person or device on a day). Caches over the
// tables, filled as things are asked for and dropped when another connection changed a meaning.
#pragma once

#include "collector/store/sqlite/best_source.hpp"
#include "collector/store/sqlite/database.hpp"
#include "collector/store/usage_store.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace dl::collector::store {

struct LabelText {
    std::string kind, label, capability;
};

/// Who sees: an observer's number and whether it is an agent on the device itself.
struct Seer {
    std::int64_t observer = 0;
    bool endpoint = true;
};

class DimensionTables {
public:
    explicit DimensionTables(Database& database);

    /// Call first in every transaction: drops what another connection may have changed.
    void check_generation();
    /// Call when a transaction was rolled back: ids made in it are no more.
    void forget();
    /// Within a write transaction: tells every other connection that meanings or ids changed.
    void bump_generation();

    // Within a write transaction: the id, made where there is none.
    [[nodiscard]] std::int64_t person(const Pseudonym& who, std::int64_t day);
    [[nodiscard]] std::int64_t device(const Pseudonym& who, std::int64_t day);
    [[nodiscard]] std::int64_t application(const std::string& name);
    [[nodiscard]] std::int64_t destination(const wire::Destination& destination);
    [[nodiscard]] std::int64_t unit(const std::string& name);
    [[nodiscard]] std::int64_t label(const LabelText& text);

    struct DestinationMeaning {
        std::int64_t label = 0;
        bool labelled = false;    ///< false: the label stands for an unknown host
    };
    [[nodiscard]] const DestinationMeaning& meaning(std::int64_t destination);
    /// The person's unit on that day, else the device's, else 0.
    [[nodiscard]] std::int64_t unit_of(std::int64_t person, std::int64_t device, std::int64_t day);
    /// Whom of the directory's people this account belongs to on that day: a number that all accounts of that person
    /// share, from 1 on, good until the caches are dropped. 0: nobody in the directory, whatever the device's unit.
    [[nodiscard]] std::int64_t known_person(std::int64_t person, std::int64_t day);
    [[nodiscard]] const Seer& seer(std::int64_t epoch);

    [[nodiscard]] const LabelText& label_text(std::int64_t label);
    [[nodiscard]] const std::string& unit_name(std::int64_t unit);
    [[nodiscard]] std::string application_name(std::int64_t application);
    [[nodiscard]] std::string agent_name(std::int64_t observer);
    [[nodiscard]] wire::Destination destination_of(std::int64_t destination);

private:
    struct Span {
        std::int64_t from, to, unit;
        std::int64_t person = 0;    ///< of known_person(); 0 for a device
    };
    struct Subject {
        std::int64_t id = 0;
        std::int64_t last_day = 0;
    };
    struct Subjects {
        std::unordered_map<Pseudonym, Subject> ids;
        Statement find, insert, touch;
        std::int64_t operator()(Database& database, const Pseudonym& who, std::int64_t day);
    };
    using Names = std::unordered_map<std::string, std::int64_t>;
    /// A table of (id, name).
    struct Words {
        Names ids;
        Statement find, insert;
        std::int64_t operator()(Database& database, const std::string& name);
    };

    /// Nothing: in no unit on that day.
    const Span* placed(std::unordered_map<std::int64_t, std::vector<Span>>& cache, Statement& find, std::int64_t who,
                       std::int64_t day);
    std::int64_t known_person_of(std::span<const std::uint8_t> pseudonym);
    std::string text_of(Statement& find, std::int64_t id);

    Database& database_;
    std::int64_t generation_ = -1;
    Subjects persons_, devices_;
    Words applications_, units_;
    Names destinations_, labels_;
    std::unordered_map<std::int64_t, DestinationMeaning> meanings_;
    std::unordered_map<std::int64_t, std::vector<Span>> person_units_, device_units_;
    std::unordered_map<Pseudonym, std::int64_t> known_people_;    ///< as many as the directory has
    std::unordered_map<std::int64_t, Seer> seers_;
    std::unordered_map<std::int64_t, LabelText> label_texts_;
    std::unordered_map<std::int64_t, std::string> unit_names_;
    std::int64_t passing_labels_ = 0;    ///< labels that only this object knows, below 0 (read-only store)
    Statement find_generation_, set_generation_;
    Statement find_destination_, insert_destination_;
    Statement find_label_, insert_label_, meaning_, person_spans_, device_spans_, seer_, label_text_;
    Statement unit_name_, application_name_, agent_name_, destination_of_;
};

}    // namespace dl::collector::store
