#include "agent/flow/flow_table.hpp"

#include "agent/dissect/link.hpp"
#include "agent/flow/hash.hpp"
#include "shared/base/id.hpp"

#include <algorithm>

namespace dl::agent::flow {

using dissect::Segment;

namespace {

/// Linux cooked captures of all interfaces tell theirs in the frame: version 2 the number, version 1 at least whether
/// the packet came or went. A live one tells it beside.
std::uint32_t interface_of(const capture::Packet& packet)
{
    if (packet.link_type == dissect::link::linux_sll2 && packet.bytes.size() >= 8)
        return dissect::u32_at(packet.bytes, 4);
    if (packet.link_type == dissect::link::linux_sll && packet.bytes.size() >= 2)
        return packet.interface * 8 + dissect::u16_at(packet.bytes, 0);
    return packet.interface;
}

std::uint64_t random_seed()
{
    std::uint64_t seed = 0;
    fill_random({reinterpret_cast<std::uint8_t*>(&seed), sizeof seed});
    return seed;
}

}    // namespace

FlowTable::FlowTable(SightingSink& sink, Limits limits)
    : sink_(sink),
      seed_(random_seed()),
      limits_(limits),
      dns_(limits.dns_answers),
      questions_(seed_),
      budget_(limits.stream_octets),
      scratch_(std::max<std::size_t>(dissect::tls::largest_hello, 65536)),
      index_(limits.connections)
{}

FlowTable::~FlowTable() = default;

std::uint64_t FlowTable::hash_of(const Segment& segment) const
{
    // The same for both directions.
    const std::uint64_t from = hash_address(segment.source.address, seed_ + segment.source.port);
    const std::uint64_t to = hash_address(segment.destination.address, seed_ + segment.destination.port);
    return mix(from + to + static_cast<std::uint64_t>(segment.transport));
}

/// Two virtual networks may have the same addresses, and a host that bridges them shows one packet in both, or tagged
/// in one direction and untagged in the other: where the flow was not seen in the packet's network, what it says
/// decides.
FlowTable::Lookup FlowTable::find(const Segment& segment, std::uint64_t hash)
{
    constexpr unsigned most_alike = 8;
    Flow* elsewhere = nullptr;
    Side side = 0;
    unsigned alike = 0;
    const std::uint32_t slot = index_.find(hash, [&](std::uint32_t place) {
        Flow& flow = flow_at(place);
        if (flow.transport != segment.transport) return false;
        const Side sender = same_end(flow.ends[0], segment.source) ? 0 : 1;
        if (!same_end(flow.ends[sender], segment.source) || !same_end(flow.ends[1 - sender], segment.destination))
            return false;
        if (flow.is_in(segment.network)) {
            side = sender;
            return true;
        }
        ++alike;
        if (elsewhere != nullptr || !is_same_elsewhere(flow, sender, segment)) return false;
        elsewhere = &flow;
        side = sender;
        return false;
    });
    if (slot != FlowIndex::nowhere) return {&flow_at(slot), side};
    // Never another connection's numbers into the account of one: what is left out is counted.
    if (elsewhere == nullptr) return {nullptr, 0, alike >= most_alike};
    elsewhere->is_in_too(segment.network);
    return {elsewhere, side};
}

/// True where a packet of another virtual network is of this flow: TCP's numbers tell; of UDP it is the first answer,
/// or the datagram that was just seen.
bool FlowTable::is_same_elsewhere(const Flow& flow, Side side, const Segment& segment) const
{
    if (flow.copy) return true;
    if (segment.transport != Transport::tcp) {
        if (flow.octets[side].count() == 0) return true;
        return flow.isn[side] == sample_of(segment) && now_ - flow.last < Copies::at_once;
    }
    const Octets& sent = flow.octets[side];
    const Octets& answered = flow.octets[1 - side];
    const bool acknowledges = segment.has(Segment::ack);
    if (segment.has(Segment::syn) && !(acknowledges && answered.known()))
        return sent.known() && flow.isn[side] == segment.sequence;
    if (segment.has(Segment::syn)) return answered.start() == segment.acknowledgement;
    const bool number_fits = !sent.known() || sent.fits(segment.sequence);
    const bool answer_fits = !acknowledges || !answered.known() || answered.fits(segment.acknowledgement);
    return segment.has(Segment::rst) || (number_fits && answer_fits);
}

Flow& FlowTable::open(const Segment& segment, std::uint64_t hash, Timestamp when)
{
    if (free_.empty() && slots_ == limits_.connections) make_room();
    std::uint32_t slot = 0;
    if (!free_.empty()) {
        slot = free_.back();
        free_.pop_back();
    } else {
        if (slots_ % chunk_size == 0) {
            chunks_.push_back(std::make_unique<Flow[]>(chunk_size));
            look_again_.resize(look_again_.size() + chunk_size);
        }
        slot = slots_++;
    }
    index_.insert(hash, slot);
    look_again_[slot] = Timestamp::min();
    ++open_;
    ++counters_.connections;

    Flow& flow = flow_at(slot);
    flow.used = true;
    flow.slot = slot;
    flow.hash = hash;
    flow.transport = segment.transport;
    flow.ends = {segment.source, segment.destination};
    flow.id = next_id_++;
    flow.opened = when;
    flow.last = when;
    flow.share_began = when;
    flow.leaps = leaps_;
    flow.looking = true;
    flow.networks.fill(segment.network);
    return flow;
}

/// Ends the connection that was silent longest among the next few, one that is over first.
void FlowTable::make_room()
{
    constexpr std::uint32_t looked_at = 32;
    std::uint32_t victim = hand_ % slots_;
    for (std::uint32_t i = 0; i < looked_at; ++i) {
        const std::uint32_t slot = hand_++ % slots_;
        const Flow& flow = flow_at(slot);
        const Flow& best = flow_at(victim);
        if (flow.over != best.over ? flow.over : flow.last < best.last) victim = slot;
    }
    if (!flow_at(victim).over) ++counters_.connections_evicted;
    close(victim);
}

/// When it will have been idle for too long if nothing more comes, in time without leaps.
Timestamp FlowTable::due(const Flow& flow) const
{
    const auto patience = flow.over                          ? limits_.over_idle
                          : flow.transport == Transport::tcp ? limits_.tcp_idle
                          : flow.speech == Flow::Speech::dns ? limits_.dns_idle
                                                             : limits_.udp_idle;
    return flow.last - flow.leaps + patience;
}

/// Goes through the times to look again, which lie close together; a connection that went on meanwhile gets another.
void FlowTable::sweep(Timestamp now)
{
    swept_ = now;
    const Timestamp moment = without_leaps(now);
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
        if (moment <= look_again_[slot]) continue;
        const Flow& flow = flow_at(slot);
        look_again_[slot] = flow.used ? due(flow) : Timestamp::max();
        if (moment > look_again_[slot]) close(slot);
    }
}

/// The last number that only the other side's acknowledgement told of was a FIN's.
void FlowTable::count_ends(Flow& flow)
{
    if (flow.transport != Transport::tcp) return;
    for (const Side side : {0U, 1U})
        if (flow.octets[1 - side].finished() || (flow.was_reset && flow.octets[side].ended_by_one()))
            flow.octets[side].finish_unheard();
}

void FlowTable::close(std::uint32_t slot)
{
    Flow& flow = flow_at(slot);
    if (flow.copy) {
        forget(slot);
        return;
    }
    finish_listening(flow);
    if (!flow.is_decided()) decide(flow, guess_client(flow.ends));
    count_ends(flow);
    explain_by_address(flow);
    share(flow, 0);
    sink_.closed(connection_of(flow));
    forget(slot);
}

void FlowTable::forget(std::uint32_t slot)
{
    index_.erase(flow_at(slot).hash, slot);
    flow_at(slot) = Flow{};
    look_again_[slot] = Timestamp::max();
    free_.push_back(slot);
    --open_;
}

void FlowTable::flush(Timestamp now)
{
    constexpr std::chrono::minutes disorder{10};    // of packets; more is a clock that was set back
    if (now_ - now > disorder) {
        // By the time that was, every connection of now would look idle, and use of now would fall on a later day.
        now_ = now;
        dns_.clock_set_back(now);
        for (std::uint32_t slot = 0; slot < slots_; ++slot) {
            Flow& flow = flow_at(slot);
            for (Timestamp* moment : {&flow.opened, &flow.last, &flow.share_began})
                *moment = std::min(*moment, now);
            flow.leaps = leaps_;
            look_again_[slot] = Timestamp::min();
        }
    }
    sweep(now);
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
        Flow& flow = flow_at(slot);
        if (!flow.used || flow.copy || !flow.pending_share) continue;
        if (!flow.named && now - flow.opened < limits_.settle) continue;
        if (!flow.is_decided()) decide(flow, guess_client(flow.ends));
        explain_by_address(flow);
        share(flow, 0);
    }
}

/// What the table held goes as the sink takes it over: together they would be the peak of memory.
void FlowTable::finish()
{
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
        if (flow_at(slot).used) close(slot);
        if ((slot + 1) % chunk_size == 0) chunks_[slot / chunk_size].reset();
    }
    chunks_.clear();
    free_.clear();
    look_again_.clear();
    slots_ = hand_ = listening_hand_ = 0;
}

Counters FlowTable::counters() const
{
    Counters counters = counters_;
    counters.dns_evictions = dns_.evictions();
    counters.streams_refused += budget_.refused();
    counters.key_trials_refused = key_trials_.refused();
    counters.fragments_given_up = dissector_.fragments_given_up();
    return counters;
}

/// One packet with a wild time must not make every connection look idle.
void FlowTable::tick(Timestamp when)
{
    constexpr std::chrono::hours far{24};
    constexpr std::chrono::hours near{1};
    if (now_ != Timestamp{} && when - now_ > far && std::chrono::abs(when - leapt_to_) > near) {
        leapt_to_ = when;
        return;
    }
    now_ = std::max(now_, when);
    if (now_ - swept_ >= std::chrono::seconds(1)) sweep(now_);
}

/// The ports, for another connection (RFC 9293 section 3.6.1). On one that is open anyone may send a SYN (RFC 5961
/// section 4): it is another when the other side agrees, or this side goes on from there.
bool FlowTable::is_used_again(Flow& flow, Side side, const Segment& segment)
{
    if (segment.transport != Transport::tcp) return false;
    const bool syn = segment.has(Segment::syn);
    if (syn && !segment.has(Segment::ack)) {
        if (flow.isn[side] == segment.sequence) return false;
        const Octets& known = flow.octets[side];
        if (flow.copy || (known.known() && flow.over)) return true;
        if (known.known() && known.start() != segment.sequence + 1) {
            flow.asked_again = static_cast<std::uint8_t>(side + 1);
            flow.asked_isn = segment.sequence;
        }
        return false;
    }
    if (flow.asked_again == 0) return false;
    const std::uint32_t expected = flow.asked_isn + 1;
    if (flow.asked_again == side + 1) return segment.has(Segment::ack) && !syn && segment.sequence == expected;
    return syn && segment.acknowledgement == expected;
}

void FlowTable::on_packet(const capture::Packet& packet)
{
    ++counters_.packets;
    const Timestamp when{std::chrono::microseconds(packet.time_ns / 1000)};
    const std::uint32_t interface = interface_of(packet);
    if (const auto segment = dissector_.dissect(packet.link_type, packet.bytes, when)) take(*segment, interface, when);
    while (dissector_.has_more())
        if (const auto segment = dissector_.next(when)) take(*segment, interface, when);
}

void FlowTable::take(const Segment& segment, std::uint32_t interface, Timestamp when)
{
    ++counters_.segments;
    interface = dissect::link::within(interface, segment.network);    // a virtual network is one
    if (!any_packet_) first_interface_ = interface;
    any_packet_ = true;
    if (interface != first_interface_ && !copies_) copies_ = std::make_unique<Copies>(seed_);
    tick(when);

    const std::uint64_t hash = hash_of(segment);
    auto [flow, side, crowded] = find(segment, hash);
    if (crowded) {
        ++counters_.networks_left_out;
        return;
    }
    const bool is_another = flow != nullptr && (is_used_again(*flow, side, segment) ||
                                                (flow->established && begins_another_quic(*flow, side, segment)));
    if (is_another) {
        close(flow->slot);
        flow = nullptr;
    }
    if (flow != nullptr && flow->asked_again == side + 1 && segment.has(Segment::syn)) return;    // see there
    if (flow == nullptr) {
        if (segment.has(Segment::rst) && segment.length == 0) return;    // the last word of one that is over
        side = 0;
        flow = &open(segment, hash, when);
        if (continuity_ != nullptr && resume(*flow, segment)) {
            ++counters_.connections_resumed;
        } else if (copies_ && copies_->is_copy(segment, interface, when)) {
            flow->copy = true;
            flow->isn[0] = segment.sequence;
            ++counters_.copies;
        }
    }
    const auto since_last = std::chrono::abs(when - flow->last);
    flow->last = std::max(flow->last, when);
    flow->leaps = leaps_;
    if (flow->copy) flow->over = flow->over || segment.has(Segment::fin) || segment.has(Segment::rst);
    if (flow->copy && flow->over) look_again_[flow->slot] = Timestamp::min();
    if (flow->copy || is_copied_datagram(*flow, side, interface, since_last)) return;
    flow->opened = std::min(flow->opened, when);
    if (!flow->pending_share) flow->share_began = std::max(flow->share_began, when);    // silence is no use
    flow->pending_share = true;
    if (segment.transport == Transport::tcp)
        on_tcp(*flow, side, segment);
    else
        on_udp(*flow, side, segment);
    if (flow->over) look_again_[flow->slot] = Timestamp::min();    // it waits for less from now on
}

/// A direction of UDP comes through one interface; what comes through another at once is the same once more.
bool FlowTable::is_copied_datagram(Flow& flow, Side side, std::uint32_t interface, std::chrono::microseconds since_last)
{
    if (flow.transport != Transport::udp) return false;
    if (flow.interface[side] == 0 || since_last > Copies::at_once) flow.interface[side] = interface + 1;
    if (flow.interface[side] == interface + 1) return false;
    ++counters_.copies;
    return true;
}

Connection FlowTable::connection_of(const Flow& flow) const
{
    Connection connection;
    connection.id = flow.id;
    connection.transport = flow.transport;
    connection.client = flow.ends[flow.client & 1U];
    connection.server = flow.ends[1U - (flow.client & 1U)];
    connection.opened = flow.opened;
    return connection;
}

}    // namespace dl::agent::flow
