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
    while (reader->next_answer(record))
        if (reader->position() > size) std::abort();
    return 0;
}
