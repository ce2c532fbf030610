// What is this host name? Services, noise and internal hosts, looked up by the longest suffix that fits.
#pragma once

#include "shared/base/failure.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::catalog {

enum class Kind { service, noise, unknown, internal, personal };
[[nodiscard]] std::string_view to_string(Kind kind);

struct Service {
    std::string id;            ///< stable, lower-case-with-dashes
    std::string name;
    std::string vendor;
    std::string category;      ///< id of a category
    std::string capability;    ///< business capability of the category, unless the entry has its own
};

/// The answer for one host. Views live as long as the catalogue.
struct Match {
    Kind kind = Kind::unknown;
    std::string_view id;         ///< service id, noise kind, or empty for unknown (see `label`)
    const Service* service = nullptr;
    std::string_view matched;    ///< the pattern that decided, as the catalogue file writes it; empty for unknown
    std::string_view role;       ///< app | api | login | asset | telemetry | embedded | tenant; empty where not a service
    std::string label;           ///< what the store groups by: service id, "noise:<kind>", registrable domain, "personal"
};

class Catalog {
public:
    virtual ~Catalog() = default;
    /// `host` in any case, with or without trailing dot; `canonical` is the CNAME where known, else empty.
    /// Exact host, tenant suffix, longest suffix, canonical name, then unknown by registrable domain.
    [[nodiscard]] virtual Match match(std::string_view host, std::string_view canonical = {}) const = 0;
    [[nodiscard]] virtual const Service* service(std::string_view id) const = 0;
    [[nodiscard]] virtual const std::vector<Service>& services() const = 0;
    /// Hash over everything that was loaded: the version that findings cite.
    [[nodiscard]] virtual std::string_view version() const = 0;
};

/// Loads and checks every file of a folder. A failure names file, line and reason.
[[nodiscard]] Result<std::unique_ptr<Catalog>> load_catalog(const std::filesystem::path& folder);

}    // namespace dl::collector::catalog
