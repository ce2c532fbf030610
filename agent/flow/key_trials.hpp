// How many QUIC packets may be tried with keys of their own: deriving keys and opening a packet costs some twenty times
// what another packet does, and anyone can send what looks like an Initial. Bounded over all connections, by the second
// of the packets' time; a trial that opened a connection's first packet is given back, so that no number of true
// connections runs out of them. Unknown versions, each of which is tried in every dialect, have a bound of their own:
// a flood of them takes no name from the known ones.
#pragma once

#include "shared/base/time.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace dl::agent::flow {

class KeyTrials {
public:
    enum class Version : std::uint8_t { known, unknown };
    /// Packets a second, and at once.
    static constexpr std::array<std::uint32_t, 2> most_per_second{4096, 512};

    /// Time goes on; what is behind is no time.
    void tick(Timestamp now)
    {
        if (now == now_) return;
        const std::int64_t passed = now < now_ ? 0 : (now - now_).count();
        now_ = now;
        for (std::size_t i = 0; i < left_.size(); ++i) {
            const std::uint64_t full = std::uint64_t{most_per_second[i]} * a_trial;
            const auto more = static_cast<std::uint64_t>(std::min<std::int64_t>(passed, a_trial)) * most_per_second[i];
            left_[i] = std::min(full, left_[i] + more);
        }
    }
    [[nodiscard]] bool take(Version version)
    {
        std::uint64_t& left = left_[static_cast<std::size_t>(version)];
        if (left < a_trial) {
            ++refused_;
            return false;
        }
        left -= a_trial;
        last_ = version;
        return true;
    }
    /// The last one taken was of use.
    void give_back() { left_[static_cast<std::size_t>(last_)] += a_trial; }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
    static constexpr std::uint64_t a_trial =
        1'000'000;    ///< parts, one of which a microsecond gives per trial a second

    std::array<std::uint64_t, 2> left_{most_per_second[0] * a_trial, most_per_second[1] * a_trial};
    std::uint64_t refused_ = 0;
    Timestamp now_{};
    Version last_ = Version::known;
};

}    // namespace dl::agent::flow
