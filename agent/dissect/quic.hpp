// QUIC long headers (RFC 9000 section 17.2, RFC 8999) and the protection of Initial packets (RFC 9001 section 5, RFC
// 9369), whose keys anyone who sees the first packet can derive. Google's QUIC before TLS says its server name in the
// open.
#pragma once

#include "agent/dissect/bytes.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dl::agent::dissect::quic {

/// One packet with a long header at the front of a datagram's rest.
struct LongPacket {
    enum class Kind { initial, zero_rtt, handshake, retry, version_negotiation };
    Kind kind = Kind::initial;
    std::uint32_t version = 0;
    Bytes destination_id;
    Bytes source_id;
    Bytes whole;                      ///< header and payload
    std::size_t number_offset = 0;    ///< of the packet number within `whole`
};

/// Takes the packet at the front of `datagram`; nothing where there is no whole one (short headers, padding,
/// strangers).
[[nodiscard]] std::optional<LongPacket> next_packet(Bytes& datagram);

/// A variable-length integer (RFC 9000 section 16).
[[nodiscard]] std::uint64_t read_varint(Cursor& cursor);

inline constexpr std::size_t longest_id = 20;

/// Keys of the client's Initial packets.
struct InitialKeys {
    std::array<std::uint8_t, 16> key{};
    std::array<std::uint8_t, 12> iv{};
    std::array<std::uint8_t, 16> header_protection{};
    bool google_frames = false;    ///< Google's numbers of frames within (Q050, T050, T051)
};

/// Number of dialects, and the one that a version names; unknown versions are tried with all.
[[nodiscard]] std::size_t dialect_count();
[[nodiscard]] std::optional<std::size_t> dialect_of(std::uint32_t version);

/// HKDF over SHA-256 (RFC 5869) from the client's first Destination Connection ID. False where OpenSSL refuses.
[[nodiscard]] bool derive_client_keys(std::size_t dialect, Bytes destination_id, InitialKeys& keys);

/// Removes header protection and decrypts (AEAD_AES_128_GCM) into `plain`, which must hold packet.whole.size() octets.
/// The frames, or nothing where the keys are not this packet's. Uses a cipher context of the calling thread.
[[nodiscard]] std::optional<Bytes> open_initial(const LongPacket& packet, const InitialKeys& keys,
                                                std::span<std::uint8_t> plain);

struct CryptoFrame {
    std::uint64_t offset = 0;
    Bytes data;
};
/// Reads frames (RFC 9000 section 19) up to the next CRYPTO frame; nothing at the end or at a frame that no Initial
/// carries.
[[nodiscard]] std::optional<CryptoFrame> next_crypto(Cursor& frames, bool google_frames = false);

/// SNI of a Google QUIC client hello (Q043 and its neighbours; of Q050 in the CRYPTO frames), empty where there is
/// none.
[[nodiscard]] std::string_view gquic_server_name(Bytes datagram);

}    // namespace dl::agent::dissect::quic
