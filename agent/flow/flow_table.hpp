// The connections that are open: who talks to whom, how much, and under which name. Reads packets, tells a
// SightingSink. One thread. Every table is bounded; what had to make room is counted.
#pragma once

#include "agent/capture/packet_source.hpp"
#include "agent/dissect/dns.hpp"
#include "agent/dissect/packet.hpp"
#include "agent/flow/asked_questions.hpp"
#include "agent/flow/continuity.hpp"
#include "agent/flow/copies.hpp"
#include "agent/flow/dns_cache.hpp"
#include "agent/flow/flow.hpp"
#include "agent/flow/flow_index.hpp"
#include "agent/flow/sighting.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dl::agent::flow {

struct Limits {
    static constexpr std::uint32_t usual_connections = 24576;

    std::uint32_t connections = usual_connections;
    std::size_t dns_answers = usual_connections / 3;
    std::size_t stream_octets = usual_connections * std::size_t{128};    ///< kept by all first flights together
    /// Keep-alive comes after two hours by default (tcp(7)), late by the kernel's timers, and nine times 75 s apart.
    std::chrono::seconds tcp_idle{8100};
    std::chrono::seconds udp_idle{180};
    std::chrono::seconds dns_idle{30};     ///< of questions over UDP: most ports ask one
    std::chrono::seconds over_idle{10};    ///< how long an ended connection waits for stragglers
    std::chrono::seconds settle{3};        ///< a share without a name waits this long at a flush

    /// Every table sized for so many open connections.
    [[nodiscard]] static Limits of(std::uint32_t connections)
    {
        Limits limits;
        limits.connections = connections;
        limits.dns_answers = connections / 3;
        limits.stream_octets = connections * std::size_t{128};
        return limits;
    }
};

struct Counters {
    std::uint64_t packets = 0;
    std::uint64_t segments = 0;    ///< packets with TCP or UDP within
    std::uint64_t connections = 0;
    std::uint64_t connections_resumed = 0;    ///< of these: known from an earlier life
    std::uint64_t connections_evicted = 0;    ///< ended early to make room
    std::uint64_t copies = 0;                 ///< datagrams and connections left out: seen on another interface before
    std::uint64_t networks_left_out = 0;      ///< packets alike in more virtual networks than are told apart
    std::uint64_t dns_evictions = 0;
    std::uint64_t answers_unasked = 0;       ///< DNS answers that were not believed: their question was not seen
    std::uint64_t streams_refused = 0;       ///< first flights that found no room
    std::uint64_t key_trials_refused = 0;    ///< QUIC packets that were not tried: too many a second that open nothing
    std::uint64_t fragments_given_up = 0;
    std::uint64_t octets_hidden_road = 0;    ///< also where the road has a name
};

class FlowTable final : private NameListener {
public:
    explicit FlowTable(SightingSink& sink, Limits limits = {});
    ~FlowTable() override;
    FlowTable(const FlowTable&) = delete;
    FlowTable& operator=(const FlowTable&) = delete;

    void on_packet(const capture::Packet& packet);
    /// Tells what came since the last share of every open connection, and ends those that are idle at `now`.
    void flush(Timestamp now);
    /// The clock leapt ahead by this, whether it was set or the machine slept: nobody was idle meanwhile. Tell before
    /// the packets that came after it.
    void leapt(std::chrono::microseconds by) { leaps_ += by; }
    /// Ends every connection: no more packets will come.
    void finish();
    /// Tells what is known of every connection, whether or not its name may still come, and ends those that are over
    /// their time at `now`; the others are left open for for_each_open().
    void suspend(Timestamp now);
    /// Connections of whom to ask when one is seen that did not begin here; must outlive the table. None: nobody.
    void set_continuity(Continuity* continuity) { continuity_ = continuity; }
    /// Every open connection whose client is decided; see state_of().
    void for_each_open(const std::function<void(const Connection&, const Flow&)>& visit) const;
    /// What has to be known to go on with it: what was told is counted as told, the rest is ahead of its place.
    [[nodiscard]] static OpenConnection state_of(const Flow& flow);
    [[nodiscard]] Counters counters() const;

private:
    static constexpr std::uint32_t chunk_size = 512;
    static constexpr std::size_t most_ech_names = 64;

    // NameListener: about `current_`, from side `speaker_`.
    void on_client_hello(const dissect::tls::ClientHello& hello) override;
    void on_request(const dissect::http1::Request& request, std::size_t octets_since_start) override;
    void on_dns_message(dissect::Bytes message) override;
    void on_server_speech() override;

    [[nodiscard]] Flow& flow_at(std::uint32_t slot) { return chunks_[slot / chunk_size][slot % chunk_size]; }
    void take(const dissect::Segment& segment, std::uint32_t interface, Timestamp when);
    [[nodiscard]] bool is_same_elsewhere(const Flow& flow, Side side, const dissect::Segment& segment) const;
    [[nodiscard]] std::uint64_t hash_of(const dissect::Segment& segment) const;
    struct Lookup {
        Flow* flow = nullptr;
        Side side = 0;
        bool crowded = false;    ///< none, nor is there room for another alike
    };
    [[nodiscard]] Lookup find(const dissect::Segment& segment, std::uint64_t hash);
    Flow& open(const dissect::Segment& segment, std::uint64_t hash, Timestamp when);
    [[nodiscard]] bool resume(Flow& flow, const dissect::Segment& segment);
    static void count_ends(Flow& flow);
    void close(std::uint32_t slot);
    void forget(std::uint32_t slot);
    void make_room();
    void sweep(Timestamp now);
    [[nodiscard]] Timestamp due(const Flow& flow) const;
    [[nodiscard]] Timestamp without_leaps(Timestamp time) const { return time - leaps_; }
    void tick(Timestamp when);
    [[nodiscard]] static bool is_used_again(Flow& flow, Side side, const dissect::Segment& segment);

    [[nodiscard]] bool is_copied_datagram(Flow& flow, Side side, std::uint32_t interface,
                                          std::chrono::microseconds since_last);
    void on_tcp(Flow& flow, Side side, const dissect::Segment& segment);
    void on_udp(Flow& flow, Side side, const dissect::Segment& segment);
    void make_listening_room(const Flow& asking);
    void listen(Flow& flow, Side side, const dissect::Segment& segment);
    void finish_listening(Flow& flow);
    void listen_to_quic(Flow& flow, Side side, const dissect::Segment& segment);
    void listen_to_long_header(Flow& flow, Side side, const dissect::Segment& segment);
    void name_by_google(Flow& flow, Side side, const dissect::Segment& segment);
    [[nodiscard]] bool begins_another_quic(const Flow& flow, Side side, const dissect::Segment& segment);
    void notice_road(Flow& flow, const dissect::Segment& segment);
    [[nodiscard]] bool is_on_hidden_road(const Flow& flow) const;
    void take_hello(Flow& flow, const dissect::tls::ClientHello& hello, wire::Evidence evidence);
    void take_dns(Flow& flow, Side side, dissect::Bytes message);
    [[nodiscard]] bool is_believed(const AskedQuestions::Exchange& exchange, const dissect::dns::Question& question);
    void take_answers(const Address& client, const dissect::dns::Name& asked_name, dissect::dns::Reader& reader);
    void remember_ech_name(std::string_view name);
    [[nodiscard]] bool is_public_name(std::string_view name) const;

    void decide(Flow& flow, Side client);
    void name(Flow& flow, wire::Evidence evidence, std::string_view name, std::uint64_t octets_since_start);
    void mention(Flow& flow, wire::Evidence evidence, std::string_view name);
    void explain_by_address(Flow& flow);
    void share(Flow& flow, std::uint64_t up_held_back);
    [[nodiscard]] Connection connection_of(const Flow& flow) const;

    SightingSink& sink_;
    std::uint64_t seed_;    ///< of all hashes of addresses
    Continuity* continuity_ = nullptr;
    Limits limits_;
    dissect::PacketDissector dissector_;
    DnsCache dns_;
    AskedQuestions questions_;
    bool questions_are_seen_ = false;    ///< the capture shows both directions of DNS
    Budget budget_;
    KeyTrials key_trials_;
    std::unique_ptr<Copies> copies_;    ///< from the second interface on
    std::uint32_t first_interface_ = 0;
    bool any_packet_ = false;
    std::vector<std::uint8_t> scratch_;
    std::vector<std::string> ech_names_;    ///< public names that HTTPS records told of, the oldest replaced
    std::size_t next_ech_name_ = 0;
    std::vector<std::unique_ptr<Flow[]>> chunks_;
    std::vector<std::uint32_t> free_;
    FlowIndex index_;
    std::vector<Timestamp> look_again_;    ///< by slot: not idle for too long before this, leaps left out
    std::uint32_t slots_ = 0;              ///< made so far
    std::uint32_t open_ = 0;
    std::uint32_t hand_ = 0;              ///< where the search for a victim goes on
    std::uint32_t listening_hand_ = 0;    ///< where that for one that is listened to does
    std::uint64_t next_id_ = 1;
    Timestamp now_{};
    Timestamp leapt_to_{};    ///< where one packet's time stood far ahead; another there makes it the time
    Timestamp swept_{};
    std::chrono::microseconds leaps_{0};
    Flow* current_ = nullptr;
    Side speaker_ = 0;
    Counters counters_;
};

}    // namespace dl::agent::flow
