#include "collector/pki/secrets.hpp"

#include "shared/base/id.hpp"
#include "shared/tls/files.hpp"

#include <fmt/format.h>

namespace dl::collector::pki {

Result<void> write_new_secret(const std::filesystem::path& file)
{
    Secret secret{};
    fill_random(secret);
    return tls::write_file_durably(file, to_hex(secret) + "\n", tls::Visibility::secret);
}

Result<Secret> read_secret(const std::filesystem::path& file)
{
    const auto content = tls::read_whole_file(file, 1024);
    if (!content) return content.error();
    std::string_view text = *content;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.remove_suffix(1);
    Secret secret{};
    if (!from_hex(text, secret))
        return invalid_input(
            fmt::format("{}: holds no key of 64 hex digits; restore it from the backup", file.string()));
    return secret;
}

}    // namespace dl::collector::pki
