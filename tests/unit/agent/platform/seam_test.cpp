// What a port to another platform relies on: outside of the rooms behind platform.hpp nothing speaks to Linux.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>

namespace dl::agent::platform {
namespace {

namespace fs = std::filesystem;

TEST(Seam, OtherRoomsAskThePlatformHeader)
{
    const std::regex linux_only(
        R"re(#include (<linux/.*|<seccomp.*|<cap-ng.*|"agent/(owners|privilege)/.*|"agent/identity/(sock_diag|cgroup_table|process_\w+|\w*system_attributor|early_attributor)\.hpp"|"agent/capture/(packet_ring|packet_socket|first_packets|kernel_filter)\.hpp"))re");
    std::size_t files = 0;
    for (const char* room : {"commands", "dissect", "flow", "ledger", "service", "uplink"}) {
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(DAYLIGHT_SOURCE_DIR) / "agent" / room)) {
            if (!entry.is_regular_file()) continue;
            ++files;
            std::ifstream file(entry.path());
            for (std::string line; std::getline(file, line);)
                EXPECT_FALSE(std::regex_search(line, linux_only)) << entry.path() << ": " << line;
        }
    }
    EXPECT_GT(files, 50u);
}

}    // namespace
}    // namespace dl::agent::platform
