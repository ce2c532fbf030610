// The CSV files of the directory come from other people's systems: any bytes give records or one message.
#include "collector/directory/csv.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto records = dl::collector::directory::parse_csv(text, "people.csv");
    if (!records) {
        if (records.error().message.find('\n') != std::string::npos) std::abort();
        return 0;
    }
    for (const auto& record : *records)
        if (record.line == 0 || record.fields.empty() ||
            record.fields.size() > dl::collector::directory::csv_max_fields)
            std::abort();
    return 0;
}
