// What lets a new agent in: a random token, good for a number of enrolments until a time. Only its SHA-256 is stored.
#pragma once

#include "collector/store/state_store.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::pki {

inline constexpr std::uint32_t most_uses = 100'000;
inline constexpr std::chrono::hours longest_lifetime{24 * 366};

struct TokenTerms {
    std::uint32_t uses = 1;                                    ///< 1 … most_uses
    std::chrono::seconds lifetime = std::chrono::hours(24);    ///< 1 s … longest_lifetime
    wire::ObserverKind kind = wire::ObserverKind::endpoint;
    std::string group;    ///< a word for operations ("sales laptops"), kept with each agent; may be empty
};

struct Token {
    std::string id;    ///< 16 hex digits, no secret: names the token in list, revoke and the audit
    TokenTerms terms;
    std::uint32_t remaining = 0;
    Timestamp created{};
    Timestamp expires{};
    bool revoked = false;
};

class EnrolmentTokens {
public:
    explicit EnrolmentTokens(store::StateStore& state) : state_(state) {}

    /// Returns the token as its bearer will send it, "ID.SECRET" (the secret: 32 random bytes in hex). Shown this once.
    [[nodiscard]] Result<std::string> create(const TokenTerms& terms, Timestamp now);
    /// Takes one use. Of clients that race for the last one, exactly one gets it. Denied says why, to holders of the
    /// secret.
    [[nodiscard]] Result<Token> redeem(std::string_view token, wire::ObserverKind kind, Timestamp now);
    /// As redeem, taking nothing: is this still somebody's token, whatever is left of it?
    [[nodiscard]] Result<Token> inspect(std::string_view token, wire::ObserverKind kind, Timestamp now);
    [[nodiscard]] Result<std::vector<Token>> list();
    [[nodiscard]] Result<void> revoke(std::string_view id);
    /// Takes a token back that nobody got to see: it is gone from the list, too.
    [[nodiscard]] Result<void> withdraw(std::string_view id);

private:
    store::StateStore& state_;
};

}    // namespace dl::collector::pki
