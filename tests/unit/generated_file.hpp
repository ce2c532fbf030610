// A file in the tree that is made from the code: the test holds them equal. With DAYLIGHT_UPDATE_REFERENCES set the
// file is written anew instead (scripts/update-references).
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace dl::tests {

/// `file` is relative to the top of the tree.
inline void expect_generated(const std::filesystem::path& file, const std::string& content)
{
    const std::filesystem::path path = std::filesystem::path(DAYLIGHT_SOURCE_DIR) / file;
    if (std::getenv("DAYLIGHT_UPDATE_REFERENCES")) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << content;
    }
    std::ifstream in(path, std::ios::binary);
    std::ostringstream there;
    there << in.rdbuf();
    EXPECT_EQ(there.str(), content) << file << " is not what the code says; run scripts/update-references";
}

}    // namespace dl::tests
