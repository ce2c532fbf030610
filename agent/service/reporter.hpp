// The reporting side of a running agent: a thread of its own with its own io_context that carries out what
// uplink::Reporting decides. It shares with the watching side only the ledger, which is thread-safe.
#pragma once

#include "agent/flow/own_connections.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/service/collecting.hpp"
#include "agent/uplink/enrolment.hpp"
#include "agent/uplink/reporting.hpp"
#include "shared/base/failure.hpp"

#include <filesystem>
#include <functional>
#include <memory>

namespace dl::agent::service {

struct ReporterPlan {
    uplink::Enrolment enrolment;
    uplink::Route route;
    uplink::Pace pace;
    std::filesystem::path data_directory;         ///< where a renewed certificate goes
    std::shared_ptr<flow::OwnConnections> own;    ///< told of each connection to the collector; may be null
    std::unique_ptr<Collecting> collecting;       ///< signed settings go here
};

class Reporter {
public:
    virtual ~Reporter() = default;
    /// There may be something new to report. Any thread.
    virtual void poke() = 0;
    /// Reports until everything was acknowledged, or one attempt failed; then `finished` is called, on the reporter's
    /// thread. Any thread.
    virtual void aim(uplink::Until until) = 0;
    /// Ends at once, whatever is on its way: it stays unsent. Joins the thread. Idempotent.
    virtual void stop() = 0;
};

/// `trouble`: why not everything was, as the collector or the network told it last; may be empty.
using WhenFinished = std::function<void(bool all_acknowledged, const std::string& trouble)>;

/// `ledger` and `clock` outlive it. Fails where the enrolment's key or certificates can't be used.
[[nodiscard]] Result<std::unique_ptr<Reporter>> start_reporter(ReporterPlan plan, ledger::Ledger& ledger,
                                                               const Clock& clock, WhenFinished finished);

}    // namespace dl::agent::service
