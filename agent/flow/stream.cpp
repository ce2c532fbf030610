#include "agent/flow/stream.hpp"

#include <algorithm>

namespace dl::agent::flow {
namespace {

std::int32_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

}    // namespace

void Stream::deliver(dissect::Bytes payload, std::uint32_t length, StreamReader& reader)
{
    next_ += length;
    const bool after_gap = gap_;
    gap_ = payload.size() < length;
    if (!payload.empty()) reader.on_bytes(payload, after_gap);
}

void Stream::add(std::uint32_t sequence, dissect::Bytes payload, std::uint32_t length, StreamReader& reader)
{
    if (length == 0) return;
    if (!started_) start(sequence);
    const std::int32_t ahead = distance(next_, sequence);
    if (ahead <= 0) {
        const std::uint32_t known = next_ - sequence;
        if (known >= length) return;    // retransmitted
        deliver(known < payload.size() ? payload.subspan(known) : dissect::Bytes{}, length - known, reader);
        if (!waiting_.empty()) deliver_waiting(reader);
        return;
    }
    const auto place = std::lower_bound(waiting_.begin(), waiting_.end(), sequence,
                                        [](const Waiting& w, std::uint32_t s) { return distance(w.sequence, s) > 0; });
    if (place != waiting_.end() && place->sequence == sequence && place->length >= length) return;
    if (payload.size() > most_waiting - waiting_octets_ || waiting_.size() >= 64 || !budget_->take(payload.size())) {
        step_over_gap(reader);
        if (waiting_.empty()) {
            gap_ = gap_ || distance(next_, sequence) > 0;
            if (distance(next_, sequence) > 0) next_ = sequence;
            add(sequence, payload, length, reader);
        }
        return;
    }
    waiting_octets_ += payload.size();
    waiting_.insert(place, Waiting{sequence, length, {payload.begin(), payload.end()}});
}

void Stream::deliver_waiting(StreamReader& reader)
{
    std::size_t done = 0;
    while (done < waiting_.size() && distance(next_, waiting_[done].sequence) <= 0) {
        Waiting& first = waiting_[done++];
        const std::uint32_t known = next_ - first.sequence;
        if (known < first.length) {
            const dissect::Bytes bytes(first.bytes);
            deliver(known < bytes.size() ? bytes.subspan(known) : dissect::Bytes{}, first.length - known, reader);
        }
        waiting_octets_ -= first.bytes.size();
        budget_->give_back(first.bytes.size());
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
}

void Stream::step_over_gap(StreamReader& reader)
{
    if (waiting_.empty()) return;
    gap_ = true;
    next_ = waiting_.front().sequence;
    deliver_waiting(reader);
}

void Stream::acknowledged(std::uint32_t number, StreamReader& reader)
{
    while (!waiting_.empty() && distance(waiting_.front().sequence, number) > 0)
        step_over_gap(reader);
}

void Stream::finish(StreamReader& reader)
{
    while (!waiting_.empty())
        step_over_gap(reader);
}

void Stream::drop_waiting()
{
    budget_->give_back(waiting_octets_);
    waiting_octets_ = 0;
    waiting_.clear();
}

}    // namespace dl::agent::flow
