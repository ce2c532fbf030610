// A batch of the ledger as a report of the wire: values gathered into tables.
#pragma once

#include "agent/ledger/ledger.hpp"
#include "shared/wire/report.hpp"

#include <string>

namespace dl::agent::uplink {

struct Sender {
    AgentId agent;
    wire::ObserverKind observer = wire::ObserverKind::endpoint;
    std::string version;
};

/// Cells keep the order of the batch, so that index i of a reply is cell i of the batch.
[[nodiscard]] wire::Report compose_report(const ledger::Batch& batch, const Sender& sender, Timestamp now);

}    // namespace dl::agent::uplink
