// token create|list|revoke: what lets new agents in.
#include "collector/access/audit.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/data_directory.hpp"
#include "collector/commands/duration.hpp"
#include "collector/commands/workspace.hpp"
#include "collector/intake/listen_address.hpp"
#include "collector/pki/certificate_authority.hpp"
#include "collector/pki/enrolment_tokens.hpp"
#include "collector/pki/published_settings.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/rows/row_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace dl::collector::commands {
namespace {

constexpr std::size_t most_group_octets = 255;

struct Arguments {
    std::string config_file;
    std::uint32_t uses = 1;
    std::string expires = "24h";
    std::string kind = "endpoint";
    std::string group;
    std::string id;
    std::string format = "table";
};

/// What agents connect to: the first configured name that is not loopback, else the first, with the listener's port.
std::string agents_url(const Settings& settings)
{
    std::string host;
    for (const std::string& name : settings.agents_names)
        if (host.empty() ||
            ((host == "localhost" || host.starts_with("127.")) && name != "localhost" && !name.starts_with("127.")))
            host = name;
    const auto endpoint = intake::parse_listen_address(settings.agents_listen);
    if (host.empty()) host = endpoint ? endpoint->address().to_string() : "localhost";
    if (host.find(':') != std::string::npos && host.front() != '[') host = "[" + host + "]";
    return fmt::format("https://{}:{}", host, endpoint ? endpoint->port() : 8443);
}

/// Agents are told their group, as a text of the wire.
Result<std::string> read_group(std::string_view text)
{
    const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (printable && text.size() <= most_group_octets) return std::string(text);
    return invalid_input("a group is at most 255 printable ASCII characters");
}

Result<std::chrono::seconds> lifetime_of(std::string_view text)
{
    const auto lifetime = parse_duration(text);
    if (lifetime && (lifetime->count() == 0 || *lifetime > pki::longest_lifetime))
        return invalid_input(fmt::format("'{}' is not taken; a token lives from 1s to 366d", text));
    return lifetime;
}

int create(const Arguments& arguments)
{
    const auto lifetime = lifetime_of(arguments.expires);
    const auto kind = wire::parse_observer_kind(arguments.kind);
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return fail("token create", workspace.error());
    const auto authority = pki::CertificateAuthority::open(DataDirectory{workspace->settings.data_directory}.pki());
    if (!authority) return fail("token create", authority.error());

    const auto published = pki::published_settings(*workspace->state);
    if (!published) return fail("token create", published.error());
    const auto settings_key = published->key();

    const Timestamp now = SystemClock{}.now();
    pki::EnrolmentTokens tokens{*workspace->state};
    const auto token = tokens.create({arguments.uses, *lifetime, *kind, arguments.group}, now);
    if (!token) return fail("token create", token.error());
    const std::string id = token->substr(0, token->find('.'));
    access::AuditChain audit{*workspace->state};
    const auto recorded = audit.append(
        now, access::console_user(), "token.create", id,
        fmt::format("{} uses, until {}, kind {}", arguments.uses, to_rfc3339(now + *lifetime), arguments.kind));
    if (!recorded) return fail("token create", recorded.error());
    const auto shown = command_line::show_once(fmt::format(
        "daylight-agent enroll --collector {} --token {} --ca-pin {}{}\n", agents_url(workspace->settings), *token,
        authority->pin(), settings_key ? " --settings-key " + signing::to_text(*settings_key) : ""));
    if (!shown) {
        const auto withdrawn = tokens.withdraw(id);
        return fail("token create", undone(shown.error(), "the token", withdrawn,
                                           audit.append(now, access::console_user(), "token.withdraw", id)));
    }
    std::fputs(fmt::format("Good for {} enrolment(s) until {}; shown this once.\n", arguments.uses,
                           to_rfc3339(now + *lifetime))
                   .c_str(),
               stderr);
    return 0;
}

int list(const Arguments& arguments)
{
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return fail("token list", workspace.error());
    pki::EnrolmentTokens tokens{*workspace->state};
    const auto all = tokens.list();
    if (!all) return fail("token list", all.error());
    using Align = rows::Column::Align;
    const auto writer = rows::create_row_writer(*rows::parse_format(arguments.format),
                                                {{"id"},
                                                 {"kind"},
                                                 {"group"},
                                                 {"uses", Align::right},
                                                 {"remaining", Align::right},
                                                 {"created"},
                                                 {"expires"},
                                                 {"state"}},
                                                std::cout);
    const Timestamp now = SystemClock{}.now();
    for (const pki::Token& token : *all) {
        const char* state = token.revoked          ? "revoked"
                            : now >= token.expires ? "expired"
                            : token.remaining == 0 ? "used up"
                                                   : "open";
        writer->write({token.id, std::string(wire::to_string(token.terms.kind)), token.terms.group, token.terms.uses,
                       token.remaining, to_rfc3339(token.created), to_rfc3339(token.expires), state});
    }
    if (auto done = writer->finish(); !done) return fail("token list", done.error());
    return 0;
}

int revoke(const Arguments& arguments)
{
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return fail("token revoke", workspace.error());
    pki::EnrolmentTokens tokens{*workspace->state};
    if (auto revoked = tokens.revoke(arguments.id); !revoked) return fail("token revoke", revoked.error());
    access::AuditChain audit{*workspace->state};
    const auto recorded = audit.append(SystemClock{}.now(), access::console_user(), "token.revoke", arguments.id);
    return recorded ? 0 : fail("token revoke", recorded.error());
}

}    // namespace

void add_token(CommandLine& line)
{
    CLI::App* token = line.app.add_subcommand("token", "Tokens with which new agents enrol");
    token->require_subcommand(1);
    auto arguments = std::make_shared<Arguments>();

    CLI::App* verb = token->add_subcommand("create", "Make a token and print the command that enrols an agent with it");
    add_config_option(*verb, arguments->config_file);
    verb->add_option("--uses", arguments->uses, "How many agents may enrol with it")
        ->check(command_line::whole_number(1, pki::most_uses))
        ->capture_default_str();
    verb->add_option("--expires", arguments->expires, "After that it is worthless: 90s, 30m, 24h, 7d")
        ->check(command_line::read_by(lifetime_of))
        ->capture_default_str();
    verb->add_option("--kind", arguments->kind, "endpoint or sensor")
        ->check(command_line::one_of({"endpoint", "sensor"}))
        ->capture_default_str();
    verb->add_option("--group", arguments->group,
                     "A word to find these agents by in `agents list`, and to sign settings for")
        ->check(command_line::read_by(read_group));
    verb->callback([&line, arguments] { line.chosen = [arguments] { return create(*arguments); }; });

    verb = token->add_subcommand("list", "Every token, without its secret");
    add_config_option(*verb, arguments->config_file);
    command_line::add_format_option(*verb, arguments->format);
    verb->callback([&line, arguments] { line.chosen = [arguments] { return list(*arguments); }; });

    verb = token->add_subcommand("revoke", "Make a token worthless; agents that enrolled with it stay");
    add_config_option(*verb, arguments->config_file);
    verb->add_option("ID", arguments->id, "As `token list` shows it")->required();
    verb->callback([&line, arguments] { line.chosen = [arguments] { return revoke(*arguments); }; });
}

}    // namespace dl::collector::commands
