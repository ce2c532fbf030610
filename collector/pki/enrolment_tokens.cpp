#include "collector/pki/enrolment_tokens.hpp"

#include "shared/base/digest.hpp"

#include <fmt/format.h>

namespace dl::collector::pki {
namespace {

constexpr std::string_view collection = "enrolment-tokens";
constexpr std::size_t id_digits = 16;
constexpr std::size_t secret_digits = 64;
constexpr int most_attempts = 1000;    ///< lost races in a row before a redeemer is told to come again

std::int64_t micros(Timestamp when) { return when.time_since_epoch().count(); }

nlohmann::json to_json(const Token& token, const std::string& hash)
{
    return {{"hash", hash},
            {"uses", token.terms.uses},
            {"remaining", token.remaining},
            {"kind", std::string(wire::to_string(token.terms.kind))},
            {"group", token.terms.group},
            {"created_us", micros(token.created)},
            {"expires_us", micros(token.expires)},
            {"revoked", token.revoked}};
}

Token from_json(const store::Document& document)
{
    const nlohmann::json& value = document.value;
    Token token;
    token.id = document.key;
    token.terms.uses = value.at("uses").get<std::uint32_t>();
    token.terms.kind =
        wire::parse_observer_kind(value.at("kind").get<std::string>()).value_or(wire::ObserverKind::endpoint);
    token.terms.group = value.at("group").get<std::string>();
    token.remaining = value.at("remaining").get<std::uint32_t>();
    token.created = Timestamp{std::chrono::microseconds(value.at("created_us").get<std::int64_t>())};
    token.expires = Timestamp{std::chrono::microseconds(value.at("expires_us").get<std::int64_t>())};
    token.terms.lifetime = std::chrono::duration_cast<std::chrono::seconds>(token.expires - token.created);
    token.revoked = value.at("revoked").get<bool>();
    return token;
}

struct Found {
    store::Document document;
    Token token;
};

/// The document of a token whose secret is right and whose terms still allow this kind now.
Result<Found> find(store::StateStore& state, std::string_view token, wire::ObserverKind kind, Timestamp now)
{
    const auto unknown = [] { return denied("the token is not one of this collector's; ask IT for a new one"); };
    std::array<std::uint8_t, secret_digits / 2> secret{};
    if (token.size() != id_digits + 1 + secret_digits || token[id_digits] != '.' ||
        !from_hex(token.substr(id_digits + 1), secret))
        return unknown();
    const std::string_view id = token.substr(0, id_digits);
    auto document = state.get(collection, id);
    if (!document) return document.error();
    if (!*document || (*document)->value.is_null()) return unknown();

    const Digest offered = sha256(std::span<const std::uint8_t>(secret));
    Digest stored{};
    if (!from_hex((*document)->value.at("hash").get<std::string>(), stored) || !equal_in_constant_time(offered, stored))
        return unknown();

    Found found{std::move(**document), {}};
    found.token = from_json(found.document);
    if (found.token.revoked) return denied(fmt::format("token {} was revoked; ask IT for a new one", id));
    if (now >= found.token.expires)
        return denied(fmt::format("token {} expired at {}; ask IT for a new one", id, to_rfc3339(found.token.expires)));
    if (found.token.terms.kind != kind)
        return denied(fmt::format("token {} is for observers of kind {}; ask IT for one of kind {}", id,
                                  wire::to_string(found.token.terms.kind), wire::to_string(kind)));
    return found;
}

/// Reads, changes and writes until no other writer comes between.
template <class Change>
Result<void> change(store::StateStore& state, std::string_view id, Change change_value)
{
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto document = state.get(collection, id);
        if (!document) return document.error();
        if (!*document)
            return not_found(fmt::format("no token has the id '{}'; `daylight-collector token list` shows them", id));
        change_value((*document)->value);
        const auto put = state.put_if_version(collection, id, (*document)->version, (*document)->value);
        if (put) return {};
        if (put.error().kind != Failure::Kind::conflict) return put.error();
    }
    return unavailable("the token is in use by many agents at this moment; try again");
}

}    // namespace

Result<std::string> EnrolmentTokens::create(const TokenTerms& terms, Timestamp now)
{
    if (terms.uses < 1 || terms.uses > most_uses)
        return invalid_input(fmt::format("a token is for 1 to {} enrolments, not {}", most_uses, terms.uses));
    if (terms.lifetime <= std::chrono::seconds(0) || terms.lifetime > longest_lifetime)
        return invalid_input("a token lives between a second and a year; give --expires as 30m, 24h or 7d");
    std::array<std::uint8_t, id_digits / 2> id{};
    std::array<std::uint8_t, secret_digits / 2> secret{};
    fill_random(id);
    fill_random(secret);
    const Token token{to_hex(id), terms, terms.uses, now, now + terms.lifetime, false};
    const std::string hash = to_hex(sha256(std::span<const std::uint8_t>(secret)));
    if (auto put = state_.put_if_version(collection, token.id, 0, to_json(token, hash)); !put) return put.error();
    return token.id + "." + to_hex(secret);
}

Result<Token> EnrolmentTokens::inspect(std::string_view token, wire::ObserverKind kind, Timestamp now)
{
    auto found = find(state_, token, kind, now);
    if (!found) return found.error();
    return std::move(found->token);
}

Result<Token> EnrolmentTokens::redeem(std::string_view token, wire::ObserverKind kind, Timestamp now)
{
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto found = find(state_, token, kind, now);
        if (!found) return found.error();
        if (found->token.remaining == 0)
            return denied(fmt::format("token {} is used up ({} of {}); ask IT for a new one", found->token.id,
                                      found->token.terms.uses, found->token.terms.uses));
        --found->token.remaining;
        found->document.value["remaining"] = found->token.remaining;
        const auto put =
            state_.put_if_version(collection, found->token.id, found->document.version, found->document.value);
        if (put) return std::move(found->token);
        if (put.error().kind != Failure::Kind::conflict) return put.error();
    }
    return unavailable("too many agents enrol with this token at once; try again in a moment");
}

Result<std::vector<Token>> EnrolmentTokens::list()
{
    auto documents = state_.list(collection);
    if (!documents) return documents.error();
    std::vector<Token> tokens;
    tokens.reserve(documents->size());
    for (const store::Document& document : *documents)
        tokens.push_back(from_json(document));
    return tokens;
}

Result<void> EnrolmentTokens::revoke(std::string_view id)
{
    return change(state_, id, [](nlohmann::json& value) { value["revoked"] = true; });
}

Result<void> EnrolmentTokens::withdraw(std::string_view id)
{
    return change(state_, id, [](nlohmann::json& value) { value = nullptr; });
}

}    // namespace dl::collector::pki
