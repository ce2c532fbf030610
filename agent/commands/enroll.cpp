// daylight-agent enroll: makes a key here, has it certified by the collector whose CA was named, stores the result.
#include "agent/commands/commands.hpp"
#include "agent/commands/verb.hpp"
#include "agent/platform/platform.hpp"
#include "agent/service/data_directory.hpp"
#include "agent/service/run_agent.hpp"
#include "agent/uplink/enrolment.hpp"
#include "agent/uplink/route.hpp"
#include "agent/uplink/settings_pin.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/signed/statement.hpp"
#include "shared/tls/certificates.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

namespace dl::agent::commands {
namespace {

struct Options {
    std::string config;
    std::string collector;
    std::string token;
    std::string ca_pin;
    std::string proxy;
    std::string settings_key;
    bool replace_settings_key = false;
};

int enroll(const Options& options)
{
    const auto settings = load_settings(options.config);
    if (!settings) return fail("enroll", settings.error());
    const auto lock = service::DataDirectoryLock::take(settings->data_directory);
    if (!lock) return fail("enroll", lock.error());

    uplink::EnrolmentWish wish;
    wish.collector = options.collector;
    wish.token = options.token;
    wish.ca_pin = options.ca_pin;
    wish.proxy = options.proxy.empty() ? settings->proxy : options.proxy;
    wish.device_name = service::device_name(*settings);
    wish.observer = settings->mode;
    wish.data_directory = settings->data_directory;
    wish.host = platform::host_mark();
    const auto pin = uplink::pin_to_store(settings->data_directory,
                                          {options.settings_key, settings->settings_key, options.replace_settings_key});
    if (!pin) return fail("enroll", pin.error());
    wish.settings_key = *pin;
    const auto enrolment = uplink::enrol(wish, uplink::process_environment());
    if (!enrolment) return fail("enroll", enrolment.error());
    const auto validity = uplink::validity_of(*enrolment);
    if (!validity) return fail("enroll", validity.error());
    fmt::print("enrolled as {} with {}; the certificate is good until {} and renews itself while the agent runs\n",
               enrolment->agent.hex(), enrolment->collector, to_rfc3339(validity->to));
    return 0;
}

}    // namespace

void add_enroll(CommandLine& line)
{
    auto options = std::make_shared<Options>();
    CLI::App* verb = line.app.add_subcommand("enroll", "Enrol this host with a collector");
    verb->add_option("--collector", options->collector, "https://HOST:PORT")
        ->required()
        ->check(command_line::read_by(uplink::parse_collector));
    verb->add_option("--token", options->token, "Enrolment token (daylight-collector token create)")->required();
    verb->add_option("--ca-pin", options->ca_pin,
                     "sha256:HEX of the collector CA's public key (daylight-collector init prints it)")
        ->required()
        ->check(command_line::read_by(tls::parse_pin));
    verb->add_option("--proxy", options->proxy,
                     "http://HOST:PORT of a CONNECT proxy, or none; one that asks for a password goes into HTTPS_PROXY")
        ->check(command_line::read_by(uplink::parse_named_proxy));
    verb->add_option(
            "--settings-key", options->settings_key,
            "ed25519:HEX: what is collected never goes beyond what this key signed (daylight-collector settings "
            "keygen prints it)")
        ->check(command_line::read_by(signing::parse_public_key));
    verb->add_flag("--replace-settings-key", options->replace_settings_key,
                   "The --settings-key takes the place of another one that this host has pinned")
        ->needs("--settings-key");
    add_config_option(*verb, options->config);
    verb->callback([&line, options] { line.chosen = [options] { return enroll(*options); }; });
}

}    // namespace dl::agent::commands
