#include "agent/uplink/enrolment.hpp"

#include "shared/config/located_json.hpp"
#include "shared/tls/certificates.hpp"
#include "shared/tls/files.hpp"
#include "shared/wire/json.hpp"

#include "generated/version.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <exception>

// GCC 12 at -O2 inlines one half of a coroutine frame's pair of operator new and delete, and takes them for strangers.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace dl::agent::uplink {
namespace {

namespace asio = boost::asio;
constexpr std::uint64_t file_version = 1;
constexpr std::size_t longest_word = 300;

std::filesystem::path pending_key_file(const std::filesystem::path& data_directory)
{
    return data_directory / "enrolment.key";
}

/// The key of an attempt whose answer got lost is used again: the collector then knows the agent and spares the token.
Result<tls::Key> pending_key(const std::filesystem::path& data_directory)
{
    const auto file = pending_key_file(data_directory);
    if (const auto stored = tls::read_whole_file(file))
        if (auto key = tls::key_from_pem(*stored)) return key;
    auto key = tls::make_key();
    if (!key) return key.error();
    const auto pem = tls::key_to_pem(**key);
    if (!pem) return pem.error();
    const auto written = tls::write_file_durably(file, *pem, tls::Visibility::secret);
    if (!written) return written.error();
    return key;
}

/// The collector's answer is as untrusted as any other bytes: it must fit the key, the pin and each other.
Result<void> check_certificates(const std::string& certificate_pem, const std::string& ca_pem, const EVP_PKEY& key,
                                const std::optional<Digest>& pin)
{
    const auto certificate = tls::certificate_from_pem(certificate_pem);
    if (!certificate) return certificate.error();
    const auto ca = tls::certificate_from_pem(ca_pem);
    if (!ca) return ca.error();
    if (!tls::belongs_together(**certificate, key))
        return denied("the collector answered with a certificate for another key; enrol again");
    const auto fingerprint = tls::public_key_fingerprint(**ca);
    if (!fingerprint) return fingerprint.error();
    if (pin && !equal_in_constant_time(*fingerprint, *pin))
        return denied(
            "the collector answered with a CA that is not the pinned one; nothing was stored, ask who runs it");
    if (X509_verify(certificate->get(), X509_get0_pubkey(ca->get())) != 1)
        return denied("the collector answered with a certificate that its CA did not sign; nothing was stored");
    return {};
}

Result<std::array<std::uint8_t, 32>> organisation_key_from(const std::string& hex)
{
    std::array<std::uint8_t, 32> key{};
    if (!from_hex(hex, key)) return invalid_input("the organisation key is not 64 hex digits; enrol again");
    return key;
}

/// The collector decided: the same key would get the same answer. Not so where it only asks for patience.
bool is_refusal(unsigned status) { return status >= 400 && status < 500 && status != 408 && status != 429; }

Result<Response> ask_for_enrolment(const Route& route, TlsContext context, const wire::EnrollRequest& request)
{
    asio::io_context io(1);
    const auto client = create_https_client(io.get_executor(), route, std::move(context));
    Result<Response> response = unavailable("the collector was not asked");
    Request message;
    message.path = "/agent/v1/enroll";
    message.content_type = "application/json";
    message.body = wire::encode_json(request);
    const auto conversation = [&]() -> asio::awaitable<void> {
        response = co_await client->post(message);
        client->close();
    };
    asio::co_spawn(io, conversation, [](const std::exception_ptr& bug) {
        if (bug) std::rethrow_exception(bug);
    });
    io.run();
    return response;
}

Result<wire::EnrollReply> enrolment_from(const Response& response, const Route& route)
{
    if (response.status < 200 || response.status > 299) {
        std::string why = fmt::format("{}: {}", route.collector.authority(), told_by(response));
        if (!is_refusal(response.status)) return unavailable(why);
        // The collector says what to do next behind a semicolon.
        if (why.find(';') == std::string::npos) why += "; ask for a new token (daylight-collector token create)";
        return denied(why);
    }
    auto reply = wire::decode_json<wire::EnrollReply>(response.body);
    if (!reply) return invalid_input(fmt::format("{}: {}", route.collector.authority(), reply.error().message));
    return *reply;
}

}    // namespace

std::string told_by(const Response& response)
{
    std::string told;
    const auto problem = nlohmann::json::parse(response.body, nullptr, false);
    if (problem.is_object())
        for (const char* key : {"detail", "title"})
            if (told.empty() && problem.contains(key) && problem[key].is_string())
                told = problem[key].get<std::string>();
    for (char& c : told)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    if (told.size() > longest_word) told.resize(longest_word);
    return told.empty() ? fmt::format("the collector answered HTTP {}", response.status)
                        : fmt::format("the collector says: {} (HTTP {})", told, response.status);
}

std::filesystem::path enrolment_file(const std::filesystem::path& data_directory)
{
    return data_directory / "enrolment.json";
}

Result<Enrolment> load_enrolment(const std::filesystem::path& data_directory)
{
    const auto file = enrolment_file(data_directory);
    if (::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0 && errno == EACCES)
        return io_failure(fmt::format("{}: only root and the agent's own account may read it; run the command as root "
                                      "(sudo), or ask IT to run it with you",
                                      file.string()));
    const auto text = tls::read_whole_file(file);
    if (!text) {
        if (text.error().kind != Failure::Kind::not_found) return text.error();
        return not_found(
            fmt::format("{}: this host is not enrolled; run `daylight-agent enroll --collector URL --token T --ca-pin "
                        "sha256:HEX`",
                        file.string()));
    }
    const auto node = config::parse_text(*text, file.string());
    if (!node) return node.error();
    const auto version = node->unsigned_integer("version");
    if (!version) return version.error();
    if (*version > file_version)
        return invalid_input(
            fmt::format("{}: was written by a newer agent (version {}); install that one", file.string(), *version));

    Enrolment enrolment;
    std::string agent, observer, organisation_key;
    const std::pair<const char*, std::string*> members[] = {{"agent", &agent},
                                                            {"collector", &enrolment.collector},
                                                            {"proxy", &enrolment.proxy},
                                                            {"observer", &observer},
                                                            {"organisation_key", &organisation_key},
                                                            {"ca", &enrolment.ca_pem},
                                                            {"certificate", &enrolment.certificate_pem},
                                                            {"key", &enrolment.key_pem}};
    for (const auto& [key, target] : members) {
        auto value = node->text(key);
        if (!value) return value.error();
        *target = std::move(*value);
    }
    const auto id = AgentId::parse(agent);
    if (!id) return node->wrong(id.error().message);
    enrolment.agent = *id;
    const auto kind = wire::parse_observer_kind(observer);
    if (!kind) return node->wrong("observer is neither endpoint nor sensor; enrol again");
    enrolment.observer = *kind;
    const auto key = organisation_key_from(organisation_key);
    if (!key) return node->wrong(key.error().message);
    enrolment.organisation_key = *key;
    // Members that earlier agents did not write.
    const std::pair<const char*, std::string*> later[] = {
        {"host", &enrolment.host}, {"settings_key", &enrolment.settings_key}, {"group", &enrolment.group}};
    for (const auto& [key_name, target] : later) {
        auto value = node->text_or(key_name, "");
        if (!value) return value.error();
        *target = std::move(*value);
    }
    return enrolment;
}

Result<void> save_enrolment(const std::filesystem::path& data_directory, const Enrolment& enrolment)
{
    const nlohmann::json document{{"version", file_version},
                                  {"agent", enrolment.agent.hex()},
                                  {"collector", enrolment.collector},
                                  {"proxy", enrolment.proxy},
                                  {"observer", std::string(wire::to_string(enrolment.observer))},
                                  {"organisation_key", to_hex(enrolment.organisation_key)},
                                  {"ca", enrolment.ca_pem},
                                  {"certificate", enrolment.certificate_pem},
                                  {"key", enrolment.key_pem},
                                  {"host", enrolment.host},
                                  {"settings_key", enrolment.settings_key},
                                  {"group", enrolment.group}};
    return tls::write_file_durably(enrolment_file(data_directory), document.dump(2) + "\n", tls::Visibility::secret);
}

Result<Validity> validity_of(const Enrolment& enrolment)
{
    const auto certificate = tls::certificate_from_pem(enrolment.certificate_pem);
    if (!certificate) return certificate.error();
    const auto from = tls::not_before(**certificate);
    if (!from) return from.error();
    const auto to = tls::not_after(**certificate);
    if (!to) return to.error();
    return Validity{*from, *to};
}

namespace {

/// What both ways in share: key, request, answer, file.
Result<Enrolment> enrol_over(TlsContext context, const Digest& pin, const EnrolmentWish& wish,
                             const Environment& environment)
{
    const auto route = route_to(wish.collector, wish.proxy, environment);
    if (!route) return route.error();

    const auto key = pending_key(wish.data_directory);
    if (!key) return key.error();
    const auto key_pem = tls::key_to_pem(**key);
    if (!key_pem) return key_pem.error();
    const auto request_pem = tls::make_signing_request(**key, "daylight-agent");
    if (!request_pem) return request_pem.error();

    wire::EnrollRequest request;
    request.token = wish.token;
    request.csr_pem = *request_pem;
    request.device_name = wish.device_name;
    request.agent_version = dl::version;
    request.observer = wish.observer;
    const auto response = ask_for_enrolment(*route, std::move(context), request);
    if (!response) return response.error();
    std::error_code ignored;
    if (is_refusal(response->status)) std::filesystem::remove(pending_key_file(wish.data_directory), ignored);
    const auto reply = enrolment_from(*response, *route);
    if (!reply) return reply.error();

    const auto good = check_certificates(reply->certificate_pem, reply->ca_pem, **key, pin);
    if (!good) return good.error();
    const auto organisation_key = organisation_key_from(reply->organisation_key);
    if (!organisation_key) return organisation_key.error();
    Enrolment enrolment{reply->agent,  wish.collector,         wish.proxy, wish.observer, *organisation_key,
                        reply->ca_pem, reply->certificate_pem, *key_pem,   wish.host,     wish.settings_key,
                        reply->group};
    const auto saved = save_enrolment(wish.data_directory, enrolment);
    if (!saved) return saved.error();
    std::filesystem::remove(pending_key_file(wish.data_directory), ignored);
    return enrolment;
}

}    // namespace

Result<Enrolment> enrol(const EnrolmentWish& wish, const Environment& environment)
{
    const auto pin = tls::parse_pin(wish.ca_pin);
    if (!pin) return pin.error();
    auto context = pinned_context(*pin);
    if (!context) return context.error();
    return enrol_over(std::move(*context), *pin, wish, environment);
}

Result<Enrolment> enrol_clone(const Enrolment& original, EnrolmentWish wish, const Environment& environment)
{
    const auto ca = tls::certificate_from_pem(original.ca_pem);
    if (!ca) return ca.error();
    const auto pin = tls::public_key_fingerprint(**ca);
    if (!pin) return pin.error();
    auto context = enrolled_context(original.ca_pem, original.certificate_pem, original.key_pem);
    if (!context) return context.error();
    wish.collector = original.collector;
    wish.proxy = original.proxy;
    wish.observer = original.observer;
    wish.settings_key = original.settings_key;
    wish.token.clear();    // the certificate is the proof
    return enrol_over(std::move(*context), *pin, wish, environment);
}

asio::awaitable<Result<Enrolment>> renew(HttpsClient& client, Enrolment present)
{
    const auto key = tls::make_key();
    if (!key) co_return key.error();
    const auto key_pem = tls::key_to_pem(**key);
    if (!key_pem) co_return key_pem.error();
    const auto request_pem = tls::make_signing_request(**key, present.agent.hex());
    if (!request_pem) co_return request_pem.error();
    wire::RenewRequest body;
    body.csr_pem = *request_pem;
    Request request;
    request.path = "/agent/v1/renew";
    request.content_type = "application/json";
    request.body = wire::encode_json(body);
    Result<Response> response = co_await client.post(request);
    if (!response) co_return response.error();
    if (response->status < 200 || response->status > 299) co_return denied(told_by(*response));
    const auto reply = wire::decode_json<wire::RenewReply>(response->body);
    if (!reply) co_return reply.error();
    const auto good = check_certificates(reply->certificate_pem, reply->ca_pem, **key, std::nullopt);
    if (!good) co_return good.error();
    present.certificate_pem = reply->certificate_pem;
    present.ca_pem = reply->ca_pem;
    present.key_pem = *key_pem;
    co_return present;
}

}    // namespace dl::agent::uplink
