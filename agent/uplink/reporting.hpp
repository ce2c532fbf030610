// When to report, when to renew, and what an answer means: the protocol of the uplink without a socket. The caller asks
// next(), carries the action out and tells how it went; time and chance are given from outside.
#pragma once

#include "agent/uplink/round.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <variant>

namespace dl::agent::uplink {

struct Pace {
    std::chrono::microseconds report_every = std::chrono::seconds(300);
    double jitter = 0.2;                                                  ///< share of report_every
    std::chrono::microseconds heartbeat_every = std::chrono::hours(1);    ///< with nothing to report
    std::chrono::microseconds first_pause = std::chrono::seconds(2);      ///< after a failure; doubles
    std::chrono::microseconds longest_pause = std::chrono::minutes(10);
    double retry_spread = 0.5;        ///< later than Retry-After asked, by up to this share of it
    std::size_t most_cells = 2000;    ///< in one report
};

/// First and last moment of the agent's certificate.
struct Validity {
    Timestamp from{};
    Timestamp to{};
};

struct Wait {
    Timestamp until{};    ///< or until something changed: ask again then
};
struct SendReport {
    std::size_t most_cells = 0;
    bool begins_round = false;    ///< tell freeze() what the ledger holds before sending
};
struct RenewCertificate {};
/// Nothing more is to be done: everything was acknowledged, or the last attempt failed.
struct Finished {
    bool all_acknowledged = false;
};
using Action = std::variant<Wait, SendReport, RenewCertificate, Finished>;

/// What the ledger is to do with the batch that was sent.
enum class Consequence {
    none,    ///< nothing was taken: it stays unsent
    acknowledge,
    acknowledge_and_new_epoch,    ///< the collector doubts this ledger's continuity
    rewind,                       ///< the store was restored: send again from the reply's revision
    set_aside,                    ///< one cell alone was refused
};

enum class Until {
    stopped,         ///< reports go on at their pace
    acknowledged,    ///< as fast as they are taken, until nothing is unsent; failures are tried again, refusals not
    one_attempt,     ///< the same, but the first failure is the end
};

class Reporting {
public:
    /// `chance` gives numbers from 0 up to, not including, 1.
    Reporting(Pace pace, std::function<double()> chance);

    [[nodiscard]] Action next(Timestamp now, const Unsent& unsent, const Validity& certificate);
    /// The present epoch and last revision of the ledger, where a round begins: what comes later waits for the next
    /// one, an interval later, whatever the collector answers.
    void freeze(const Epoch& epoch, std::uint64_t newest) { round_.freeze(epoch, newest); }
    /// The last revision of `epoch` that a report may hold now; none: all of it.
    [[nodiscard]] std::optional<std::uint64_t> last_of(const Epoch& epoch) const
    {
        return until_ == Until::stopped ? round_.last_of(epoch) : std::nullopt;
    }
    /// A shorter one brings the next report forward, a longer one counts from the next appointment on.
    void set_interval(std::chrono::microseconds report_every);
    /// What failed before does not count against the attempts that begin now.
    void aim(Until until)
    {
        until_ = until;
        failed_ = denied_ = false;
        begin_anew_ = true;
    }

    /// A reply came for a report of `cells` cells; `current`: it was of the ledger's present epoch.
    [[nodiscard]] Consequence replied(Timestamp now, const wire::Reply& reply, bool current);
    /// The collector answered with an HTTP status other than 2xx.
    [[nodiscard]] Consequence refused(Timestamp now, unsigned status, std::size_t cells,
                                      std::optional<std::chrono::seconds> retry_after);
    /// No answer: no connection, no TLS, time-out, or an answer that can't be read.
    void unanswered(Timestamp now);
    void renewed(Timestamp now);
    void renewal_failed(Timestamp now);

private:
    [[nodiscard]] Action begin(Timestamp now, const Unsent& unsent);
    [[nodiscard]] Action go_on(const Unsent& unsent);
    void pause(Timestamp now, std::optional<std::chrono::seconds> at_least);
    [[nodiscard]] std::chrono::microseconds spread(std::chrono::microseconds span);

    Pace pace_;
    std::function<double()> chance_;
    Until until_ = Until::stopped;
    std::size_t limit_;
    std::optional<Timestamp> report_at_;     ///< of the next round; none: now
    std::optional<Timestamp> not_before_;    ///< pause after a failure
    std::optional<Timestamp> renew_at_;      ///< pause after a failed renewal
    std::optional<Timestamp> last_answer_;
    Timestamp asked_{};
    double renewal_chance_;
    std::uint32_t failures_ = 0;
    std::uint32_t renewal_failures_ = 0;
    Round round_;
    bool begin_anew_ = false;    ///< the next report begins a round, whatever the time
    bool draining_ = false;      ///< in the middle of a round of several reports
    bool retrying_ = false;      ///< the last report had no answer that counts
    bool failed_ = false;
    bool denied_ = false;    ///< this agent is refused (401, 403): trying again does not help
};

}    // namespace dl::agent::uplink
