// Who is logged in: random session ids in a cookie, kept in memory, bounded in number and time.
#pragma once

#include "collector/access/accounts.hpp"
#include "shared/base/id.hpp"
#include "shared/base/time.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace dl::collector::api {

inline constexpr std::string_view session_cookie = "daylight_session";
inline constexpr auto session_life = std::chrono::hours(8);
inline constexpr std::size_t most_sessions = 1000;
inline constexpr std::size_t wrong_tokens_a_minute = 20;

struct Session {
    access::Account account;
    Timestamp expires{};
};

class Sessions {
public:
    /// Returns the id for the cookie. The oldest session goes when there are too many.
    std::string open(access::Account account, Timestamp now);
    /// Nothing where the id is unknown or the session is over.
    std::optional<Session> find(std::string_view id, Timestamp now);
    void close(std::string_view id);

    /// Counts a token that was wrong; false when so many came within the last minute that whoever sends them must wait.
    /// Never asked before a token is checked: strangers' wrong tokens must not keep out who holds a right one, and 256
    /// random bits can't be guessed however often somebody tries.
    bool note_wrong(Timestamp now);

private:
    using Key = Id<struct SessionTag, 32>;
    std::unordered_map<Key, Session> sessions_;
    Timestamp minute_{};
    std::size_t wrong_ = 0;
};

}    // namespace dl::collector::api
