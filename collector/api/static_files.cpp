#include "collector/api/static_files.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>

namespace dl::collector::api {
namespace {

namespace fs = std::filesystem;
constexpr std::uintmax_t largest_file = 8u << 20;

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> types{
    {{".html", "text/html; charset=utf-8"},
     {".js", "text/javascript; charset=utf-8"},
     {".mjs", "text/javascript; charset=utf-8"},
     {".css", "text/css; charset=utf-8"},
     {".svg", "image/svg+xml"},
     {".png", "image/png"},
     {".ico", "image/x-icon"},
     {".json", "application/json"},
     {".webmanifest", "application/manifest+json"},
     {".woff2", "font/woff2"},
     {".txt", "text/plain; charset=utf-8"},
     {".map", "application/json"}}};

bool is_plain(std::string_view path)
{
    if (path.empty() || path.front() != '/' || path.size() > 512) return false;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const char c = path[i];
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                             c == '_' || c == '-' || c == '/';
        if (!allowed || (i > 0 && path[i - 1] == '/' && (c == '.' || c == '/'))) return false;
    }
    return true;
}

Failure missing() { return not_found("no such page"); }

}    // namespace

Result<StaticFile> read_static_file(const fs::path& folder, std::string_view path)
{
    if (!is_plain(path)) return missing();
    const std::string relative = path == "/" ? "index.html" : std::string(path.substr(1));
    std::error_code error;
    const fs::path root = fs::canonical(folder, error);
    if (error)
        return not_found("the page is not built; run scripts/build-page, or set 'web' to the folder that holds it");
    const fs::path file = fs::canonical(root / relative, error);
    if (error || !fs::is_regular_file(file, error)) return missing();
    if (std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first != root.end()) return missing();

    const auto type =
        std::find_if(types.begin(), types.end(), [&](const auto& pair) { return pair.first == file.extension(); });
    const auto size = fs::file_size(file, error);
    if (type == types.end() || error || size > largest_file) return missing();
    StaticFile found;
    found.type = type->second;
    found.immutable = path.starts_with("/assets/");
    found.content.resize(size);
    std::ifstream in(file, std::ios::binary);
    in.read(found.content.data(), static_cast<std::streamsize>(size));
    if (static_cast<std::uintmax_t>(in.gcount()) != size) return missing();
    return found;
}

}    // namespace dl::collector::api
