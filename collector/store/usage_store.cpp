#include "collector/store/usage_store.hpp"

#include <fmt/format.h>

namespace dl::collector::store {

std::string clock_words(std::chrono::microseconds offset)
{
    using namespace std::chrono;
    const auto length = duration_cast<seconds>(offset.count() < 0 ? -offset : offset);
    const char* const side = offset.count() < 0 ? "behind" : "ahead";
    if (length >= days(2)) return fmt::format("{} days {}", duration_cast<days>(length).count(), side);
    if (length >= hours(2)) return fmt::format("{} h {}", duration_cast<hours>(length).count(), side);
    if (length >= minutes(2)) return fmt::format("{} min {}", duration_cast<minutes>(length).count(), side);
    return fmt::format("{} s {}", length.count(), side);
}

}    // namespace dl::collector::store
