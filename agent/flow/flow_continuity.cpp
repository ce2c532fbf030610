// The part of the flow table that goes on with connections of an earlier life of the agent.
#include "agent/flow/flow_table.hpp"

namespace dl::agent::flow {

using dissect::Segment;

void FlowTable::suspend(Timestamp now)
{
    sweep(now);
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
        Flow& flow = flow_at(slot);
        if (!flow.used || flow.copy) continue;
        finish_listening(flow);
        if (!flow.is_decided()) decide(flow, guess_client(flow.ends));
        if (flow.over) count_ends(flow);
        explain_by_address(flow);
        share(flow, 0);
    }
}

void FlowTable::for_each_open(const std::function<void(const Connection&, const Flow&)>& visit) const
{
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
        const Flow& flow = chunks_[slot / chunk_size][slot % chunk_size];
        if (flow.used && !flow.copy && flow.is_decided()) visit(connection_of(flow), flow);
    }
}

OpenConnection FlowTable::state_of(const Flow& flow)
{
    OpenConnection state;
    state.name = flow.name;
    state.canonical = flow.canonical_name();
    state.evidence = flow.evidence;
    state.hidden = flow.hidden;
    state.named = flow.named;
    state.counted = flow.counted;
    state.looking = flow.looking;
    state.over = flow.over;
    state.ech_offered = flow.ech_offered;
    state.established = flow.established;
    state.last = flow.last;
    const Side client = flow.client & 1U;
    if (flow.transport == Transport::tcp)
        state.places = {flow.octets[client].place(flow.booked[client]),
                        flow.octets[1 - client].place(flow.booked[1 - client])};
    return state;
}

/// True where the new `flow`, of which `segment` is the first packet seen in this life, is one that was left open.
bool FlowTable::resume(Flow& flow, const Segment& segment)
{
    Side client = 0;
    auto left = continuity_->recall(flow.transport, flow.ends[0], flow.ends[1]);
    if (!left) {
        client = 1;
        left = continuity_->recall(flow.transport, flow.ends[1], flow.ends[0]);
    }
    if (!left) return false;
    const Octets::Place& sent = left->places[client];    // side 0 is the sender: the client's place where that is it
    Octets of_sender;
    of_sender.go_on(sent);
    Octets of_other;
    of_other.go_on(left->places[1 - client]);
    if (flow.transport == Transport::tcp) {
        // The ports may have been used anew while nobody looked: then the numbers fit in neither direction.
        const bool opens = segment.has(Segment::syn) && !segment.has(Segment::ack);
        const std::uint32_t first = segment.sequence + (segment.has(Segment::syn) ? 1 : 0);
        if (opens && (!sent.known || sent.start != first)) return false;
        const bool acknowledged = segment.has(Segment::ack) && of_other.fits(segment.acknowledgement);
        if ((of_sender.known() || of_other.known()) && !of_sender.fits(first) && !acknowledged) return false;
    }
    flow.name = std::move(left->name);
    flow.set_canonical_name(left->canonical);
    flow.evidence = left->evidence;
    flow.hidden = left->hidden;
    flow.named = left->named;
    flow.counted = left->counted;
    flow.looking = left->looking;
    flow.over = left->over;
    flow.ech_offered = left->ech_offered;
    flow.established = left->established;
    if (flow.established) flow.speech = Flow::Speech::quic;
    flow.octets = {of_sender, of_other};
    for (const Side side : {0U, 1U}) {
        flow.booked[side] = flow.octets[side].count();
        // Where no payload was counted yet, the stream can be read from its first octet.
        if (flow.octets[side].known() && flow.booked[side] == 0) flow.isn[side] = flow.octets[side].start() - 1;
    }
    decide(flow, client);
    return true;
}

}    // namespace dl::agent::flow
