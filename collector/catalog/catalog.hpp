// What is this host name? Services, noise and internal hosts, looked up by the longest suffix that fits.
// The files are described in config/catalog/README.md.
#pragma once

#include "shared/base/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::catalog {

enum class Kind { service, noise, unknown, internal, personal };
[[nodiscard]] std::string_view to_string(Kind kind);

/// A role of hosts that prove contact, not use: embedded | asset | telemetry.
[[nodiscard]] bool is_background(std::string_view role);

/// How facts about a host are counted and who is shown them: the kinds of store::DestinationLabel.
///   service     use; a person behind it is counted
///   background  contact with a service that nobody chose
///   unknown     a domain that waits for a word
///   vendor      an unlisted host below a known vendor's domain: for security, never put forward
///   address     no name was seen: for security, never put forward
///   storage     a bucket of shared cloud storage, where much is uploaded: for security, the service stays unknown
///   noise, internal, personal: no finding
enum class Counted : std::uint8_t { service, background, unknown, vendor, address, storage, noise, internal, personal };
[[nodiscard]] std::string_view to_string(Counted counted);

struct Category {
    std::string id;    ///< stable, lower-case-with-dashes
    std::string name;
    std::string capability;       ///< the business capability that its services stand for
    unsigned exposure = 1;        ///< 1 (little) to 5 (much): what the organisation's data risk there
    bool low_interest = false;    ///< private use such as music or shopping: counted, not put forward
};

struct Service {
    std::string id;    ///< stable, lower-case-with-dashes
    std::string name;
    std::string vendor;
    std::string category;                  ///< id of a category
    std::string capability;                ///< business capability of the category, unless the entry has its own
    bool internal = false;                 ///< from internal-hosts.csv: the organisation runs it itself
    bool personal = false;                 ///< the personal instance of a vendor that has a corporate one too
    std::vector<std::string> also = {};    ///< further capabilities: it is offered for them, its use counts for none
    bool low_interest = false;             ///< of its category: private use

    /// People who use it are counted behind its capability: neither a private instance nor private use is a need.
    [[nodiscard]] bool shows_need() const { return !personal && !low_interest; }
    [[nodiscard]] bool serves(std::string_view what) const;
};

/// The answer for one host. Views live as long as the catalogue.
struct Match {
    Kind kind = Kind::unknown;
    std::string_view id;                 ///< service id, noise kind, or empty for unknown (see `label`)
    const Service* service = nullptr;    ///< of a service or an internal host
    std::string_view matched;    ///< the pattern that decided, as the catalogue file writes it; empty where none did
    /// Of a service: app | api | login | asset | telemetry | embedded | tenant (see is_background).
    /// Of noise: "storage", a bucket of shared cloud storage; else empty.
    /// Of an unknown: "hosted", somebody's page or app published at a platform (shop.myshopify.com), which says nothing
    /// about the platform's use; "vendor", an unlisted host below a known vendor's domain; "address"; else empty.
    std::string_view role;
    std::string_view vendor;    ///< of a service, of a vendor's own site and of role "vendor"; else empty
    std::string
        label;    ///< what the store groups by: service id, "noise:<kind>", registrable domain, bucket, "personal"

    [[nodiscard]] Counted counted() const;
};

class Catalog {
public:
    virtual ~Catalog() = default;
    /// `host` in any case, with or without trailing dot; `canonical` is the CNAME where known, else empty.
    /// Exact host, longest suffix (a tenant's before a plain one), canonical name, internal host, local name, then
    /// unknown by registrable domain. A domain and its "www." stand for each other where only one is listed. An address
    /// literal is what the narrowest internal network says, else internal (id "private-network") where it is not
    /// globally reachable, else unknown under its own text; what is no host name is unknown under "invalid".
    /// Thread-safe.
    [[nodiscard]] virtual Match match(std::string_view host, std::string_view canonical = {}) const = 0;
    [[nodiscard]] virtual const Service* service(std::string_view id) const = 0;
    [[nodiscard]] virtual const std::vector<Service>& services() const = 0;       ///< internal ones at the end
    [[nodiscard]] virtual const std::vector<Category>& categories() const = 0;    ///< in the order of the file
    [[nodiscard]] virtual std::size_t pattern_count() const = 0;
    /// Hash over everything that was loaded: the version that findings cite.
    [[nodiscard]] virtual std::string_view version() const = 0;
};

/// Loads and checks every file of a folder, and local.json and internal-hosts.csv of `own` (empty: of the same folder).
/// A failure names file, line and reason.
[[nodiscard]] Result<std::unique_ptr<Catalog>> load_catalog(const std::filesystem::path& folder,
                                                            const std::filesystem::path& own = {});

}    // namespace dl::collector::catalog
