// Looks for the ClientHello in the Initial packets that one side of a UDP flow sends: decrypted, CRYPTO frames put in
// order over several packets and datagrams, within a bound.
#pragma once

#include "agent/dissect/quic.hpp"
#include "agent/dissect/tls.hpp"
#include "agent/flow/stream.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace dl::agent::flow {

class NamesInQuic {
public:
    static constexpr std::size_t most_crypto = 32768;
    static constexpr unsigned most_datagrams = 32;

    explicit NamesInQuic(Budget& budget) : budget_(&budget) {}
    ~NamesInQuic() { budget_->give_back(crypto_.size()); }
    NamesInQuic(const NamesInQuic&) = delete;
    NamesInQuic& operator=(const NamesInQuic&) = delete;

    /// What the datagram adds; views in it are valid until the next call. `plain`: room for a datagram's plain text.
    [[nodiscard]] std::optional<dissect::tls::ClientHello> add(dissect::Bytes datagram, std::span<std::uint8_t> plain);
    /// What is whole at the front when no more will come.
    [[nodiscard]] std::optional<dissect::tls::ClientHello> finish();
    /// At least one Initial of a client was opened.
    [[nodiscard]] bool opened() const { return opened_; }
    [[nodiscard]] bool exhausted() const { return datagrams_ >= most_datagrams; }

private:
    struct Range {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    std::optional<dissect::Bytes> open(const dissect::quic::LongPacket& packet, std::span<std::uint8_t> plain);
    bool try_keys(const dissect::quic::LongPacket& packet, std::size_t dialect, std::span<std::uint8_t> plain,
                  std::optional<dissect::Bytes>& frames);
    void add_crypto(std::uint64_t offset, dissect::Bytes data);
    [[nodiscard]] std::size_t ready() const;

    Budget* budget_;
    std::vector<std::uint8_t> crypto_;
    std::vector<Range> ranges_;    ///< received, by offset, apart from each other
    dissect::quic::InitialKeys keys_;
    bool opened_ = false;
    unsigned datagrams_ = 0;
};

}    // namespace dl::agent::flow
