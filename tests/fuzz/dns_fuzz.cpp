// DNS messages.
#include "agent/dissect/dns.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::agent::dissect;
    const Bytes message(data, size);
    (void)dns::is_plausible(message);
    auto reader = dns::Reader::open(message);
    if (!reader) return 0;
    dns::Question question;
    while (reader->next_question(question))
        if (question.name.text().size() > dns::Name::capacity) std::abort();
    dns::Record record;
    std::size_t sum = 0;    // every octet of a view must be there
    while (reader->next_answer(record)) {
        if (reader->position() > size) std::abort();
        if (record.kind != dns::Record::Kind::service) continue;
        if (record.ipv4_hints.size() % 4 != 0 || record.ipv6_hints.size() % 16 != 0) std::abort();
        for (const Bytes hints : {record.ipv4_hints, record.ipv6_hints})
            for (const std::uint8_t octet : hints)
                sum += octet;
        for (const char c : record.ech_name)
            sum += static_cast<unsigned char>(c);
    }
    if (sum == SIZE_MAX) std::abort();
    return 0;
}
