// Who a capture file is, and how far it was booked before: told from its packets, so that a file that was copied, moved
// or packed is still itself, one that grew is the same file with more in it, and another one is another, however alike
// they begin.
#pragma once

#include "agent/capture/packet_source.hpp"
#include "agent/ledger/ledger.hpp"
#include "shared/base/digest.hpp"
#include "shared/base/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace dl::agent::service {

/// Digests of the first 1, 2, 4, 8 … packets of a capture and of all that were added: of each packet its time, lengths,
/// and first octets, in which its checksum tells of the rest.
class PacketMarks {
public:
    static constexpr std::size_t mark_octets = 16;

    void add(const capture::Packet& packet);
    [[nodiscard]] std::uint64_t packets() const { return packets_; }
    /// Of all that were added so far.
    [[nodiscard]] std::string last() const;
    /// As FilePosition::marks holds them.
    [[nodiscard]] std::string all() const { return powers_ + last(); }

private:
    Sha256 digest_;
    std::uint64_t packets_ = 0;
    std::string powers_;
};

struct Recognised {
    ledger::FilePosition position;
    bool nothing_new = false;    ///< it was read to its end before, and ends there still
};

/// Reads `capture` as far as it takes to tell which of `known` it is; a new position where it is none of them. A
/// failure where it looks like a known one that was cut: its packets were booked and would be booked twice.
[[nodiscard]] Result<Recognised> recognise(std::span<const ledger::FilePosition> known, capture::PacketSource& capture);
/// The same for a file; those that an agent before schema 4 read are known by their first octets.
[[nodiscard]] Result<Recognised> recognise_file(const std::filesystem::path& file, ledger::Ledger& ledger);

}    // namespace dl::agent::service
