#include "agent/uplink/compose_report.hpp"

#include <map>
#include <vector>

namespace dl::agent::uplink {
namespace {

/// Values in the order of their first use, each once.
template <class Value>
class Table {
public:
    explicit Table(std::vector<Value>& values) : values_(values) {}
    std::uint32_t at(const Value& value)
    {
        const auto [entry, added] = index_.try_emplace(value, static_cast<std::uint32_t>(values_.size()));
        if (added) values_.push_back(value);
        return entry->second;
    }

private:
    std::vector<Value>& values_;
    std::map<Value, std::uint32_t> index_;
};

}    // namespace

wire::Report compose_report(const ledger::Batch& batch, const Sender& sender, Timestamp now)
{
    wire::Report report;
    report.agent = sender.agent;
    report.observer = sender.observer;
    report.agent_version = sender.version;
    report.epoch = batch.epoch;
    report.revision_from = batch.revision_from;
    report.revision_to = batch.revision_to;
    report.last_receipt = batch.last_receipt;
    report.last_store = batch.last_store;
    report.sent_at = now;
    report.counters = batch.counters;

    Table devices(report.devices), persons(report.persons);
    Table applications(report.applications);
    Table destinations(report.destinations);
    report.cells.reserve(batch.cells.size());
    for (const ledger::SentCell& sent : batch.cells) {
        wire::Cell cell;
        cell.day = sent.key.day;
        cell.device = devices.at(sent.key.device);
        if (sent.key.person) cell.person = persons.at(*sent.key.person);
        if (sent.key.application) cell.application = applications.at(*sent.key.application);
        cell.destination = destinations.at(sent.key.destination);
        cell.evidence = sent.key.evidence;
        cell.connections = sent.value.connections;
        cell.bytes_up = sent.value.bytes_up;
        cell.bytes_down = sent.value.bytes_down;
        cell.first_seen = sent.value.first_seen;
        cell.last_seen = sent.value.last_seen;
        cell.revision = sent.revision;
        report.cells.push_back(cell);
    }
    for (const auto& [what, value] : batch.offers)
        report.offers.push_back({applications.at(what.first), what.second, value.protocols, value.last_day});
    return report;
}

}    // namespace dl::agent::uplink
