// How many unique payload octets went one way of a TCP connection, from sequence numbers (RFC 9293 section 3.4): a
// retransmission counts once, and what only the other side's acknowledgements tell of counts too.
#pragma once

#include <cstdint>

namespace dl::agent::flow {

class Octets {
public:
    /// A jump further than this is another connection's or an attacker's, and starts a new count from there, unless the
    /// segment's other number fits: then the capture left out what is between (it may keep starts and ends only).
    static constexpr std::uint32_t largest_jump = 64 * 1024 * 1024;
    static constexpr std::uint32_t largest_window = 1U << 30U;    ///< RFC 7323 section 2.3
    /// Of a direction whose SYN was seen and nothing else yet, a believed number that lies further behind lies ahead.
    static constexpr std::uint32_t furthest_before_start = 1U << 20U;
    enum class Jumps { doubted, believed };

    /// Where a direction stands, for one who goes on with it later.
    struct Place {
        bool known = false;
        bool heard = false;
        bool finished = false;
        std::uint32_t start = 0;
        std::uint32_t next = 0;
        std::uint32_t finish = 0;

        friend bool operator==(const Place&, const Place&) = default;
    };
    /// The place up to which `booked` octets of the count reach.
    [[nodiscard]] Place place(std::uint64_t booked) const
    {
        const auto ahead = static_cast<std::uint32_t>(count_ > booked ? count_ - booked : 0);
        return {known_, heard_, finished_, start_, next_ - ahead, finish_};
    }
    /// Goes on from there. What follows counts from the place on, whether it was watched or not: the numbers tell it.
    void go_on(const Place& place)
    {
        known_ = place.known;
        heard_ = place.heard;
        finished_ = place.finished;
        start_ = place.start;
        next_ = place.next;
        finish_ = place.finish;
        count_ = place.known ? place.next - place.start : 0;
    }

    [[nodiscard]] bool known() const { return known_; }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    /// The sequence number that comes next.
    [[nodiscard]] std::uint32_t next() const { return next_; }
    [[nodiscard]] std::uint32_t start() const { return start_; }
    /// True where `number` is what may come about now.
    [[nodiscard]] bool fits(std::uint32_t number) const
    {
        return known_ && number - next_ + largest_jump <= 2 * largest_jump;
    }

    /// The sequence number of the first payload octet is known (SYN + 1, or where the capture begins).
    void begin(std::uint32_t first)
    {
        begin_at(first);
        from_start_ = true;
    }
    /// The same where it is not known that this is the first.
    void begin_at(std::uint32_t first)
    {
        known_ = true;
        start_ = first;
        next_ = first;
    }
    /// UDP has no numbers: every datagram counts.
    void add_datagram(std::uint32_t length) { count_ += length; }
    void add_segment(std::uint32_t sequence, std::uint32_t length, Jumps jumps)
    {
        heard_ = true;
        if (!known_) begin_at(sequence);
        const std::uint32_t end = sequence + length;
        if (fits(end) || jumps == Jumps::believed) {
            advance(end, jumps);
        } else if (length != 0) {    // else a keep-alive or reset with a number of its own
            count_ += length;
            next_ = end;
        }
    }
    void add_acknowledgement(std::uint32_t number, Jumps jumps)
    {
        if (!known_)
            begin_at(number);
        else if (fits(number) || jumps == Jumps::believed) {
            by_one_ = number - next_ == 1 || (by_one_ && number == next_);
            advance(number, jumps);
        }
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
    /// Segments of this side were captured, not only what the other side acknowledged.
    [[nodiscard]] bool heard() const { return heard_; }
    /// The connection is over and this side was never heard: the last number acknowledged was its FIN's.
    void finish_unheard()
    {
        if (known_ && !heard_ && !finished_ && count_ > 0) finish(next_ - 1);
    }

    /// The last that the other side acknowledged was a single octet: a FIN rather than payload, where it went then.
    [[nodiscard]] bool ended_by_one() const { return by_one_; }

private:
    /// What is not ahead lies behind, by a window at most. A FIN takes a number, too.
    void advance(std::uint32_t to, Jumps jumps)
    {
        if (finished_ && static_cast<std::int32_t>(to - finish_) > 0) to = finish_;
        const std::uint32_t ahead = to - next_;
        if (ahead == 0) return;
        const std::uint32_t behind = std::uint32_t{0} - ahead;
        const bool nothing_is_behind =
            from_start_ && count_ == 0 && jumps == Jumps::believed && behind > furthest_before_start;
        if (behind < largest_window && !nothing_is_behind) return;
        count_ += ahead;
        next_ = to;
    }

    std::uint64_t count_ = 0;
    std::uint32_t start_ = 0;
    std::uint32_t next_ = 0;
    std::uint32_t finish_ = 0;
    bool known_ : 1 = false;
    bool heard_ : 1 = false;
    bool finished_ : 1 = false;
    bool from_start_ : 1 = false;    ///< nothing was before `start_`
    bool by_one_ : 1 = false;
};

}    // namespace dl::agent::flow
