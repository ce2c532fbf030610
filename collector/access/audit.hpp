// Who did what, when: a chain in which each entry carries the hash of the one before, so that none can be changed or
// taken out of the middle unnoticed.
#pragma once

#include "collector/store/state_store.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"

#include <cstdint>
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

class AuditChain {
public:
    explicit AuditChain(store::StateStore& state) : state_(state) {}

    /// Durable when it returns. Writers in several threads and processes may append at once.
    [[nodiscard]] Result<void> append(Timestamp when, std::string_view who, std::string_view what,
                                      std::string_view subject, std::string_view detail = {});
    /// Oldest first.
    [[nodiscard]] Result<std::vector<AuditEntry>> list();
    /// Walks the whole chain; a failure names the first entry that does not fit. Returns the number of entries.
    [[nodiscard]] Result<std::uint64_t> verify();

private:
    store::StateStore& state_;
};

/// "console:" and the account that runs this process: who the command line acts for.
[[nodiscard]] std::string console_user();

}    // namespace dl::collector::access
