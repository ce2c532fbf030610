// How many unique payload octets went one way of a TCP connection, from sequence numbers (RFC 9293 section 3.4): a
// retransmission counts once, and what only the other side's acknowledgements tell of counts too.
#pragma once

#include <cstdint>

namespace dl::agent::flow {

class Octets {
public:
    /// A jump further than this is another connection's or an attacker's: it starts a new count from there.
    static constexpr std::int32_t largest_jump = 64 * 1024 * 1024;

    [[nodiscard]] bool known() const { return known_; }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    /// The sequence number that comes next.
    [[nodiscard]] std::uint32_t next() const { return next_; }
    [[nodiscard]] std::uint32_t start() const { return start_; }

    /// The sequence number of the first payload octet is known (SYN + 1, or where the capture begins).
    void begin(std::uint32_t first)
    {
        known_ = true;
        start_ = first;
        next_ = first;
    }
    /// UDP has no numbers: every datagram counts.
    void add_datagram(std::uint32_t length) { count_ += length; }
    void add_segment(std::uint32_t sequence, std::uint32_t length)
    {
        if (!known_) begin(sequence);
        const std::uint32_t end = sequence + length;
        const auto ahead = static_cast<std::int32_t>(end - next_);
        if (ahead > largest_jump || ahead < -largest_jump) {
            if (length == 0) return;    // a keep-alive or reset with a number of its own
            count_ += length;
            next_ = end;
        } else if (ahead > 0 && !(finished_ && static_cast<std::int32_t>(end - finish_) > 0)) {
            count_ += static_cast<std::uint32_t>(ahead);
            next_ = end;
        }
    }
    void add_acknowledgement(std::uint32_t number)
    {
        if (!known_) {
            begin(number);
            return;
        }
        const auto ahead = static_cast<std::int32_t>(number - next_);
        if (ahead <= 0 || ahead > largest_jump) return;
        if (finished_ && static_cast<std::int32_t>(number - finish_) > 0) number = finish_;    // the FIN takes a number
        const auto payload = static_cast<std::int32_t>(number - next_);
        if (payload <= 0) return;
        count_ += static_cast<std::uint32_t>(payload);
        next_ = number;
    }
    /// A FIN stands at `sequence`: nothing after it is payload.
    void finish(std::uint32_t sequence)
    {
        if (!known_ || finished_) return;
        finished_ = true;
        finish_ = sequence;
        if (next_ == sequence + 1 && count_ > 0) {    // its acknowledgement was seen before it
            --next_;
            --count_;
        }
    }
    [[nodiscard]] bool finished() const { return finished_; }

private:
    std::uint64_t count_ = 0;
    std::uint32_t start_ = 0;
    std::uint32_t next_ = 0;
    std::uint32_t finish_ = 0;
    bool known_ = false;
    bool finished_ = false;
};

}    // namespace dl::agent::flow
