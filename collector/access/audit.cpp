#include "collector/access/audit.hpp"

#include "shared/base/digest.hpp"

#include <fmt/format.h>

#include <pwd.h>
#include <unistd.h>

namespace dl::collector::access {
namespace {

constexpr std::string_view collection = "audit";
constexpr std::string_view head_collection = "audit-head";    ///< a hint where the end is; the chain itself decides
constexpr std::string_view head_key = "head";
constexpr int most_attempts = 1000;

std::string key_of(std::uint64_t sequence) { return fmt::format("{:012}", sequence); }

std::string hash_of(const AuditEntry& entry)
{
    const nlohmann::json hashed =
        nlohmann::json::array({entry.sequence, entry.when.time_since_epoch().count(), entry.who, entry.what,
                               entry.subject, entry.detail, entry.previous});
    return to_hex(sha256(hashed.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)));
}

AuditEntry from_json(const store::Document& document)
{
    const nlohmann::json& value = document.value;
    return {value.at("sequence").get<std::uint64_t>(),
            Timestamp{std::chrono::microseconds(value.at("when_us").get<std::int64_t>())},
            value.at("who").get<std::string>(),
            value.at("what").get<std::string>(),
            value.at("subject").get<std::string>(),
            value.at("detail").get<std::string>(),
            value.at("previous").get<std::string>(),
            value.at("hash").get<std::string>()};
}

struct End {
    std::uint64_t sequence = 0;
    std::string hash = std::string(64, '0');
    std::uint64_t hint_version = 0;
};

Result<End> find_end(store::StateStore& state)
{
    End end;
    const auto hint = state.get(head_collection, head_key);
    if (!hint) return hint.error();
    if (*hint) {
        end.sequence = (*hint)->value.at("sequence").get<std::uint64_t>();
        end.hash = (*hint)->value.at("hash").get<std::string>();
        end.hint_version = (*hint)->version;
    }
    for (;;) {
        const auto next = state.get(collection, key_of(end.sequence + 1));
        if (!next) return next.error();
        if (!*next) return end;
        end.sequence += 1;
        end.hash = (*next)->value.at("hash").get<std::string>();
    }
}

/// Bytes that are no UTF-8 would make the stored text differ from the hashed one.
std::string as_utf8(std::string_view text)
{
    const std::string dumped = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return nlohmann::json::parse(dumped).get<std::string>();
}

}    // namespace

Result<void> AuditChain::append(Timestamp when, std::string_view who, std::string_view what, std::string_view subject,
                                std::string_view detail)
{
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const auto end = find_end(state_);
        if (!end) return end.error();
        AuditEntry entry{end->sequence + 1, when, as_utf8(who), as_utf8(what), as_utf8(subject), as_utf8(detail),
                         end->hash,         {}};
        entry.hash = hash_of(entry);
        const nlohmann::json value{{"sequence", entry.sequence}, {"when_us", entry.when.time_since_epoch().count()},
                                   {"who", entry.who},           {"what", entry.what},
                                   {"subject", entry.subject},   {"detail", entry.detail},
                                   {"previous", entry.previous}, {"hash", entry.hash}};
        const auto put = state_.put_if_version(collection, key_of(entry.sequence), 0, value);
        if (!put && put.error().kind == Failure::Kind::conflict) continue;    // another writer took this place
        if (!put) return put.error();
        const auto moved = state_.put_if_version(head_collection, head_key, end->hint_version,
                                                 {{"sequence", entry.sequence}, {"hash", entry.hash}});
        if (!moved && moved.error().kind != Failure::Kind::conflict) return moved.error();
        return {};
    }
    return unavailable("the audit chain is being written by too many at once; try again");
}

Result<std::vector<AuditEntry>> AuditChain::list()
{
    const auto documents = state_.list(collection);
    if (!documents) return documents.error();
    std::vector<AuditEntry> entries;
    entries.reserve(documents->size());
    for (const store::Document& document : *documents)
        entries.push_back(from_json(document));
    return entries;
}

Result<std::uint64_t> AuditChain::verify()
{
    const auto entries = list();
    if (!entries) return entries.error();
    std::string previous(64, '0');
    std::uint64_t sequence = 0;
    for (const AuditEntry& entry : *entries) {
        ++sequence;
        if (entry.sequence != sequence || entry.previous != previous || entry.hash != hash_of(entry))
            return Failure{
                Failure::Kind::internal,
                fmt::format("audit entry {} does not fit the one before it: somebody changed the state store; "
                            "compare with the last backup",
                            sequence)};
        previous = entry.hash;
    }
    const auto hint = state_.get(head_collection, head_key);
    if (!hint) return hint.error();
    if (*hint && (*hint)->value.at("sequence").get<std::uint64_t>() > sequence)
        return Failure{
            Failure::Kind::internal,
            fmt::format("the audit chain ends at entry {} though {} were written; compare with the last backup",
                        sequence, (*hint)->value.at("sequence").get<std::uint64_t>())};
    return sequence;
}

std::string console_user()
{
    const uid_t user = ::getuid();
    const passwd* entry = ::getpwuid(user);
    return "console:" + (entry ? std::string(entry->pw_name) : std::to_string(user));
}

}    // namespace dl::collector::access
