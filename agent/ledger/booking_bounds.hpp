// What may be booked, as the booker asks for it; and the place where the thread that learns it leaves it for the thread
// that books.
#pragma once

#include "agent/ledger/personal_hosts.hpp"
#include "shared/signed/collection.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace dl::agent::ledger {

struct BookingBounds {
    bool use = true;
    bool people = true;
    bool applications = true;
    bool dns_only = false;
    signing::TimeGrain time_grain = signing::TimeGrain::second;
    PersonalHosts personal_hosts;
    PersonalHosts excluded_hosts;    ///< nothing of them is booked
};

/// Thread-safe. version() is cheap enough to be asked for every connection.
class CurrentBounds {
public:
    [[nodiscard]] std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
    [[nodiscard]] std::shared_ptr<const BookingBounds> get() const
    {
        const std::lock_guard lock{mutex_};
        return bounds_;
    }
    void set(BookingBounds bounds)
    {
        auto next = std::make_shared<const BookingBounds>(std::move(bounds));
        const std::lock_guard lock{mutex_};
        bounds_ = std::move(next);
        version_.fetch_add(1, std::memory_order_release);
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const BookingBounds> bounds_ = std::make_shared<const BookingBounds>();
    std::atomic<std::uint64_t> version_{1};
};

}    // namespace dl::agent::ledger
