#include "collector/api/sessions.hpp"

#include <algorithm>

namespace dl::collector::api {

std::string Sessions::open(access::Account account, Timestamp now)
{
    std::erase_if(sessions_, [&](const auto& entry) { return entry.second.expires <= now; });
    if (sessions_.size() >= most_sessions)
        sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) {
            return a.second.expires < b.second.expires;
        }));
    const Key key = Key::random();
    sessions_.emplace(key, Session{std::move(account), now + session_life});
    return key.hex();
}

std::optional<Session> Sessions::find(std::string_view id, Timestamp now)
{
    const auto key = Key::parse(id);
    if (!key) return std::nullopt;
    const auto found = sessions_.find(*key);
    if (found == sessions_.end()) return std::nullopt;
    if (found->second.expires <= now) {
        sessions_.erase(found);
        return std::nullopt;
    }
    return found->second;
}

void Sessions::close(std::string_view id)
{
    if (const auto key = Key::parse(id)) sessions_.erase(*key);
}

bool Sessions::note_wrong(Timestamp now)
{
    if (now - minute_ >= std::chrono::minutes(1) || now < minute_) {
        minute_ = now;
        wrong_ = 0;
    }
    if (wrong_ == wrong_tokens_a_minute) return false;
    ++wrong_;
    return true;
}

}    // namespace dl::collector::api
