// Every JSON decoder of the wire; what is taken as a report must survive being written and read again.
#include "shared/wire/columns.hpp"
#include "shared/wire/json.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::wire;
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    (void)decode_json<Reply>(body);
    (void)decode_json<EnrollRequest>(body);
    (void)decode_json<EnrollReply>(body);
    (void)decode_json<RenewRequest>(body);
    (void)decode_json<RenewReply>(body);
    (void)decode_json<SettingsRequest>(body);
    (void)decode_json<SettingsReply>(body);
    const dl::Result<Report> report = decode_json<Report>(body);
    if (!report) {
        if (report.error().message.empty() || report.error().message.find('\n') != std::string::npos) std::abort();
        return 0;
    }
    if (decode_json<Report>(encode_json(*report)).value() != *report) std::abort();
    if (decode_columns(encode_columns(*report).value()).value() != *report) std::abort();
    return 0;
}
