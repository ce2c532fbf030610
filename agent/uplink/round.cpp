#include "agent/uplink/round.hpp"

#include <algorithm>

namespace dl::agent::uplink {

void Round::freeze(const Epoch& epoch, std::uint64_t newest) { horizon_ = Horizon{epoch, newest}; }

std::optional<std::uint64_t> Round::last_of(const Epoch& epoch) const
{
    if (horizon_ && horizon_->epoch == epoch) return horizon_->newest;
    return std::nullopt;
}

bool Round::holds(const Unsent& first) const
{
    if (!horizon_) return true;
    if (first.epoch == horizon_->epoch) return first.revision <= horizon_->newest;
    return !first.current;    // an earlier epoch; a present one that is another began after the freeze
}

bool Round::may_tell(const Unsent& first) const
{
    const Told* known = told(first.epoch);
    return !known || !known->again || first.revision > known->from;
}

void Round::sending(const Unsent& first)
{
    sending_ = first;
    const auto known =
        std::find_if(told_.begin(), told_.end(), [&](const Told& one) { return one.epoch == first.epoch; });
    if (known == told_.end() || first.revision > known->from) return;
    known->again = true;
    known->from = 0;    // counted anew from where it went back to
}

void Round::answered()
{
    if (!sending_) return;
    const auto known =
        std::find_if(told_.begin(), told_.end(), [&](const Told& one) { return one.epoch == sending_->epoch; });
    if (known == told_.end())
        told_.push_back({sending_->epoch, sending_->revision, false});
    else
        known->from = std::max(known->from, sending_->revision);
    sending_.reset();
}

const Round::Told* Round::told(const Epoch& epoch) const
{
    const auto known = std::find_if(told_.begin(), told_.end(), [&](const Told& one) { return one.epoch == epoch; });
    return known == told_.end() ? nullptr : &*known;
}

}    // namespace dl::agent::uplink
