// What IT offers a unit for a capability: the agreed services, asked of the policy once and kept.
#pragma once

#include "collector/catalog/catalog.hpp"
#include "collector/directory/directory.hpp"
#include "collector/policy/policy.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dl::collector::insight {

/// What figures are given their meaning by. All of it outlives whatever holds this.
struct Meaning {
    const catalog::Catalog& catalog;
    const policy::Policy& policy;
    const directory::Directory& directory;
};

class Offers {
public:
    explicit Offers(const Meaning& meaning) : meaning_(meaning) {}

    /// What serves the capability, among others, and is sanctioned for this unit; never a personal instance, a category
    /// of private use, or what a rule for its category speaks against (Decision::against). Those whose first capability
    /// it is come first; among them deliberate agreements: those of the rule that covers the fewest services, so that
    /// one service agreed by name goes before a vendor's whole range.
    const std::vector<const catalog::Service*>& agreed(const std::string& unit, const std::string& capability);
    /// The same for all that a service does, each once: for its first capability first.
    [[nodiscard]] std::vector<const catalog::Service*> instead_of(const std::string& unit,
                                                                  const catalog::Service& service);

private:
    Meaning meaning_;
    std::map<std::string, std::map<std::string, std::vector<const catalog::Service*>>> by_unit_;
};

/// "Sales" for sales, the id itself for a unit that is in no file, "Unassigned" for unassigned.
[[nodiscard]] std::string unit_name(const directory::Directory& directory, const std::string& unit);
/// "Customer relationship" for customer-relationship.
[[nodiscard]] std::string capability_name(std::string_view id);
/// agreed · agreed with conditions · not yet agreed · not yet reviewed
[[nodiscard]] std::string_view business_words(policy::Verdict verdict);
/// 1.2 GB, 340 kB: powers of 1000.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}    // namespace dl::collector::insight
