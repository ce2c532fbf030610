#include "shared/wire/encoding.hpp"

#include "shared/wire/columns.hpp"
#include "shared/wire/json.hpp"

#include <fmt/format.h>

namespace dl::wire {

Result<Report> decode_report(std::string_view content_type, std::string_view body)
{
    // Type and subtype without parameters, compared without case (RFC 9110 section 8.3.1).
    std::string type{content_type.substr(0, content_type.find(';'))};
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t'))
        type.pop_back();
    for (char& c : type)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (type == columns_media_type) return decode_columns(body);
    if (type == json_media_type || type == "application/json") return decode_json<Report>(body);
    return invalid_input(fmt::format("report: its Content-Type is none that is taken; send {} or {}",
                                     columns_media_type, json_media_type));
}

}    // namespace dl::wire
