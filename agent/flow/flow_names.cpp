// The part of the flow table that turns segments into names and shares.
#include "agent/dissect/alias_chain.hpp"
#include "agent/dissect/dns.hpp"
#include "agent/flow/flow_table.hpp"
#include "agent/flow/hash.hpp"

#include <algorithm>
#include <utility>

namespace dl::agent::flow {

using dissect::Bytes;
using dissect::Segment;
using wire::Evidence;

namespace {

constexpr std::uint16_t dns_port = 53;

bool speaks_dns(const Flow& flow) { return flow.ends[0].port == dns_port || flow.ends[1].port == dns_port; }

/// mDNS (RFC 6762), LLMNR (RFC 4795) and NetBIOS names (RFC 1002) ask the neighbours, not a resolver.
bool asks_neighbours(const Flow& flow)
{
    return !speaks_dns(flow) && std::any_of(flow.ends.begin(), flow.ends.end(), [](const Endpoint& end) {
        return end.port == 5353 || end.port == 5355 || end.port == 137;
    });
}

/// RFC 1035 section 2.3.4. What is longer is no host's name, and not kept.
constexpr std::size_t longest_name = 255;

std::string lower_case_host(std::string_view host)
{
    if (host.size() > longest_name) return {};
    std::string name(host);
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    if (!name.empty() && name.back() == '.') name.pop_back();
    return name;
}

/// Names that follow each other on one connection: bytes go to the one of the moment.
bool is_of_the_moment(Evidence evidence) { return evidence == Evidence::http_host || evidence == Evidence::dns_query; }

}    // namespace

void FlowTable::on_tcp(Flow& flow, Side side, const Segment& segment)
{
    Octets& sent = flow.octets[side];
    Octets& answered = flow.octets[1 - side];
    std::uint32_t sequence = segment.sequence;
    if (segment.has(Segment::syn)) {
        ++sequence;
        if (!sent.known()) sent.begin(sequence);
        flow.isn[side] = segment.sequence;
        if (segment.has(Segment::ack) && !answered.known()) {    // its SYN was missed, or not believed
            answered.begin(segment.acknowledgement);
            flow.isn[1 - side] = segment.acknowledgement - 1;
        }
        if (!flow.is_decided()) decide(flow, segment.has(Segment::ack) ? 1 - side : side);
    }
    const bool reset = segment.has(Segment::rst);
    if (!reset) {
        using enum Octets::Jumps;
        const bool acknowledges = segment.has(Segment::ack);
        const bool number_fits = sent.fits(sequence);
        sent.add_segment(sequence, segment.length,
                         acknowledges && answered.fits(segment.acknowledgement) ? believed : doubted);
        if (acknowledges) answered.add_acknowledgement(segment.acknowledgement, number_fits ? believed : doubted);
        if (segment.has(Segment::fin)) sent.finish(sequence + segment.length);
    }
    if (flow.looking && !reset) {
        if (segment.length > 0 && sent.count() == segment.length) notice_road(flow, segment);
        Segment at = segment;
        at.sequence = sequence;
        listen(flow, side, at);
    }
    flow.was_reset = flow.was_reset || reset;
    // Where only one side's packets are captured, its FIN is all that will be seen of the end.
    if (reset || (sent.finished() && (answered.finished() || !answered.heard()))) flow.over = true;
}

/// Where little room is left, those that were silent longest among the next few have waited in vain: else whoever
/// leaves many first flights unfinished would blind the table for all that come later.
void FlowTable::make_listening_room(const Flow& asking)
{
    // For one that is out of order, with its objects; less where the bound is small.
    const std::size_t enough = std::min(3 * Stream::most_waiting, limits_.stream_octets / 16);
    constexpr std::uint32_t looked_at = 64;
    constexpr int most_victims = 4;
    for (int victims = 0; victims < most_victims && budget_.left() < enough; ++victims) {
        Flow* victim = nullptr;
        for (std::uint32_t i = 0; i < looked_at; ++i) {
            Flow& flow = flow_at(listening_hand_++ % slots_);
            const bool holds = flow.listening[0] || flow.listening[1] || flow.quic[0] || flow.quic[1];
            if (holds && &flow != &asking && (victim == nullptr || flow.last < victim->last)) victim = &flow;
        }
        if (victim == nullptr) return;
        finish_listening(*victim);
        victim->looking = false;
        ++counters_.streams_refused;
    }
}

void FlowTable::listen(Flow& flow, Side side, const Segment& segment)
{
    make_listening_room(flow);
    current_ = &flow;
    speaker_ = side;
    const bool dns = speaks_dns(flow);
    const bool of_interest = dns || !flow.is_decided() || flow.client == side;
    if (of_interest && segment.length > 0) {
        auto& listening = flow.listening[side];
        if (!listening && flow.speech != Flow::Speech::ignored && budget_.take(Listening::cost())) {
            const auto protocol = dns ? NamesInStream::Protocol::dns : NamesInStream::Protocol::unknown;
            NameListener& self = *this;
            listening = std::make_unique<Listening>(protocol, self, budget_, scratch_);
            if (flow.octets[side].known()) {
                // What came before the first octet of payload seen is not waited for, save after a handshake.
                const bool whole = flow.isn[side] + 1 == flow.octets[side].start();
                listening->stream.start(whole ? flow.octets[side].start() : segment.sequence);
            }
        }
        if (listening && !listening->names.done())
            listening->stream.add(segment.sequence, segment.payload, segment.length, listening->names);
    }
    if (segment.has(Segment::ack)) {
        if (auto& other = flow.listening[1 - side]; other && !other->names.done()) {
            speaker_ = 1 - side;
            other->stream.acknowledged(segment.acknowledgement, other->names);
        }
    }
    bool any = false;
    for (const Side each : {0U, 1U}) {
        if (!flow.listening[each]) continue;
        const bool in_vain = !dns && flow.is_decided() && flow.client != each;
        if (flow.listening[each]->names.done() && (flow.named || (flow.is_decided() && flow.client == each) || in_vain))
            any = any || false;
        else if (!in_vain)
            any = true;
        if (in_vain) flow.listening[each].reset();
    }
    const bool client_done =
        flow.is_decided() && flow.listening[flow.client] && flow.listening[flow.client]->names.done();
    if (!any && client_done) {
        flow.looking = false;
        flow.listening = {};
    }
    current_ = nullptr;
}

void FlowTable::finish_listening(Flow& flow)
{
    current_ = &flow;
    for (const Side side : {0U, 1U}) {
        speaker_ = side;
        if (auto& listening = flow.listening[side]) {
            listening->stream.finish(listening->names);
            listening->names.finish();
        }
        if (auto& quic = flow.quic[side]; quic && !flow.named)
            if (const auto hello = quic->finish()) {
                decide(flow, side);
                take_hello(flow, *hello, Evidence::quic_sni);
            }
    }
    flow.listening = {};
    flow.quic = {};
    current_ = nullptr;
}

void FlowTable::on_udp(Flow& flow, Side side, const Segment& segment)
{
    flow.octets[side].add_datagram(segment.length);
    flow.isn[side] = sample_of(segment);
    if (!flow.looking || segment.payload.empty()) return;
    if (flow.speech == Flow::Speech::unknown) {
        // A client of QUIC may have any port, those of the neighbours' protocols too.
        const bool may_be_quic = (segment.payload[0] & 0xc0U) == 0xc0U && !dissect::dns::is_plausible(segment.payload);
        if (asks_neighbours(flow) && !may_be_quic)
            flow.speech = Flow::Speech::ignored;
        else if (speaks_dns(flow) || dissect::dns::is_plausible(segment.payload))
            flow.speech = Flow::Speech::dns;
        else
            flow.speech = Flow::Speech::quic;
        notice_road(flow, segment);
    }
    switch (flow.speech) {
        case Flow::Speech::dns: take_dns(flow, side, segment.payload); break;
        case Flow::Speech::quic: listen_to_quic(flow, side, segment); break;
        default: flow.looking = false; break;
    }
    if (!flow.is_decided() && flow.speech != Flow::Speech::quic) decide(flow, guess_client(flow.ends));
}

/// Long headers are looked into until the client's handshake is over, which its first short header tells: till then
/// other connections may begin on the same ports. Short headers (and STUN, and what else uses the ports first) before
/// any Initial tell nothing: the capture may have begun in the middle of a connection, and another may follow.
void FlowTable::listen_to_quic(Flow& flow, Side side, const Segment& segment)
{
    const bool long_header = (segment.payload[0] & 0x80U) != 0;
    if (long_header) {
        const bool answer = flow.quic_id != 0 && flow.client != side;
        if (!answer) listen_to_long_header(flow, side, segment);
    } else {
        const bool first = flow.octets[side].count() == segment.length;
        if (first && !flow.quic[0] && !flow.quic[1]) name_by_google(flow, side, segment);
        if (flow.quic_id != 0 && flow.client == side) {
            flow.looking = false;
            flow.established = true;
        } else if (flow.looking && !flow.is_decided()) {
            decide(flow, guess_client(flow.ends));
        }
    }
    if (flow.looking) return;
    finish_listening(flow);
    if (!flow.is_decided()) decide(flow, guess_client(flow.ends));
}

void FlowTable::listen_to_long_header(Flow& flow, Side side, const Segment& segment)
{
    auto& quic = flow.quic[side];
    key_trials_.tick(now_);
    make_listening_room(flow);
    if (!quic && !budget_.take(NamesInQuic::cost())) return;
    if (!quic) quic = std::make_unique<NamesInQuic>(budget_, key_trials_);
    const auto hello = quic->add(segment.payload, scratch_);
    if (quic->opened() && flow.quic_id == 0) {
        flow.quic_id = hash_bytes(quic->first_id(), seed_);
        key_trials_.give_back();
        decide(flow, side);
    }
    if (hello)
        take_hello(flow, *hello, Evidence::quic_sni);
    else if (!quic->opened() && flow.octets[side].count() == segment.length)
        name_by_google(flow, side, segment);
    if (quic->exhausted()) flow.looking = false;
}

void FlowTable::name_by_google(Flow& flow, Side side, const Segment& segment)
{
    const auto host = dissect::quic::gquic_server_name(segment.payload);
    if (host.empty()) return;
    decide(flow, side);
    name(flow, Evidence::quic_sni, lower_case_host(host), segment.length);
    flow.looking = false;
}

/// The client's later Initials go to the id that the server chose, so their own id opens none of them.
bool FlowTable::begins_another_quic(const Flow& flow, Side side, const Segment& segment)
{
    if (flow.client != side || segment.payload.empty() || (segment.payload[0] & 0x80U) == 0) return false;
    key_trials_.tick(now_);
    if (!budget_.take(NamesInQuic::cost())) return false;
    NamesInQuic names(budget_, key_trials_);
    (void)names.add(segment.payload, scratch_);
    return names.opened() && hash_bytes(names.first_id(), seed_) != flow.quic_id;
}

void FlowTable::notice_road(Flow& flow, const Segment& segment)
{
    if (flow.hidden == HiddenRoad::no) flow.hidden = road_of_first_payload(flow.transport, segment.payload);
}

bool FlowTable::is_on_hidden_road(const Flow& flow) const
{
    if (flow.hidden != HiddenRoad::no || flow.evidence == Evidence::hidden_road) return true;
    if (is_hidden_road(flow.transport, flow.ends[1U - (flow.client & 1U)].port)) return true;
    const bool by_name = flow.evidence != Evidence::dns_query && flow.named;
    return by_name && is_encrypted_resolver(flow.name);
}

void FlowTable::on_client_hello(const dissect::tls::ClientHello& hello)
{
    decide(*current_, speaker_);
    take_hello(*current_, hello, Evidence::tls_sni);
}

void FlowTable::take_hello(Flow& flow, const dissect::tls::ClientHello& hello, Evidence evidence)
{
    flow.ech_offered = hello.ech_outer;
    flow.offer = offer_of(hello);
    // RFC 7858 section 3.2, RFC 9250 section 4.1.1
    if (wire::offers(protocols_in(hello.protocols), wire::Protocols::encrypted_dns)) flow.hidden = HiddenRoad::road;
    if (hello.server_name.empty()) return;
    if (flow.hidden == HiddenRoad::proxy) flow.hidden = HiddenRoad::no;
    const std::string host = lower_case_host(hello.server_name);
    const Connection connection = connection_of(flow);
    if (hello.ech_outer && (is_public_name(host) ||
                            dns_.contradicts(connection.client.address, connection.server.address, host, flow.opened)))
        evidence = Evidence::ech_outer;
    name(flow, evidence, host, 0);
}

void FlowTable::on_request(const dissect::http1::Request& request, std::size_t octets_since_start)
{
    Flow& flow = *current_;
    decide(flow, speaker_);
    if (flow.hidden == HiddenRoad::proxy) flow.hidden = HiddenRoad::no;
    // RFC 9112 section 3.2.2: an absolute-form target overrides Host; both were said.
    const std::string host = lower_case_host(request.host);
    const std::string authority = lower_case_host(request.authority);
    if (request.connect) {
        name(flow, Evidence::http_connect, authority, octets_since_start);
        name(flow, Evidence::http_host, host, octets_since_start);
        return;
    }
    if (!authority.empty() && !host.empty() && authority != host) mention(flow, Evidence::http_host, host);
    name(flow, Evidence::http_host, authority.empty() ? host : authority, octets_since_start);
}

void FlowTable::on_server_speech()
{
    if (!current_->is_decided()) decide(*current_, 1 - speaker_);
}

void FlowTable::on_dns_message(Bytes message) { take_dns(*current_, speaker_, message); }

/// NOTIFY (opcode 4, RFC 1996), UPDATE (5, RFC 2136) and stateful operations (6, RFC 8490) carry a zone where others
/// carry a question: nobody asks for a destination.
void FlowTable::take_dns(Flow& flow, Side side, Bytes message)
{
    constexpr std::uint8_t notify = 4;
    constexpr std::uint8_t stateful_operations = 6;
    constexpr std::uint8_t no_such_name = 3;    // NXDOMAIN
    auto reader = dissect::dns::Reader::open(message);
    if (!reader) return;
    const dissect::dns::Header header = reader->header();
    if (!flow.is_decided()) decide(flow, header.response ? 1 - side : side);
    if (header.opcode >= notify && header.opcode <= stateful_operations) return;
    static thread_local dissect::dns::Question question;
    static thread_local dissect::dns::Question first;
    first.name.clear();
    bool any = false;
    while (reader->next_question(question)) {
        const std::string_view asked_for = question.name.text();
        name(flow, Evidence::dns_query, asked_for.empty() ? "." : asked_for, any ? 0 : message.size());
        if (!any) first = question;
        any = true;
    }
    constexpr std::uint8_t query = 0;
    if (!any || header.opcode != query) return;
    const Side client = header.response ? 1 - side : side;
    const AskedQuestions::Exchange exchange{flow.transport, flow.ends[client], flow.ends[1 - client], header.id};
    if (!header.response) {
        questions_.ask(exchange, first, now_);
        return;
    }
    if (!is_believed(exchange, first)) return;
    if (header.rcode == no_such_name && flow.name == first.name.text()) flow.no_such_name = true;
    if (!first.name.text().empty()) take_answers(exchange.client.address, first.name, *reader);
}

/// Anyone may send an answer (RFC 5452): only what was asked is believed. A tap that shows one direction only has no
/// questions; what it shows is believed until the first answer is seen to a question that was seen, and forgotten then.
bool FlowTable::is_believed(const AskedQuestions::Exchange& exchange, const dissect::dns::Question& question)
{
    if (questions_.take(exchange, question, now_)) {
        if (!questions_are_seen_) dns_.forget_all();
        questions_are_seen_ = true;
        return true;
    }
    if (questions_are_seen_) ++counters_.answers_unasked;
    return !questions_are_seen_;
}

void FlowTable::take_answers(const Address& client, const dissect::dns::Name& asked_name, dissect::dns::Reader& reader)
{
    using dissect::dns::Record;
    static thread_local Record record;
    static thread_local dissect::dns::AliasChain chain;
    chain.follow(asked_name, reader);
    const std::string_view asked = asked_name.text();
    while (reader.next_answer(record)) {
        const std::string_view owner = record.owner.text();
        const auto aliases_live = chain.leads_to(owner);
        if (!aliases_live) continue;
        const std::chrono::seconds ttl{std::min(*aliases_live, record.ttl)};
        const auto add = [&](const Address& address) {
            dns_.add(client, address, asked, owner == asked ? std::string_view{} : owner, now_, ttl);
        };
        switch (record.kind) {
            case Record::Kind::address: add(record.address); break;
            case Record::Kind::service:
                for (Bytes hints = record.ipv4_hints; !hints.empty(); hints = hints.subspan(4))
                    add(Address::v4(hints.first<4>()));
                for (Bytes hints = record.ipv6_hints; !hints.empty(); hints = hints.subspan(16))
                    add(Address::v6(hints.first<16>()));
                remember_ech_name(record.ech_name);
                break;
            case Record::Kind::alias:
            case Record::Kind::other: break;
        }
    }
}

void FlowTable::remember_ech_name(std::string_view name)
{
    const std::string host = lower_case_host(name);
    if (host.empty() || is_public_name(host)) return;
    if (ech_names_.size() < most_ech_names)
        ech_names_.push_back(host);
    else
        ech_names_[next_ech_name_++ % most_ech_names] = host;
}

bool FlowTable::is_public_name(std::string_view name) const
{
    return is_ech_public_name(name) || std::find(ech_names_.begin(), ech_names_.end(), name) != ech_names_.end();
}

void FlowTable::decide(Flow& flow, Side client)
{
    if (!flow.announced) {
        flow.client = static_cast<std::uint8_t>(client);
        flow.announced = true;
        sink_.opened(connection_of(flow));
        return;
    }
    if (flow.client == client || flow.counted) return;
    // A guess was wrong and nothing was booked on it yet.
    sink_.closed(connection_of(flow));
    flow.client = static_cast<std::uint8_t>(client);
    sink_.opened(connection_of(flow));
}

void FlowTable::name(Flow& flow, Evidence evidence, std::string_view name, std::uint64_t octets_since_start)
{
    if (name.empty()) return;
    if (flow.named && flow.evidence == evidence && flow.name == name) return;
    if (flow.named) {
        const bool moment = evidence == flow.evidence && is_of_the_moment(evidence);
        if (moment) {
            share(flow, octets_since_start);
            flow.share_began = flow.last;
        } else if (wire::rank(evidence) < wire::rank(flow.evidence)) {
            if (flow.counted)
                share(flow, octets_since_start);
            else
                mention(flow, flow.evidence, flow.name);
        } else {
            mention(flow, evidence, name);
            return;
        }
    }
    flow.named = true;
    flow.pending_share = true;
    flow.no_such_name = false;
    flow.evidence = evidence;
    flow.name = name;
    flow.canonical.reset();
    if (evidence != Evidence::dns_query) {
        const Connection connection = connection_of(flow);
        flow.set_canonical_name(dns_.canonical_of(connection.client.address, connection.server.address, name));
    }
}

void FlowTable::mention(Flow& flow, Evidence evidence, std::string_view name)
{
    Usage usage;
    usage.name = name;
    usage.evidence = evidence;
    usage.ech_offered = flow.ech_offered;
    usage.first_seen = flow.last;
    usage.last_seen = flow.last;
    sink_.used(connection_of(flow), usage);
}

void FlowTable::explain_by_address(Flow& flow)
{
    if (flow.named) return;
    const Connection connection = connection_of(flow);
    const DnsCache::Match match = dns_.find(connection.client.address, connection.server.address, flow.opened);
    const bool hidden = is_on_hidden_road(flow);
    flow.evidence = hidden               ? Evidence::hidden_road
                    : match.name.empty() ? Evidence::address_only
                    : match.ambiguous    ? Evidence::ambiguous
                                         : Evidence::dns_answer;
    flow.name = hidden && match.ambiguous ? std::string_view{} : match.name;
    flow.set_canonical_name(flow.name.empty() ? std::string_view{} : match.canonical);
    if (flow.evidence == Evidence::address_only) return;    // an answer may still explain it
    flow.named = true;
}

void FlowTable::share(Flow& flow, std::uint64_t up_held_back)
{
    if (!flow.pending_share) return;
    const Side up = flow.client;
    const Side down = 1 - up;
    Usage usage;
    const std::uint64_t up_now = flow.octets[up].count();
    const std::uint64_t up_limit = std::max(flow.booked[up], up_now - std::min(up_now, up_held_back));
    const std::uint64_t down_limit = std::max(flow.booked[down], flow.octets[down].count());
    usage.name = flow.name;
    usage.canonical = flow.canonical_name();
    usage.evidence = flow.evidence;
    usage.ech_offered = flow.ech_offered;
    usage.hidden_road = is_on_hidden_road(flow);
    usage.no_such_name = flow.no_such_name && flow.evidence == Evidence::dns_query;
    usage.connections = flow.counted ? 0 : 1;
    usage.offer = std::exchange(flow.offer, std::nullopt);
    usage.bytes_up = up_limit - flow.booked[up];
    usage.bytes_down = down_limit - flow.booked[down];
    usage.first_seen = flow.share_began;
    usage.last_seen = flow.last;
    flow.booked[up] = up_limit;
    flow.booked[down] = down_limit;
    flow.counted = true;
    flow.pending_share = up_held_back != 0;
    flow.share_began = flow.last;
    if (usage.hidden_road) counters_.octets_hidden_road += usage.bytes_up + usage.bytes_down;
    sink_.used(connection_of(flow), usage);
}

}    // namespace dl::agent::flow
