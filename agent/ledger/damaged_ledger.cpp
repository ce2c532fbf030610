#include "agent/ledger/damaged_ledger.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <string>

namespace dl::agent::ledger {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 2> beside{"-wal", "-shm"};
constexpr std::size_t octets_of_a_time = 16;    // 20261122T101500Z

std::string marked(const fs::path& file) { return file.filename().string() + ".damaged-"; }

std::string compact(Timestamp when)
{
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when.time_since_epoch()).count();
    return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

}    // namespace

std::vector<fs::path> damaged_kept(const fs::path& file)
{
    std::vector<fs::path> kept;
    std::error_code error;
    const std::string mark = marked(file);
    for (fs::directory_iterator entry(file.parent_path(), error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with(mark) && name.size() == mark.size() + octets_of_a_time) kept.push_back(entry->path());
    }
    std::sort(kept.begin(), kept.end());
    return kept;
}

fs::path set_damaged_aside(const fs::path& file, Timestamp now)
{
    fs::path aside;
    std::error_code error;
    auto kept = damaged_kept(file);
    const auto named = [&](Timestamp when) { return file.parent_path() / (marked(file) + compact(when)); };
    // Later than those of the same minute, so that the names tell the order.
    const fs::path soon = named(now + std::chrono::minutes(1));
    const auto not_after = [&](const fs::path& other) { return other >= aside && other <= soon; };
    do {
        aside = named(now);
        now += std::chrono::seconds(1);
    } while (aside < soon && std::any_of(kept.begin(), kept.end(), not_after));
    while (kept.size() >= most_damaged_kept) {
        for (const char* suffix : beside)
            fs::remove(kept.front().string() + suffix, error);
        fs::remove(kept.front(), error);
        kept.erase(kept.begin());
    }
    fs::rename(file, aside, error);
    if (error) throw std::runtime_error(fmt::format("can't be renamed: {}", error.message()));
    fs::permissions(aside, fs::perms::owner_read | fs::perms::owner_write, error);
    for (const char* suffix : beside) {
        fs::rename(file.string() + suffix, aside.string() + suffix, error);
        // One that stayed would be read as the new ledger's.
        if (error) fs::remove(file.string() + suffix, error);
        if (error) throw std::runtime_error(fmt::format("{} can't be removed: {}", suffix, error.message()));
    }
    return aside;
}

}    // namespace dl::agent::ledger
