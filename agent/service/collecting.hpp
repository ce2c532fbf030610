// What this host collects: no more than its signed settings allow, and no more than its own file says.
#pragma once

#include "agent/ledger/booking_bounds.hpp"
#include "agent/settings.hpp"
#include "agent/uplink/enrolment.hpp"
#include "agent/uplink/signed_settings.hpp"
#include "shared/base/failure.hpp"
#include "shared/signed/collection.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace dl::agent::service {

/// The most that agent.json lets this host collect. Reads personal_list where one is named.
[[nodiscard]] Result<signing::Collection> collection_of(const Settings& settings);

/// The pin of agent.json, else of the enrolment.
[[nodiscard]] Result<uplink::SignedSettings> load_signed_settings(const Settings& settings,
                                                                  const uplink::Enrolment& enrolment);

/// The narrower of both; a sensor that may be none collects nothing.
[[nodiscard]] signing::Collection in_force(const signing::Collection& bound, const signing::Collection& local,
                                           wire::ObserverKind mode);
/// The same as the booker asks for it, with the built-in list of personal hosts where it is meant.
[[nodiscard]] Result<ledger::BookingBounds> booking_bounds(const signing::Collection& collection);

/// The signed settings of a running agent: handed from the starting thread to the reporter's, which alone changes them.
class Collecting {
public:
    /// `bounds` is told at once, and after every change.
    [[nodiscard]] static Result<std::unique_ptr<Collecting>> start(const Settings& settings,
                                                                   const uplink::Enrolment& enrolment, Timestamp now,
                                                                   std::shared_ptr<ledger::CurrentBounds> bounds);

    [[nodiscard]] uplink::SignedSettings& settings() { return settings_; }
    /// Puts in force what settings() says at `now`, where that changed: new settings, or the end of the old ones.
    [[nodiscard]] Result<void> apply(Timestamp now);
    [[nodiscard]] std::chrono::seconds report_every() const { return std::chrono::seconds(in_force_.report_seconds); }

private:
    Collecting(uplink::SignedSettings settings, signing::Collection local, wire::ObserverKind mode,
               std::shared_ptr<ledger::CurrentBounds> bounds)
        : settings_(std::move(settings)), local_(std::move(local)), mode_(mode), bounds_(std::move(bounds))
    {}

    uplink::SignedSettings settings_;
    signing::Collection local_;
    wire::ObserverKind mode_;
    std::shared_ptr<ledger::CurrentBounds> bounds_;
    signing::Collection in_force_;
    std::optional<std::pair<std::uint64_t, bool>> applied_;    ///< serial, and whether it has expired
};

}    // namespace dl::agent::service
