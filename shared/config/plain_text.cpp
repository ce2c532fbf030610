#include "shared/config/plain_text.hpp"

#include "shared/wire/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dl::config {

Result<void> check_utf8(std::string_view text, std::string_view name)
{
    const std::size_t at = wire::find_malformed_utf8(text);
    if (at == std::string_view::npos) return {};
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return invalid_input(fmt::format("{}:{}: the byte 0x{:02x} is no UTF-8; save the file as UTF-8", name, line,
                                     static_cast<unsigned char>(text[at])));
}

}    // namespace dl::config
