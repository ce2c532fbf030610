#include "shared/base/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace dl {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text)
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}    // namespace

Digest sha256(std::span<const std::uint8_t> bytes)
{
    Digest out{};
    unsigned int size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("OpenSSL offers no SHA-256; check its configuration");
    return out;
}

Digest sha256(std::string_view text) { return sha256(bytes_of(text)); }

struct Sha256::State {
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>())
{
    if (!state_->context || EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("OpenSSL offers no SHA-256; check its configuration");
}

Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::uint8_t> bytes)
{
    if (EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) != 1)
        throw std::runtime_error("OpenSSL adds nothing to a SHA-256; check its configuration");
}

Digest Sha256::so_far() const
{
    Sha256 copy;
    if (EVP_MD_CTX_copy_ex(copy.state_->context.get(), state_->context.get()) != 1)
        throw std::runtime_error("OpenSSL copies no SHA-256; check its configuration");
    return copy.finish();
}

Digest Sha256::finish()
{
    Digest out{};
    if (EVP_DigestFinal_ex(state_->context.get(), out.data(), nullptr) != 1)
        throw std::runtime_error("OpenSSL ends no SHA-256; check its configuration");
    return out;
}

Digest hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> message)
{
    Digest out{};
    unsigned int size = 0;
    if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), out.data(),
              &size))
        throw std::runtime_error("OpenSSL offers no HMAC-SHA-256; check its configuration");
    return out;
}

Digest hmac_sha256(std::span<const std::uint8_t> key, std::string_view message)
{
    return hmac_sha256(key, bytes_of(message));
}

bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b)
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}    // namespace dl
