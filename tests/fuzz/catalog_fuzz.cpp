// A catalogue file with any bytes in it loads, or is refused in one line that names the file.
#include "collector/catalog/catalog.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace {

std::filesystem::path prepare()
{
    const auto folder =
        std::filesystem::temp_directory_path() / ("daylight-catalog-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder / "services");
    std::filesystem::create_directories(folder / "noise");
    std::ofstream(folder / "categories.json")
        << R"({"categories": [{"id": "crm", "name": "CRM", "capability": "Sales", "exposure": 4}]})";
    std::ofstream(folder / "noise-kinds.json") << R"({"kinds": [{"id": "ads", "meaning": "a"}]})";
    std::ofstream(folder / "facts.json")
        << R"({"facts": [{"id": "tests", "origin": "o", "licence": "l", "snapshot": "s"}]})";
    std::ofstream(folder / "noise/ads.json")
        << R"({"kind": "ads", "entries": [{"facts": ["tests"], "hosts": ["js.hub.example"]}]})";
    std::atexit([] {
        std::error_code ignored;
        std::filesystem::remove_all(
            std::filesystem::temp_directory_path() / ("daylight-catalog-fuzz-" + std::to_string(::getpid())), ignored);
    });
    return folder;
}

}    // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const std::filesystem::path folder = prepare();
    std::ofstream(folder / "services/crm.json", std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    const auto loaded = dl::collector::catalog::load_catalog(folder);
    if (loaded) {
        static_cast<void>((*loaded)->match("app.hub.example"));
        return 0;
    }
    if (loaded.error().message.find('\n') != std::string::npos) std::abort();
    if (loaded.error().message.find(".json") == std::string::npos) std::abort();
    return 0;
}
