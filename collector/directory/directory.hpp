// Business units, people and devices, from CSV files that HR and the asset database export.
#pragma once

#include "collector/store/usage_store.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/id.hpp"
#include "shared/base/time.hpp"

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::directory {

/// What a unit wants to reach, in its own words, and what it says that takes.
struct Goal {
    std::string id;    ///< goal-1 … goal-3: the column's number
    std::string text;
    std::vector<std::string> about;    ///< capabilities by name and services by id; empty: the unit did not say
};

struct Unit {
    std::string id;    ///< stable, lower-case-with-dashes
    std::string name;
    std::string parent;                  ///< id, empty for the root
    std::string leader;                  ///< employee number
    std::string relationship_manager;    ///< employee number
    std::vector<Goal> goals;             ///< up to three
    std::size_t line = 0;                ///< in business-units.csv
    std::size_t people = 0;              ///< in the directory today
    std::size_t devices = 0;
};

/// The two keys between a name and what the store holds: HMAC(collector, HMAC(organisation, canonical name)).
struct PseudonymKeys {
    std::array<std::uint8_t, 32> organisation{};
    std::array<std::uint8_t, 32> collector{};
};

class Directory {
public:
    virtual ~Directory() = default;
    [[nodiscard]] virtual const std::vector<Unit>& units() const = 0;
    [[nodiscard]] virtual const Unit* unit(std::string_view id) const = 0;
    /// Everybody's and every device's unit under the pseudonyms that the store holds.
    [[nodiscard]] virtual std::vector<store::Placement> people(const PseudonymKeys& keys) const = 0;
    [[nodiscard]] virtual std::vector<store::Placement> devices(const PseudonymKeys& keys) const = 0;
    [[nodiscard]] virtual std::string_view version() const = 0;
};

struct DirectoryFiles {
    std::filesystem::path units;      ///< business-units.csv
    std::filesystem::path people;     ///< people.csv; may be absent
    std::filesystem::path devices;    ///< devices.csv; may be absent
};
[[nodiscard]] Result<std::unique_ptr<Directory>> load_directory(const DirectoryFiles& files);
/// A failure at the first goal about something that is neither among these capabilities nor these services; the
/// catalogue is loaded by another room.
[[nodiscard]] Result<void> check_goals(const Directory& directory, const std::filesystem::path& units_file,
                                       const std::set<std::string, std::less<>>& capabilities,
                                       const std::set<std::string, std::less<>>& services);

}    // namespace dl::collector::directory
