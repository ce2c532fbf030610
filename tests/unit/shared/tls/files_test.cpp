#include "shared/tls/files.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace dl::tls {
namespace {

class Files : public testing::Test {
protected:
    Files()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "daylight-files-XXXXXX").string();
        directory_ = mkdtemp(pattern.data());
    }
    ~Files() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::size_t entries() const
    {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
    }

    std::filesystem::path directory_;
};

unsigned mode_of(const std::filesystem::path& file)
{
    struct stat status {};
    stat(file.c_str(), &status);
    return status.st_mode & 07777;
}

TEST_F(Files, SecretsAreTheOwnersOnly)
{
    const mode_t before = umask(0);
    EXPECT_TRUE(write_file_durably(directory_ / "key.pem", "secret", Visibility::secret));
    umask(0077);
    EXPECT_TRUE(write_file_durably(directory_ / "ca.pem", "public", Visibility::shared));
    umask(before);
    EXPECT_EQ(mode_of(directory_ / "key.pem"), 0600u);
    EXPECT_EQ(mode_of(directory_ / "ca.pem"), 0644u);
    EXPECT_EQ(read_whole_file(directory_ / "key.pem").value(), "secret");
}

TEST_F(Files, ReplacesInOneStepAndLeavesNothingBehind)
{
    const std::filesystem::path file = directory_ / "token";
    EXPECT_TRUE(write_file_durably(file, "a much longer first content", Visibility::secret));
    EXPECT_TRUE(write_file_durably(file, "second", Visibility::secret));
    EXPECT_EQ(read_whole_file(file).value(), "second");
    EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, AFailureKeepsTheOldAndCleansUp)
{
    // Renaming a file over a directory that is not empty fails after everything else went well.
    std::filesystem::create_directories(directory_ / "taken" / "inside");
    const Result<void> written = write_file_durably(directory_ / "taken", "x", Visibility::secret);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, Failure::Kind::io);
    EXPECT_NE(written.error().message.find("taken: could not rename"), std::string::npos) << written.error().message;
    EXPECT_EQ(entries(), 1u);

    EXPECT_FALSE(write_file_durably(directory_ / "missing" / "file", "x", Visibility::secret));
}

TEST_F(Files, ReadingIsBounded)
{
    std::ofstream(directory_ / "large") << std::string(20'000, 'x');
    EXPECT_EQ(read_whole_file(directory_ / "large", 20'000).value().size(), 20'000u);
    EXPECT_EQ(read_whole_file(directory_ / "large", 19'999).error().kind, Failure::Kind::invalid_input);
    EXPECT_EQ(read_whole_file(directory_ / "none").error().kind, Failure::Kind::not_found);
    EXPECT_EQ(read_whole_file(directory_).error().kind, Failure::Kind::io);
}

}    // namespace
}    // namespace dl::tls
