// One direction of a TCP connection put in order while names are looked for in it. What arrives early waits, within a
// bound per stream and one for all; what the capture missed is stepped over when waiting is in vain.
#pragma once

#include "agent/dissect/bytes.hpp"

#include <cstdint>
#include <vector>

namespace dl::agent::flow {

/// Octets that all streams together may keep.
class Budget {
public:
    static constexpr std::size_t allocation_overhead = 16;    ///< of the allocator, for each piece of memory

    explicit Budget(std::size_t limit) : left_(limit) {}
    [[nodiscard]] bool take(std::size_t octets)
    {
        if (octets > left_) {
            ++refused_;
            return false;
        }
        left_ -= octets;
        return true;
    }
    void give_back(std::size_t octets) { left_ += octets; }
    [[nodiscard]] std::size_t left() const { return left_; }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
    std::size_t left_;
    std::uint64_t refused_ = 0;
};

/// What the ordered octets are handed to.
class StreamReader {
public:
    virtual ~StreamReader() = default;
    /// The bytes begin and end as segments did. `missing`: octets before them that the capture has not.
    virtual void on_bytes(dissect::Bytes bytes, std::uint32_t missing) = 0;
};

class Stream {
public:
    static constexpr std::size_t most_waiting = 34UL * 1024;    ///< a first flight of 32 KiB with its record headers
    static constexpr std::size_t most_pieces = 512;
    static constexpr std::size_t piece_overhead = 96;    ///< octets that a waiting piece takes beside its payload

    explicit Stream(Budget& budget) : budget_(&budget) {}
    ~Stream() { drop_waiting(); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    [[nodiscard]] bool started() const { return started_; }
    void start(std::uint32_t sequence)
    {
        started_ = true;
        next_ = sequence;
    }
    /// A segment of `length` octets of which `payload` was captured.
    void add(std::uint32_t sequence, dissect::Bytes payload, std::uint32_t length, StreamReader& reader);
    /// The other side acknowledged up to `number`: what is missing before it will not come again.
    void acknowledged(std::uint32_t number, StreamReader& reader);
    /// No more will come: what waits is handed over, gaps and all.
    void finish(StreamReader& reader);

private:
    struct Waiting {
        std::uint32_t sequence = 0;
        std::uint32_t length = 0;
        std::vector<std::uint8_t> bytes;
    };
    void deliver(dissect::Bytes payload, std::uint32_t length, StreamReader& reader);
    void deliver_waiting(StreamReader& reader);
    void step_over_gap(StreamReader& reader);
    void drop_waiting();

    Budget* budget_;
    std::vector<Waiting> waiting_;    ///< by sequence number
    std::size_t waiting_octets_ = 0;
    std::uint32_t next_ = 0;
    bool started_ = false;
    std::uint32_t missing_ = 0;    ///< octets that were stepped over since something was handed over
};

}    // namespace dl::agent::flow
