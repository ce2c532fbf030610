// The built page: files below one folder and nothing else.
#pragma once

#include "shared/base/failure.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace dl::collector::api {

struct StaticFile {
    std::string content;
    std::string_view type;
    bool immutable = false;    ///< its name holds a hash of its content
};

/// `path` as the request names it, beginning with /. Not found for anything but letters, digits and . _ - between
/// slashes, for segments that begin with a dot, for what leads outside of `folder` (also by links), and for files over
/// 8 MiB.
[[nodiscard]] Result<StaticFile> read_static_file(const std::filesystem::path& folder, std::string_view path);

}    // namespace dl::collector::api
