// Signed settings as a stranger may hand them over: nothing unsigned is opened, and what is read as settings or as a
// draft must survive being written and read again.
#include "shared/signed/settings_document.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::signing;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto opened = open_statement(text, "fuzz");
    if (!opened && (opened.error().message.empty() || opened.error().message.find('\n') != std::string::npos))
        std::abort();
    const auto content = read_content(text, "fuzz");
    if (content) {
        if (const auto* document = std::get_if<SettingsDocument>(&*content)) {
            if (std::get<SettingsDocument>(read_content(to_text(*document), "again").value()) != *document)
                std::abort();
        } else if (std::get<KeyChange>(read_content(to_text(std::get<KeyChange>(*content)), "again").value()) !=
                   std::get<KeyChange>(*content)) {
            std::abort();
        }
    } else if (content.error().message.find('\n') != std::string::npos) {
        std::abort();
    }
    const auto draft = read_draft(text, "fuzz");
    if (draft && read_draft(to_text(*draft), "again").value() != *draft) std::abort();
    return 0;
}
