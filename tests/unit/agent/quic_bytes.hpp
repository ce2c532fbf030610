// QUIC Initial packets sealed as a client seals them (RFC 9001 section 5), for tests.
#pragma once

#include "agent/dissect/quic.hpp"
#include "tests/unit/agent/packet_bytes.hpp"

#include <openssl/evp.h>

namespace dl::agent::testing {

inline Data crypto_frame(std::size_t offset, const Data& data)
{
    return octets({6}) + u16(0x4000 | offset) + u16(0x4000 | data.size()) + data;
}

/// `dialect` as dissect::quic counts them; `version` goes into the header.
inline Data quic_initial(std::uint32_t version, std::size_t dialect, Data frames, std::string_view id = "8bytesid",
                         std::size_t token = 0)
{
    frames.resize(std::max<std::size_t>(frames.size(), 64));    // PADDING
    dissect::quic::InitialKeys keys;
    const Data connection = text(id);
    if (!dissect::quic::derive_client_keys(dialect, connection, keys)) return {};
    const int first = version == 0x6b3343cf || dialect == 1 ? 0xd0 : 0xc0;
    const std::size_t number_length = 1;
    Data header = octets({first}) + u32(version) + octets({static_cast<int>(id.size())}) + connection + octets({0}) +
                  u16(0x4000 | token) + zeros(token) + u16(0x4000 | (number_length + frames.size() + 16)) + octets({2});
    std::array<std::uint8_t, 12> nonce = keys.iv;
    nonce[11] ^= 2;
    Data sealed(frames.size() + 16);
    int length = 0;
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, keys.key.data(), nonce.data());
    EVP_EncryptUpdate(context, nullptr, &length, header.data(), static_cast<int>(header.size()));
    EVP_EncryptUpdate(context, sealed.data(), &length, frames.data(), static_cast<int>(frames.size()));
    EVP_EncryptFinal_ex(context, sealed.data() + length, &length);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, sealed.data() + frames.size());
    std::array<std::uint8_t, 32> mask{};
    EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), nullptr, keys.header_protection.data(), nullptr);
    EVP_EncryptUpdate(context, mask.data(), &length, sealed.data() + 3, 16);
    EVP_CIPHER_CTX_free(context);
    header[0] = static_cast<std::uint8_t>(header[0] ^ (mask[0] & 15U));
    header.back() = static_cast<std::uint8_t>(header.back() ^ mask[1]);
    return header + sealed;
}

}    // namespace dl::agent::testing
