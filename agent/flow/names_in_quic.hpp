// Looks for the ClientHello in the Initial packets that one side of a UDP flow sends: decrypted, CRYPTO frames put in
// order over several packets and datagrams, within a bound. Handshakes of several connections on the same addresses and
// ports, and the one that a Retry begins anew, are kept apart by the connection id that their keys come from.
#pragma once

#include "agent/dissect/quic.hpp"
#include "agent/dissect/tls.hpp"
#include "agent/flow/key_trials.hpp"
#include "agent/flow/stream.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

namespace dl::agent::flow {

class NamesInQuic {
public:
    static constexpr std::size_t most_crypto = 32768;
    static constexpr unsigned most_datagrams = 32;
    static constexpr std::size_t most_handshakes = 4;    ///< at once; one more takes the place of the oldest
    static constexpr unsigned most_trials = 3;           ///< of packets of an unknown version with every dialect
    static constexpr std::size_t range_overhead = 32;    ///< octets that a range takes beside its payload
    static constexpr std::size_t handshake_overhead = 256;

    /// Make one only where the budget gave its cost, which it gives back.
    NamesInQuic(Budget& budget, KeyTrials& trials) : budget_(&budget), key_trials_(&trials) {}
    ~NamesInQuic();
    NamesInQuic(const NamesInQuic&) = delete;
    NamesInQuic& operator=(const NamesInQuic&) = delete;

    /// What the datagram adds; views in it are valid until the next call. `plain`: room for a datagram's plain text.
    [[nodiscard]] std::optional<dissect::tls::ClientHello> add(dissect::Bytes datagram, std::span<std::uint8_t> plain);
    /// What is whole at the front when no more will come.
    [[nodiscard]] std::optional<dissect::tls::ClientHello> finish();
    /// Octets that it takes, without what it keeps.
    [[nodiscard]] static constexpr std::size_t cost() { return sizeof(NamesInQuic) + Budget::allocation_overhead; }
    /// At least one Initial of a client was opened.
    [[nodiscard]] bool opened() const { return !handshakes_.empty(); }
    /// The connection id that the first keys come from; empty where nothing was opened.
    [[nodiscard]] dissect::Bytes first_id() const
    {
        return handshakes_.empty() ? dissect::Bytes{} : dissect::Bytes(handshakes_.front().id);
    }
    [[nodiscard]] bool exhausted() const { return datagrams_ >= most_datagrams; }

private:
    struct Range {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    struct Handshake {
        dissect::quic::InitialKeys keys;
        std::vector<std::uint8_t> id;    ///< that the keys come from
        std::vector<std::uint8_t> crypto;
        std::vector<Range> ranges;    ///< received, by offset, apart from each other

        [[nodiscard]] std::size_t ready() const
        {
            return !ranges.empty() && ranges.front().begin == 0 ? ranges.front().end : 0;
        }
    };
    enum class Room { make, leave };    ///< whether the oldest handshake may be given up for a new one
    Handshake* open(const dissect::quic::LongPacket& packet, std::span<std::uint8_t> plain, dissect::Bytes& frames,
                    Room room);
    void forget(Handshake& handshake);
    static std::optional<dissect::tls::ClientHello> hello_in(const Handshake& handshake, bool at_end);
    void add_crypto(Handshake& handshake, std::uint64_t offset, dissect::Bytes data);

    Budget* budget_;
    KeyTrials* key_trials_;
    std::list<Handshake> handshakes_;    ///< stays where it is while others come and go
    unsigned datagrams_ = 0;
    unsigned trials_ = 0;
};

}    // namespace dl::agent::flow
