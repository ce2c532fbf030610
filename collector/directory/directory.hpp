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
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::directory {

struct Unit {
    std::string id;    ///< stable, lower-case-with-dashes
    std::string name;
    std::string parent;                  ///< id, empty for the root
    std::string leader;                  ///< employee number
    std::string relationship_manager;    ///< employee number
    std::vector<std::string> goals;      ///< up to three, in the unit's own words
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

}    // namespace dl::collector::directory
