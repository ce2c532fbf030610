#include "collector/access/accounts.hpp"

#include "shared/base/digest.hpp"

#include <fmt/format.h>

namespace dl::collector::access {
namespace {

constexpr std::string_view accounts = "accounts";
constexpr std::string_view tokens = "account-tokens";    ///< first 16 digits of a token's hash → account
constexpr std::size_t token_length = 43;                 ///< 32 bytes in base64url without padding
constexpr int most_attempts = 100;

constexpr std::pair<Role, std::string_view> names[] = {
    {Role::operations, "operations"},
    {Role::security, "security"},
    {Role::relationship_manager, "relationship-manager"},
    {Role::unit_leader, "unit-leader"},
    {Role::privacy_officer, "privacy-officer"},
    {Role::administrator, "administrator"},
};

/// RFC 4648 section 5, without padding.
std::string base64url(std::span<const std::uint8_t> bytes)
{
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    std::uint32_t bits = 0;
    int held = 0;
    for (const std::uint8_t byte : bytes) {
        bits = bits << 8 | byte;
        for (held += 8; held >= 6; held -= 6)
            text.push_back(digits[bits >> (held - 6) & 63]);
    }
    if (held > 0) text.push_back(digits[bits << (6 - held) & 63]);
    return text;
}

Result<Account> from_json(const store::Document& document)
{
    const auto role = parse_role(document.value.at("role").get<std::string>());
    if (!role)
        return Failure{
            Failure::Kind::internal,
            fmt::format("account {} has a role that this version does not know; upgrade the collector", document.key)};
    return Account{document.key, *role, document.value.at("units").get<std::vector<std::string>>(),
                   document.value.at("disabled").get<bool>()};
}

}    // namespace

std::string_view to_string(Role role)
{
    for (const auto& [value, name] : names)
        if (value == role) return name;
    return "unknown";
}

std::optional<Role> parse_role(std::string_view text)
{
    for (const auto& [value, name] : names)
        if (name == text) return value;
    return std::nullopt;
}

Result<std::string> Accounts::create(const Account& account)
{
    if (account.id.empty() || account.id.size() > 128 || account.id.find_first_of(" \t\r\n") != std::string::npos)
        return invalid_input(
            fmt::format("'{}' is no account name; use 1 to 128 characters without blanks", account.id));
    std::array<std::uint8_t, 32> secret{};
    fill_random(secret);
    const std::string token = base64url(secret);
    const std::string hash = to_hex(sha256(token));

    const auto known = state_.get(accounts, account.id);
    if (!known) return known.error();
    if (*known) return conflict(fmt::format("account {} exists; disable it or choose another name", account.id));
    // The index first: an entry that points to no account opens nothing.
    if (auto put = state_.put_if_version(tokens, hash.substr(0, 16), 0, {{"account", account.id}}); !put)
        return put.error();
    const auto put = state_.put_if_version(accounts, account.id, 0,
                                           {{"role", std::string(to_string(account.role))},
                                            {"units", account.units},
                                            {"disabled", account.disabled},
                                            {"hash", hash}});
    if (!put) return put.error();
    return token;
}

Result<std::vector<Account>> Accounts::list()
{
    const auto documents = state_.list(accounts);
    if (!documents) return documents.error();
    std::vector<Account> all;
    for (const store::Document& document : *documents) {
        auto account = from_json(document);
        if (!account) return account.error();
        all.push_back(std::move(*account));
    }
    return all;
}

Result<void> Accounts::disable(std::string_view id)
{
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto document = state_.get(accounts, id);
        if (!document) return document.error();
        if (!*document)
            return not_found(fmt::format("no account is called '{}'; `daylight-collector user list` shows them", id));
        (*document)->value["disabled"] = true;
        const auto put = state_.put_if_version(accounts, id, (*document)->version, (*document)->value);
        if (put) return {};
        if (put.error().kind != Failure::Kind::conflict) return put.error();
    }
    return unavailable(fmt::format("account {} is being changed by others; try again", id));
}

Result<Account> Accounts::authenticate(std::string_view token)
{
    const auto unknown = [] { return denied("the token is not known here; ask the administrator for a new one"); };
    if (token.size() != token_length) return unknown();
    const Digest offered = sha256(token);
    const auto index = state_.get(tokens, to_hex(offered).substr(0, 16));
    if (!index) return index.error();
    if (!*index) return unknown();
    const auto document = state_.get(accounts, (*index)->value.at("account").get<std::string>());
    if (!document) return document.error();
    Digest stored{};
    if (!*document || !from_hex((*document)->value.at("hash").get<std::string>(), stored) ||
        !equal_in_constant_time(offered, stored))
        return unknown();
    auto account = from_json(**document);
    if (account && account->disabled)
        return denied(fmt::format("account {} is disabled; ask the administrator", account->id));
    return account;
}

}    // namespace dl::collector::access
