// What a running agent says of itself beside its ledger, so that `status` and `doctor` know it at once: also while the
// disk is full and the ledger can't be written. One page in the data directory, given its place on the disk when the
// agent starts and written over in place, which takes no room. Read by other processes at any time.
#pragma once

#include "agent/service/reached_limits.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace dl::agent::service {

struct Standing {
    struct DiskTrouble {
        Timestamp since;
        std::string why;
        std::uint64_t cells_waiting = 0;    ///< in memory
        std::uint64_t cells_dropped = 0;    ///< found no room there, since then
        friend bool operator==(const DiskTrouble&, const DiskTrouble&) = default;
    };
    struct Absence {
        Timestamp since;
        std::string interface;
        friend bool operator==(const Absence&, const Absence&) = default;
    };
    Timestamp at{};                     ///< when it was written
    std::optional<DiskTrouble> disk;    ///< while it lasts
    std::optional<Absence> absence;     ///< while it lasts
    std::optional<ReachedLimits> limits;

    friend bool operator==(const Standing&, const Standing&) = default;
};

inline constexpr std::size_t standing_octets = 4096;
/// One page; a reader notices when it met the writer in the middle of it.
[[nodiscard]] std::string to_page(const Standing& standing);
/// None where the page is not whole, or of another version.
[[nodiscard]] std::optional<Standing> parse_page(std::string_view page);

class StandingPage {
public:
    /// Makes the file (0600) and its room. Fails where there is none.
    [[nodiscard]] static Result<StandingPage> open(const std::filesystem::path& data_directory);
    StandingPage(StandingPage&& other) noexcept;
    StandingPage& operator=(StandingPage&&) = delete;
    ~StandingPage();

    /// A file system that takes room for what is written over may refuse: said once, in the log.
    void write(const Standing& standing);

private:
    explicit StandingPage(int file) : file_(file) {}
    int file_ = -1;
    bool refused_ = false;
};

/// As it was written last, by whichever process; none where there is none. Ask running_agent() whether it still holds.
[[nodiscard]] std::optional<Standing> read_standing(const std::filesystem::path& data_directory);

}    // namespace dl::agent::service
