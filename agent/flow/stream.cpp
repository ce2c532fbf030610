#include "agent/flow/stream.hpp"

#include <algorithm>
#include <utility>

namespace dl::agent::flow {
namespace {

std::int32_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

}    // namespace

void Stream::deliver(dissect::Bytes payload, std::uint32_t length, StreamReader& reader)
{
    next_ += length;
    const std::uint32_t cut = length - static_cast<std::uint32_t>(payload.size());
    if (payload.empty()) {
        missing_ += cut;
        return;
    }
    const std::uint32_t missing = std::exchange(missing_, cut);
    reader.on_bytes(payload, missing);
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
    if (payload.size() > most_waiting - waiting_octets_ || waiting_.size() >= most_pieces ||
        !budget_->take(payload.size() + piece_overhead)) {
        step_over_gap(reader);
        if (waiting_.empty()) {
            if (const std::int32_t gap = distance(next_, sequence); gap > 0) {
                missing_ += static_cast<std::uint32_t>(gap);
                next_ = sequence;
            }
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
        budget_->give_back(first.bytes.size() + piece_overhead);
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
    if (waiting_.empty()) waiting_ = {};
}

void Stream::step_over_gap(StreamReader& reader)
{
    if (waiting_.empty()) return;
    missing_ += waiting_.front().sequence - next_;
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
    budget_->give_back(waiting_octets_ + waiting_.size() * piece_overhead);
    waiting_octets_ = 0;
    waiting_.clear();
}

}    // namespace dl::agent::flow
