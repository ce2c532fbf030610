// The history of use: what agents report, kept as facts of small integers, and the few reports that are made from it.
//
// Facts never change their meaning: a destination, a person and a device are numbers. What they mean (service, unit) is
// a dimension that is laid over them with label(), stamped with the versions it was made from. A new catalogue or
// directory re-labels history without touching a fact; every roll-up can be rebuilt from facts and dimensions.
#pragma once

#include "shared/base/failure.hpp"
#include "shared/base/id.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace dl::collector::store {

/// A report after folding: pseudonyms re-keyed, implausible and malformed cells taken out, hosts normalised.
using FoldedReport = wire::Report;

/// What the store holds of one (agent, epoch) after a commit.
struct Held {
    StoreIncarnation store;
    Receipt receipt;    ///< new for every commit
    std::uint64_t revision = 0;
};

/// What a destination is. `label` is the service id for kind service and for kind background (its embedded, asset and
/// telemetry hosts), "noise:<kind>" for noise, the registrable domain
/// (or address) for unknown, "personal" for folded hosts, the internal service's id for internal.
struct DestinationLabel {
    std::uint32_t destination = 0;
    std::string kind;    ///< service | background | noise | unknown | internal | personal
    std::string label;
    std::string capability;    ///< empty where there is none
};

/// Which unit a person or device belonged to, from a day (inclusive) to a day (exclusive).
struct Placement {
    Pseudonym who;    ///< re-keyed
    std::string unit;
    Day from = Day::min();
    Day to = Day::max();
    Pseudonym person = {};    ///< re-keyed: one for all accounts of a person; nil: `who` is the person's only one
};

/// Everything that gives facts a meaning, made from one catalogue and one directory.
struct Dimensions {
    std::string stamp;    ///< versions it was made from; equal stamps mean equal dimensions
    std::vector<DestinationLabel> destinations;
    std::vector<Placement> people;
    std::vector<Placement> devices;
};

struct KnownDestination {
    std::uint32_t id = 0;
    wire::Destination destination;
};

/// What a report's rows are grouped by. Without any: one row over everything. `unit` is the person's, else the
/// device's; `device_unit` is the device's own and goes into Row::unit, so ask for one of them.
enum class By : std::uint8_t {
    day,
    unit,
    kind,
    label,
    capability,
    destination,
    evidence,
    observer,
    application,
    device_unit
};

/// The unit of what belongs to nobody in the directory.
inline constexpr const char* unassigned = "unassigned";

struct Query {
    Day from{};    ///< inclusive
    Day to{};      ///< exclusive
    std::set<By> by;
    std::optional<std::string> unit;
    std::optional<std::string> kind;
    std::optional<std::string> label;
    std::optional<std::string> capability;
};

/// One row of a report. Dimension fields that were not asked for are empty. One use is counted once: for each (person,
/// else device; label; day) the best source by evidence is taken, never the sum over observers.
struct Row {
    std::optional<Day> day;
    std::string unit, kind, label, capability, host, canonical, evidence, observer, application;
    std::uint64_t people = 0;                    ///< distinct persons: people_known and accounts of nobody known
    std::uint64_t people_known = 0;              ///< distinct people of the directory on these days, each once
    std::uint64_t devices = 0;                   ///< distinct devices
    std::uint64_t devices_without_person = 0;    ///< distinct devices among use whose person is unknown
    std::uint64_t days = 0;                      ///< distinct days
    std::uint64_t connections = 0;
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
    Timestamp first_seen{};    ///< to the millisecond, rounded down
    Timestamp last_seen{};
};

/// A clock further off than this is remarked on: days and times of what its agent saw are then off by as much.
inline constexpr std::chrono::minutes clock_tolerance{5};
[[nodiscard]] constexpr bool is_clock_off(std::chrono::microseconds offset)
{
    return offset > clock_tolerance || offset < -clock_tolerance;
}

/// "3 h ahead", "12 min behind": of an agent's clock against the collector's, in the largest unit that leaves two or
/// more.
[[nodiscard]] std::string clock_words(std::chrono::microseconds offset);

/// What is known of one observer.
struct ObserverState {
    AgentId agent;
    wire::ObserverKind kind = wire::ObserverKind::endpoint;
    std::string version;
    Timestamp last_report{};
    std::int64_t clock_offset_us = 0;    ///< agent's clock minus collector's at the last report
    std::uint64_t quarantined = 0;
    std::uint64_t too_old = 0;
    wire::Counters counters;    ///< summed over the observer's epochs
};

/// What an application offered in its TLS ClientHellos: its own attribute, kept with no device and no person.
struct ApplicationOffer {
    std::string application;
    wire::TlsVersion version = wire::TlsVersion::tls_1_3;    ///< the highest it offered
    wire::Protocols protocols = wire::Protocols::none;       ///< between all hellos of that version
    Day last_day{};                                          ///< of such a hello

    friend bool operator==(const ApplicationOffer&, const ApplicationOffer&) = default;
};

/// Sums over facts.
struct Totals {
    std::uint64_t cells = 0;
    std::uint64_t connections = 0;
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
};

class UsageStore {
public:
    virtual ~UsageStore() = default;

    /// Merges reports by the component-wise maximum and returns when they can't be lost, one Held per report in order.
    /// Idempotent and commutative. All of them or none.
    [[nodiscard]] virtual Result<std::vector<Held>> commit(std::span<const FoldedReport> reports) = 0;
    /// What is held of one (agent, epoch): the last receipt and revision; nothing where it never reported.
    [[nodiscard]] virtual Result<std::optional<Held>> held(const AgentId& agent, const Epoch& epoch) = 0;

    [[nodiscard]] virtual Result<std::vector<Row>> report(const Query& query) = 0;
    /// Raw sums over all facts, before best-source: what conservation is checked against.
    [[nodiscard]] virtual Result<Totals> totals(Day from, Day to) = 0;
    [[nodiscard]] virtual Result<std::vector<ObserverState>> observers() = 0;
    /// What applications offered on `from` or later, weakest version first, then by application.
    [[nodiscard]] virtual Result<std::vector<ApplicationOffer>> offers(Day from) = 0;
    /// Adds to what was refused of an observer's cells before folding (ObserverState::quarantined, too_old). Not
    /// idempotent, and durable only with the next commit: figures for operations, not facts. Unknown observers are
    /// ignored.
    [[nodiscard]] virtual Result<void> count_refused(const AgentId& agent, std::uint64_t quarantined,
                                                     std::uint64_t too_old) = 0;

    /// Brings the roll-ups up to date with the commits, at most `device_days` of them (each some hundred cells), and
    /// returns how many wait still: the lag. report() is right without it, at the price of doing the waiting work
    /// itself.
    [[nodiscard]] virtual Result<std::size_t> refresh(std::size_t device_days) = 0;

    /// The stamp the dimensions were made from, and the destinations that carry no label yet.
    [[nodiscard]] virtual Result<std::string> stamp() = 0;
    [[nodiscard]] virtual Result<std::vector<KnownDestination>> destinations(bool unlabelled_only) = 0;
    /// Lays dimensions over the facts and rebuilds what depends on them. With an unchanged stamp only adds labels. A
    /// destination without label counts as kind "unknown" with its host as label.
    [[nodiscard]] virtual Result<void> label(const Dimensions& dimensions) = 0;

    /// Removes person-level facts older than `before`, and the persons and devices not seen since, in slices that a
    /// commit can pass between.
    [[nodiscard]] virtual Result<void> expire(Day before) = 0;
    /// Checks the file's structure, that every fact stands on its dimensions, and roll-ups against facts; a failure
    /// names the first difference and what mends it.
    [[nodiscard]] virtual Result<void> verify() = 0;
    /// Makes every roll-up anew from facts and dimensions: what mends roll-ups that differ.
    [[nodiscard]] virtual Result<void> rebuild() = 0;
    [[nodiscard]] virtual StoreIncarnation incarnation() const = 0;
};

}    // namespace dl::collector::store
