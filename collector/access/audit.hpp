// Who did what, when: a chain in which each entry carries the hash of the one before, so that none can be changed or
// taken out of the middle unnoticed.
#pragma once

#include "collector/store/state_store.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::access {

struct AuditEntry {
    std::uint64_t sequence = 0;    ///< 1, 2, 3 …
    Timestamp when{};
    std::string who;        ///< account, "console:USER" for the command line, "agent:ID"
    std::string what;       ///< verb: token.create, agent.enroll, user.add, reveal …
    std::string subject;    ///< what it was done to
    std::string detail;
    std::string previous;    ///< hex SHA-256 of the entry before; 64 zeros for the first
    std::string hash;        ///< hex SHA-256 over all of the above
};

/// The last entry of the chain at a moment: kept where a collector can't write, it tells a chain that was rewritten or
/// cut since.
struct AuditHead {
    Day day{};    ///< of the keeping, UTC
    std::uint64_t sequence = 0;
    std::string hash;

    friend bool operator==(const AuditHead&, const AuditHead&) = default;
};

/// "audit-head 2026-11-22 17 HASH", one line without its end.
[[nodiscard]] std::string to_line(const AuditHead& head);
/// The heads in a text, in its order: lines that contain one, whatever stands before it (a journal's prefix); the
/// others are passed over.
[[nodiscard]] std::vector<AuditHead> parse_heads(std::string_view text);

class AuditChain {
public:
    explicit AuditChain(store::StateStore& state) : state_(state) {}

    /// Durable when it returns. Writers in several threads and processes may append at once.
    [[nodiscard]] Result<void> append(Timestamp when, std::string_view who, std::string_view what,
                                      std::string_view subject, std::string_view detail = {});
    /// Oldest first.
    [[nodiscard]] Result<std::vector<AuditEntry>> list();
    /// Walks the whole chain; a failure names the first entry that does not fit, or the first of the kept heads that
    /// the chain does not hold. Returns the head as of `day`; sequence 0 where there is no entry.
    [[nodiscard]] Result<AuditHead> verify(Day day, std::span<const AuditHead> kept = {});
    /// Where the chain ends, without walking it.
    [[nodiscard]] Result<AuditHead> head(Day day);

private:
    store::StateStore& state_;
};

/// "console:" and the account that runs this process: who the command line acts for.
[[nodiscard]] std::string console_user();

}    // namespace dl::collector::access
