// What an agent that nobody knows yet sends at enrolment (a signing request), and the PEM files beside a key.
#include "shared/tls/certificates.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

void expect_one_line(const dl::Failure& failure)
{
    if (failure.message.empty() || failure.message.find('\n') != std::string::npos) std::abort();
}

}    // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::tls;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto request = parse_signing_request(text); !request) expect_one_line(request.error());
    if (const auto pin = parse_pin(text); pin && to_pin(*pin).size() != 71) std::abort();
    const auto certificate = certificate_from_pem(text);
    if (!certificate) {
        expect_one_line(certificate.error());
        return 0;
    }
    (void)common_name(**certificate);
    (void)not_before(**certificate);
    (void)not_after(**certificate);
    (void)public_key_fingerprint(**certificate);
    if (!certificate_from_pem(certificate_to_pem(**certificate).value())) std::abort();
    return 0;
}
