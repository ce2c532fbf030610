#include "agent/dissect/quic.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace dl::agent::dissect::quic {
namespace {

constexpr std::uint32_t version_1 = 0x00000001;
constexpr std::uint32_t version_2 = 0x6b3343cf;
constexpr std::size_t salt_length = 20;
constexpr std::size_t tag_length = 16;
constexpr std::size_t sample_length = 16;

struct SaltAndLabels {
    std::array<std::uint8_t, salt_length> salt;
    std::string_view key;
    std::string_view iv;
    std::string_view header_protection;
};

/// RFC 9001 section 5.2, RFC 9369 section 3.3.1, and the same section of the drafts.
constexpr std::array<SaltAndLabels, 8> dialects{{
    {{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
      0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
     "quic key",
     "quic iv",
     "quic hp"},    // version 1, drafts 33 and 34
    {{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
      0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
     "quicv2 key",
     "quicv2 iv",
     "quicv2 hp"},    // version 2
    {{0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
      0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
     "quic key",
     "quic iv",
     "quic hp"},    // drafts 29 to 32
    {{0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
      0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02},
     "quic key",
     "quic iv",
     "quic hp"},    // drafts 23 to 28, mvfst with draft 27
    {{0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x3a, 0x96,
      0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a, 0x00},
     "quic key",
     "quic iv",
     "quic hp"},    // drafts 21 and 22 (19 octets: HMAC pads keys with zero), mvfst with draft 22
    {{0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94,
      0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45},
     "quic key",
     "quic iv",
     "quic hp"},    // Google's Q050
    {{0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80,
      0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83, 0x10},
     "quic key",
     "quic iv",
     "quic hp"},    // T050
    {{0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50,
      0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d},
     "quic key",
     "quic iv",
     "quic hp"},    // T051
}};
constexpr std::size_t first_of_google = 5;

using Secret = std::array<std::uint8_t, 32>;

bool hmac(Bytes key, Bytes message, Secret& out)
{
    unsigned length = out.size();
    return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), out.data(),
                &length) != nullptr;
}

/// HKDF-Expand-Label (RFC 8446 section 7.1) with an empty context, one block: length 16, "tls13 " and label,
/// context, 1.
bool expand_label(const Secret& secret, std::string_view label, std::span<std::uint8_t> out)
{
    std::array<std::uint8_t, 48> info{};
    constexpr std::string_view prefix = "tls13 ";
    std::size_t at = 0;
    info[at++] = 0;
    info[at++] = static_cast<std::uint8_t>(out.size());
    info[at++] = static_cast<std::uint8_t>(prefix.size() + label.size());
    for (const char c : prefix)
        info[at++] = static_cast<std::uint8_t>(c);
    for (const char c : label)
        info[at++] = static_cast<std::uint8_t>(c);
    info[at++] = 0;
    info[at++] = 1;
    Secret block{};
    if (!hmac(secret, Bytes(info).first(at), block)) return false;
    std::copy_n(block.begin(), out.size(), out.begin());
    return true;
}

struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

EVP_CIPHER_CTX* cipher_of_thread()
{
    static thread_local const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context(EVP_CIPHER_CTX_new());
    return context.get();
}

/// The header protection mask: AES-ECB of the sample (RFC 9001 section 5.4.3).
bool mask_of(const InitialKeys& keys, Bytes sample, std::array<std::uint8_t, 32>& mask)
{
    EVP_CIPHER_CTX* context = cipher_of_thread();
    int length = 0;
    return context != nullptr &&
           EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), nullptr, keys.header_protection.data(), nullptr) == 1 &&
           EVP_EncryptUpdate(context, mask.data(), &length, sample.data(), sample_length) == 1;
}

/// The header comes in three: its first octet and its packet number without protection, and what is between as sent.
bool decrypt(const InitialKeys& keys, const std::array<std::uint8_t, 12>& nonce, const std::array<Bytes, 3>& header,
             Bytes sealed, std::span<std::uint8_t> plain)
{
    EVP_CIPHER_CTX* context = cipher_of_thread();
    const Bytes text = sealed.first(sealed.size() - tag_length);
    std::array<std::uint8_t, tag_length> tag{};
    std::copy(sealed.end() - tag_length, sealed.end(), tag.begin());
    int length = 0;
    if (EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), nullptr, keys.key.data(), nonce.data()) != 1) return false;
    for (const Bytes part : header)
        if (EVP_DecryptUpdate(context, nullptr, &length, part.data(), static_cast<int>(part.size())) != 1) return false;
    return EVP_DecryptUpdate(context, plain.data(), &length, text.data(), static_cast<int>(text.size())) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, tag_length, tag.data()) == 1 &&
           EVP_DecryptFinal_ex(context, plain.data() + length, &length) == 1;
}

LongPacket::Kind kind_of(std::uint32_t version, unsigned bits)
{
    using enum LongPacket::Kind;
    static constexpr std::array<LongPacket::Kind, 4> first{initial, zero_rtt, handshake, retry};
    static constexpr std::array<LongPacket::Kind, 4> second{retry, initial, zero_rtt,
                                                            handshake};    // RFC 9369 section 3.2
    // An unknown version may have either order: what is Initial in one of them is tried as such.
    if (bits == 1 && !dialect_of(version)) return initial;
    return version == version_2 ? second[bits] : first[bits];
}

}    // namespace

std::uint64_t read_varint(Cursor& cursor)
{
    const std::uint8_t first = cursor.u8();
    std::uint64_t value = first & 0x3fU;
    for (unsigned more = (1U << (first >> 6U)) - 1; more != 0; --more)
        value = value << 8U | cursor.u8();
    return value;
}

/// Form 1, fixed 1, type 2, 4 bits; version 32; destination id (length 8); source id (length 8); Initial: token (length
/// varint); all but Retry: length varint, packet number, payload.
std::optional<LongPacket> next_packet(Bytes& datagram)
{
    if (datagram.size() < 7 || (datagram[0] & 0x80U) == 0) return std::nullopt;
    LongPacket packet;
    Cursor cursor(datagram);
    const std::uint8_t first = cursor.u8();
    packet.version = cursor.u32();
    packet.destination_id = cursor.take(cursor.u8());
    packet.source_id = cursor.take(cursor.u8());
    if (!cursor.ok() || packet.destination_id.size() > longest_id || packet.source_id.size() > longest_id)
        return std::nullopt;
    packet.whole = datagram;
    if (packet.version == 0) {
        packet.kind = LongPacket::Kind::version_negotiation;
        datagram = {};
        return packet;
    }
    packet.kind = kind_of(packet.version, first >> 4U & 3U);
    if (packet.kind == LongPacket::Kind::retry) {
        datagram = {};
        return packet;
    }
    if (packet.kind == LongPacket::Kind::initial) {
        const std::uint64_t token = read_varint(cursor);
        if (token > cursor.left()) return std::nullopt;
        cursor.skip(token);
    }
    const std::uint64_t length = read_varint(cursor);
    if (!cursor.ok() || length > cursor.left()) return std::nullopt;
    packet.number_offset = datagram.size() - cursor.left();
    packet.whole = datagram.first(packet.number_offset + length);
    datagram = datagram.subspan(packet.whole.size());
    return packet;
}

std::size_t dialect_count() { return dialects.size(); }

std::optional<std::size_t> dialect_of(std::uint32_t version)
{
    if (version == version_1) return 0;
    if (version == version_2) return 1;
    if (version >> 8U == 0xff0000) {
        const std::uint32_t draft = version & 0xffU;
        if (draft >= 33 && draft <= 34) return 0;
        if (draft >= 29 && draft <= 32) return 2;
        if (draft >= 23 && draft <= 28) return 3;
        if (draft == 21 || draft == 22) return 4;
    }
    if (version == 0x51303530) return first_of_google;
    if (version == 0x54303530) return first_of_google + 1;
    if (version == 0x54303531) return first_of_google + 2;
    if (version == 0xfaceb001) return 4;    // mvfst on draft 22
    if (version == 0xfaceb002) return 3;    // mvfst on draft 27
    return std::nullopt;
}

bool derive_client_keys(std::size_t dialect, Bytes destination_id, InitialKeys& keys)
{
    const SaltAndLabels& chosen = dialects[dialect];
    keys.google_frames = dialect >= first_of_google;
    Secret initial{};
    Secret client{};
    return hmac(chosen.salt, destination_id, initial) && expand_label(initial, "client in", client) &&
           expand_label(client, chosen.key, keys.key) && expand_label(client, chosen.iv, keys.iv) &&
           expand_label(client, chosen.header_protection, keys.header_protection);
}

std::optional<Bytes> open_initial(const LongPacket& packet, const InitialKeys& keys, std::span<std::uint8_t> plain)
{
    const Bytes whole = packet.whole;
    const std::size_t at = packet.number_offset;
    if (whole.size() - at < 4 + sample_length || plain.size() < whole.size()) return std::nullopt;
    std::array<std::uint8_t, 32> mask{};
    if (!mask_of(keys, whole.subspan(at + 4, sample_length), mask)) return std::nullopt;

    const std::array<std::uint8_t, 1> first{static_cast<std::uint8_t>(whole[0] ^ (mask[0] & 0x0fU))};
    std::array<std::uint8_t, 4> number{};
    const std::size_t number_length = (first[0] & 3U) + std::size_t{1};
    std::array<std::uint8_t, 12> nonce = keys.iv;
    for (std::size_t i = 0; i < number_length; ++i) {
        number[i] = static_cast<std::uint8_t>(whole[at + i] ^ mask[1 + i]);
        nonce[nonce.size() - number_length + i] ^= number[i];
    }
    const Bytes sealed = whole.subspan(at + number_length);
    if (sealed.size() < tag_length) return std::nullopt;
    const std::array<Bytes, 3> header{Bytes(first), whole.subspan(1, at - 1), Bytes(number).first(number_length)};
    if (!decrypt(keys, nonce, header, sealed, plain)) return std::nullopt;
    return Bytes(plain).first(sealed.size() - tag_length);
}

std::optional<CryptoFrame> next_crypto(Cursor& frames, bool google_frames)
{
    while (frames.ok() && frames.left() > 0) {
        std::uint64_t type = read_varint(frames);
        if (google_frames) {    // PADDING 0, PING 7, CRYPTO 8; the rest is none that a first flight carries
            if (type != 0 && type != 7 && type != 8) return std::nullopt;
            type = type == 8 ? 6 : type / 7;
        }
        switch (type) {
            case 0x00:           // PADDING
            case 0x01: break;    // PING
            case 0x02:           // ACK, 0x03 with ECN counts
            case 0x03: {
                (void)read_varint(frames);
                (void)read_varint(frames);
                std::uint64_t ranges = read_varint(frames);
                (void)read_varint(frames);
                for (; ranges > 0 && frames.ok(); --ranges) {
                    (void)read_varint(frames);
                    (void)read_varint(frames);
                }
                for (int counts = type == 0x03 ? 3 : 0; counts > 0; --counts)
                    (void)read_varint(frames);
                break;
            }
            case 0x06: {
                CryptoFrame frame;
                frame.offset = read_varint(frames);
                const std::uint64_t length = read_varint(frames);
                if (length > frames.left()) return std::nullopt;
                frame.data = frames.take(length);
                if (!frames.ok()) return std::nullopt;
                return frame;
            }
            default: return std::nullopt;
        }
    }
    return std::nullopt;
}

/// CHLO message: tag 4, number of entries 16, padding 16, then entries of tag 4 and end offset 32 (little-endian), then
/// the values. It stands in a STREAM frame a few octets after the header and its 12 octets of hash.
std::string_view gquic_server_name(Bytes datagram)
{
    constexpr std::string_view chlo = "CHLO";
    constexpr std::size_t furthest = 96;
    const std::size_t window = std::min(datagram.size(), furthest);
    const auto found =
        std::search(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(window), chlo.begin(), chlo.end());
    const auto at = static_cast<std::size_t>(found - datagram.begin());
    if (at + 8 > window) return {};
    auto little = [](Bytes bytes) {
        return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8U |
               static_cast<std::uint32_t>(bytes[2]) << 16U | static_cast<std::uint32_t>(bytes[3]) << 24U;
    };
    const std::size_t entries = static_cast<std::size_t>(datagram[at + 4] | datagram[at + 5] << 8U);
    const Bytes table = datagram.subspan(at + 8);
    if (entries == 0 || entries > 64 || table.size() < entries * 8) return {};
    const Bytes values = table.subspan(entries * 8);
    std::uint32_t begin = 0;
    for (std::size_t entry = 0; entry < entries; ++entry) {
        const Bytes row = table.subspan(entry * 8, 8);
        const std::uint32_t end = little(row.subspan(4));
        if (end < begin || end > values.size()) return {};
        if (std::memcmp(row.data(), "SNI", 4) == 0)
            return {reinterpret_cast<const char*>(values.data()) + begin, end - begin};
        begin = end;
    }
    return {};
}

}    // namespace dl::agent::dissect::quic
