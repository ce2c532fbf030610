// The checks behind `doctor`: each says how it stands and, where it is not well, what to do next.
#pragma once

#include "agent/ledger/ledger.hpp"
#include "agent/service/reached_limits.hpp"
#include "agent/service/standing.hpp"
#include "agent/settings.hpp"
#include "agent/uplink/enrolment.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dl::agent::service {

struct Finding {
    enum class Grade { ok, warn, fail };
    std::string check;
    Grade grade = Grade::ok;
    std::string what;
    std::string next;    ///< empty where it is well
};
[[nodiscard]] const char* to_string(Finding::Grade grade);

/// The network namespace or interface of the settings that this host does not have now; none: both are there.
struct AbsentPlace {
    std::string what;
    std::string next;
};
[[nodiscard]] std::optional<AbsentPlace> absent_place(const Settings& settings);

/// Whole seconds, 0 where `later` is before `earlier`.
[[nodiscard]] std::uint64_t seconds_between(Timestamp earlier, Timestamp later);
/// How many days back the oldest use is that the collector was not told of; 0: of today, or all was told.
[[nodiscard]] std::uint64_t days_behind(const ledger::State& state, Timestamp now);
/// The day on which, at the pace of the days that wait, the ledger is full: from then on the oldest day goes unsent.
/// None where nothing waits from before today, or where that is more than ten years away.
[[nodiscard]] std::optional<Day> room_until(const ledger::State& state, std::uint64_t limit_octets, Timestamp now);

/// What examine_ledger() has to know beside the ledger.
struct Circumstances {
    Timestamp now;
    bool watches_live = false;               ///< an agent runs and does not read a capture
    std::chrono::seconds flush_every{10};    ///< how often it books
    std::uint64_t ledger_limit_octets = 0;
    std::optional<Standing> standing;    ///< what the running agent says; none: it does not run, or says nothing
};
/// What the state of the ledger and the agent itself say. Pure.
[[nodiscard]] std::vector<Finding> examine_ledger(const ledger::State& state, const Circumstances& now);
/// What the running agent says of its interface and of room on its disk, also where its ledger can't be read. Pure.
[[nodiscard]] std::vector<Finding> examine_standing(const Standing& standing, Timestamp now);
/// The bounds that cost something within the last week. Pure.
[[nodiscard]] std::vector<Finding> examine_limits(const ReachedLimits& reached, Timestamp now);
/// The certificate: still good, to be renewed, or over. Pure.
[[nodiscard]] Finding examine_certificate(const uplink::Validity& validity, Timestamp now);
/// So long after its end a certificate is still renewed by the collector (collector/pki/agent_registry.hpp).
inline constexpr std::chrono::days renewal_grace{90};

/// Reads and connects, but sends nothing and changes nothing. Takes seconds where the collector does not answer.
[[nodiscard]] std::vector<Finding> examine(const Settings& settings);

}    // namespace dl::agent::service
