#include "collector/access/accounts.hpp"

#include "shared/base/digest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dl::collector::access {
namespace {

constexpr std::string_view accounts = "accounts";
constexpr std::string_view tokens = "account-tokens";    ///< first 16 digits of a token's hash → account
constexpr std::size_t token_length = 43;                 ///< 32 bytes in base64url without padding
constexpr int most_attempts = 100;
constexpr std::size_t longest_name = 64;

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

/// Reads, changes and writes until no other writer comes between.
template <class Change>
Result<void> change(store::StateStore& state, std::string_view id, Change change_value)
{
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto document = state.get(accounts, id);
        if (!document) return document.error();
        if (!*document)
            return not_found(fmt::format("no account is called '{}'; `daylight-collector user list` shows them", id));
        change_value((*document)->value);
        const auto put = state.put_if_version(accounts, id, (*document)->version, (*document)->value);
        if (put) return {};
        if (put.error().kind != Failure::Kind::conflict) return put.error();
    }
    return unavailable(fmt::format("account {} is being changed by others; try again", id));
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

std::vector<std::string> role_names()
{
    std::vector<std::string> all;
    for (const auto& [value, name] : names)
        all.emplace_back(name);
    return all;
}

Result<void> check_account_name(std::string_view name)
{
    const bool good = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._@-").find(c) != std::string_view::npos;
    });
    if (good && !name.empty() && name.size() <= longest_name) return {};
    return invalid_input(fmt::format("'{}' is no account name; give 1 to {} letters, digits and . _ @ -",
                                     name.substr(0, longest_name), longest_name));
}

Result<std::string> Accounts::create(const Account& account)
{
    if (auto named = check_account_name(account.id); !named) return named.error();
    std::array<std::uint8_t, 32> secret{};
    fill_random(secret);
    const std::string token = base64url(secret);
    const std::string hash = to_hex(sha256(token));

    const auto known = state_.get(accounts, account.id);
    if (!known) return known.error();
    if (*known) {
        const auto stored = from_json(**known);
        if (!stored) return stored.error();
        return conflict(
            stored->disabled
                ? fmt::format("account {} exists and is disabled; `daylight-collector user enable {}` lets it in again",
                              account.id, account.id)
                : fmt::format("account {} exists; disable it or choose another name", account.id));
    }
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

Result<bool> Accounts::is_anybody_security(std::string_view beside)
{
    const auto all = list();
    if (!all) return all.error();
    return std::ranges::any_of(*all, [&](const Account& account) {
        return account.role == Role::security && !account.disabled && account.id != beside;
    });
}

Result<void> Accounts::disable(std::string_view id)
{
    const auto last = [&] {
        return conflict(
            fmt::format("account {} is the last enabled one with the role security; add or enable another first", id));
    };
    const auto document = state_.get(accounts, id);
    if (!document) return document.error();
    bool watched = false;
    if (*document) {
        const auto account = from_json(**document);
        if (!account) return account.error();
        watched = account->role == Role::security && !account->disabled;
    }
    if (watched) {
        const auto others = is_anybody_security(id);
        if (!others) return others.error();
        if (!*others) return last();
    }
    if (auto changed = change(state_, id, [](nlohmann::json& value) { value["disabled"] = true; }); !changed)
        return changed;
    if (!watched) return {};
    // Two that disable each other's account at once both get so far: both take it back then.
    const auto others = is_anybody_security(id);
    if (!others) return others.error();
    if (*others) return {};
    if (auto undone = enable(id); !undone) return undone;
    return last();
}

Result<void> Accounts::enable(std::string_view id)
{
    return change(state_, id, [](nlohmann::json& value) { value["disabled"] = false; });
}

Result<void> Accounts::withdraw(std::string_view id)
{
    std::string hash;
    const auto changed = change(state_, id, [&](nlohmann::json& value) {
        hash = value.at("hash").get<std::string>();
        value = nullptr;
    });
    if (!changed) return changed;
    // The index last: until it is gone it points to no account, which opens nothing.
    const auto index = state_.get(tokens, hash.substr(0, 16));
    if (!index) return index.error();
    if (!*index) return {};
    const auto removed = state_.put_if_version(tokens, hash.substr(0, 16), (*index)->version, nullptr);
    return removed ? Result<void>() : removed.error();
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
