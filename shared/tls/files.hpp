// Files that must be there whole or not at all: keys, certificates, tokens.
#pragma once

#include "shared/base/failure.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace dl::tls {

enum class Visibility {
    secret,    ///< mode 0600: keys and tokens
    shared,    ///< mode 0644: certificates
};

/// Replaces `file` in one step: a temporary file beside it, fsync, rename, fsync of the directory. After success the
/// new content survives a power cut; after a failure the old content is untouched. The file never has a wider mode than
/// asked.
[[nodiscard]] Result<void> write_file_durably(const std::filesystem::path& file, std::string_view content,
                                              Visibility visibility);

/// The whole file, up to `limit` bytes (a larger one is a failure). not_found where it does not exist.
[[nodiscard]] Result<std::string> read_whole_file(const std::filesystem::path& file, std::size_t limit = 1 << 20);

}    // namespace dl::tls
