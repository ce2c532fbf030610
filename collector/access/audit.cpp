#include "collector/access/audit.hpp"

#include "shared/base/digest.hpp"

#include <fmt/format.h>

#include <pwd.h>
#include <unistd.h>

#include <sstream>

namespace dl::collector::access {
namespace {

constexpr std::string_view collection = "audit";
constexpr std::string_view head_collection = "audit-head";    ///< a hint where the end is; the chain itself decides
constexpr std::string_view head_key = "head";
constexpr std::string_view head_word = "audit-head";
constexpr int most_attempts = 1000;

std::string key_of(std::uint64_t sequence) { return fmt::format("{:012}", sequence); }

std::string hash_of(const AuditEntry& entry)
{
    const nlohmann::json hashed =
        nlohmann::json::array({entry.sequence, entry.when.time_since_epoch().count(), entry.who, entry.what,
                               entry.subject, entry.detail, entry.previous});
    return to_hex(sha256(hashed.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)));
}

Failure broken(std::string what) { return Failure{Failure::Kind::internal, std::move(what)}; }

Result<AuditEntry> from_json(const store::Document& document)
try {
    const nlohmann::json& value = document.value;
    return AuditEntry{value.at("sequence").get<std::uint64_t>(),
                      Timestamp{std::chrono::microseconds(value.at("when_us").get<std::int64_t>())},
                      value.at("who").get<std::string>(),
                      value.at("what").get<std::string>(),
                      value.at("subject").get<std::string>(),
                      value.at("detail").get<std::string>(),
                      value.at("previous").get<std::string>(),
                      value.at("hash").get<std::string>()};
} catch (const nlohmann::json::exception&) {
    return broken(fmt::format("audit entry {} can't be read: somebody changed the state store; compare with the last "
                              "backup",
                              document.key));
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
    for (const store::Document& document : *documents) {
        auto entry = from_json(document);
        if (!entry) return entry.error();
        entries.push_back(std::move(*entry));
    }
    return entries;
}

Result<AuditHead> AuditChain::verify(Day day, std::span<const AuditHead> kept)
{
    const auto entries = list();
    if (!entries) return entries.error();
    AuditHead head{day, 0, std::string(64, '0')};
    for (const AuditEntry& entry : *entries) {
        ++head.sequence;
        if (entry.sequence != head.sequence || entry.previous != head.hash || entry.hash != hash_of(entry))
            return broken(fmt::format("audit entry {} does not fit the one before it: somebody changed the state "
                                      "store; compare with the last backup",
                                      head.sequence));
        head.hash = entry.hash;
    }
    const auto hint = state_.get(head_collection, head_key);
    if (!hint) return hint.error();
    if (*hint && (*hint)->value.at("sequence").get<std::uint64_t>() > head.sequence)
        return broken(fmt::format("the audit chain ends at entry {} though {} were written: its end was cut off; "
                                  "compare with the last backup",
                                  head.sequence, (*hint)->value.at("sequence").get<std::uint64_t>()));
    for (const AuditHead& one : kept) {
        if (one.sequence > head.sequence)
            return broken(fmt::format("the audit chain ends at entry {}, the head kept on {} is of entry {}: its end "
                                      "was cut off, or an older backup was restored; compare with the last backup",
                                      head.sequence, to_iso_date(one.day), one.sequence));
        if (one.sequence == 0 || (*entries)[one.sequence - 1].hash != one.hash)
            return broken(fmt::format("audit entry {} is not the one whose hash was kept on {}: the chain was "
                                      "rewritten; compare with the last backup",
                                      one.sequence, to_iso_date(one.day)));
    }
    return head;
}

Result<AuditHead> AuditChain::head(Day day)
{
    const auto end = find_end(state_);
    if (!end) return end.error();
    return AuditHead{day, end->sequence, end->hash};
}

std::string to_line(const AuditHead& head)
{
    return fmt::format("{} {} {} {}", head_word, to_iso_date(head.day), head.sequence, head.hash);
}

std::vector<AuditHead> parse_heads(std::string_view text)
{
    std::vector<AuditHead> heads;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        const auto at = line.find(head_word);
        if (at == std::string::npos) continue;
        std::istringstream words(line.substr(at + head_word.size()));
        std::string day, hash;
        AuditHead head;
        if (!(words >> day >> head.sequence >> hash)) continue;
        const auto parsed = parse_iso_date(day);
        Digest octets{};
        if (!parsed || !from_hex(hash, octets)) continue;
        head.day = *parsed;
        head.hash = hash;
        heads.push_back(std::move(head));
    }
    return heads;
}

std::string console_user()
{
    const uid_t user = ::getuid();
    const passwd* entry = ::getpwuid(user);
    return "console:" + (entry ? std::string(entry->pw_name) : std::to_string(user));
}

}    // namespace dl::collector::access
