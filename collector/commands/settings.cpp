// settings keygen|sign|change-key|verify, which need no collector and can stay offline; settings draft|publish|show, on
// the collector.
#include "collector/access/audit.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/data_directory.hpp"
#include "collector/commands/duration.hpp"
#include "collector/commands/pass_phrase.hpp"
#include "collector/commands/workspace.hpp"
#include "collector/pki/published_settings.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/rows/row_writer.hpp"
#include "shared/signed/settings_document.hpp"
#include "shared/tls/files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>

namespace dl::collector::commands {
namespace {

constexpr std::size_t most_key_octets = 64 << 10;

struct Arguments {
    std::string config_file;
    std::string file;
    std::string key_file;
    std::string out;
    std::string settings_key;
    std::uint64_t serial = 0;
    std::string valid = "365d";
    std::vector<std::string> groups;
    bool encrypt = false;
    bool pass_phrase_stdin = false;
    std::string format = "table";
};

PassPhraseFrom phrase_from(const Arguments& arguments)
{
    return arguments.pass_phrase_stdin ? PassPhraseFrom::standard_input : PassPhraseFrom::terminal;
}

Result<std::chrono::seconds> validity_of(std::string_view text)
{
    const auto valid = parse_duration(text);
    if (valid && (valid->count() == 0 || *valid > signing::longest_validity))
        return invalid_input(fmt::format("'{}' is not taken; settings are good for 1s to 732d", text));
    return valid;
}

/// Nothing that is there is written over: it may be the only copy of a key.
Result<void> write_new(const std::string& file, std::string_view content, tls::Visibility visibility)
{
    std::error_code error;
    if (std::filesystem::exists(file, error))
        return conflict(fmt::format("{}: is there already; name another file with --out", file));
    return tls::write_file_durably(file, content, visibility);
}

Result<tls::Key> signing_key(const Arguments& arguments)
{
    const auto pem = tls::read_whole_file(arguments.key_file, most_key_octets);
    if (!pem) return pem.error();
    std::string phrase;
    if (signing::is_encrypted(*pem)) {
        auto read = read_pass_phrase(phrase_from(arguments), "Pass phrase of the settings key: ");
        if (!read) return read.error();
        phrase = std::move(*read);
    }
    auto key = signing::signing_key_from_pem(*pem, phrase);
    if (!key) return Failure{key.error().kind, fmt::format("{}: {}", arguments.key_file, key.error().message)};
    return key;
}

int keygen(const Arguments& arguments)
{
    const auto failed = [](const Failure& failure) { return fail("settings keygen", failure); };
    std::string phrase;
    if (arguments.encrypt || arguments.pass_phrase_stdin) {
        auto once = read_pass_phrase(phrase_from(arguments), "Pass phrase for the new settings key: ");
        if (!once) return failed(once.error());
        if (!arguments.pass_phrase_stdin) {
            const auto twice = read_pass_phrase(PassPhraseFrom::terminal, "Again: ");
            if (!twice) return failed(twice.error());
            if (*once != *twice) return failed(invalid_input("the two pass phrases differ; try again"));
        }
        phrase = std::move(*once);
    }
    const auto key = signing::make_signing_key();
    if (!key) return failed(key.error());
    const auto pem = signing::signing_key_to_pem(**key, phrase);
    if (!pem) return failed(pem.error());
    const auto public_key = signing::public_key_of(**key);
    if (!public_key) return failed(public_key.error());
    if (const auto written = write_new(arguments.out, *pem, tls::Visibility::secret); !written)
        return failed(written.error());
    fmt::print("{}\n", signing::to_text(*public_key));
    fmt::print(stderr,
               "{} holds the settings key{}: keep it, and a copy, where the collector's administrators can't read it. "
               "Agents pin what stands above (enroll --settings-key, or settings_key of agent.json).\n",
               arguments.out, phrase.empty() ? ", not encrypted" : "");
    return 0;
}

int sign(const Arguments& arguments)
{
    const auto failed = [](const Failure& failure) { return fail("settings sign", failure); };
    const auto text = tls::read_whole_file(arguments.file, signing::most_statement_octets);
    if (!text) return failed(text.error());
    auto document = signing::read_draft(*text, arguments.file);
    if (!document) return failed(document.error());
    if (arguments.serial > 0) document->serial = arguments.serial;
    if (document->serial == 0)
        return failed(invalid_input(arguments.file + ": names no serial; give one above the last with --serial"));
    const Timestamp now{std::chrono::floor<std::chrono::seconds>(SystemClock{}.now())};
    document->issued = now;
    if (document->expires == Timestamp{}) document->expires = now + *validity_of(arguments.valid);
    if (document->expires <= now)
        return failed(invalid_input(arguments.file + ": expires in the past; take the key out, or name a later day"));
    const std::string whole = signing::to_text(*document);
    // What is signed is what agents will read: the same rules look at it first.
    if (const auto read = signing::read_content(whole, arguments.file); !read) return failed(read.error());
    const auto key = signing_key(arguments);
    if (!key) return failed(key.error());
    const auto sealed = signing::seal(whole, **key);
    if (!sealed) return failed({sealed.error().kind, arguments.file + ": " + sealed.error().message});
    if (const auto written = write_new(arguments.out, *sealed, tls::Visibility::shared); !written)
        return failed(written.error());
    fmt::print(stderr,
               "signed: settings {} until {}: {}\nNext, on the collector: daylight-collector settings publish {}\n",
               document->serial, to_rfc3339(document->expires), signing::in_words(document->collect), arguments.out);
    return 0;
}

int change_key(const Arguments& arguments)
{
    const auto failed = [](const Failure& failure) { return fail("settings change-key", failure); };
    const auto text = tls::read_whole_file(arguments.file, signing::most_statement_octets);
    if (!text) return failed(text.error());
    const auto opened = signing::open_statement(*text, arguments.file);
    if (!opened) return failed(opened.error());
    const auto* document = std::get_if<signing::SettingsDocument>(&opened->content);
    if (!document) return failed(invalid_input(arguments.file + ": is no settings document; name the last one signed"));
    const auto key = signing_key(arguments);
    if (!key) return failed(key.error());
    const auto next = signing::parse_public_key(arguments.settings_key);
    const auto sealed = signing::seal(signing::to_text(signing::KeyChange{document->organisation, *next}), **key);
    if (!sealed) return failed(sealed.error());
    if (const auto written = write_new(arguments.out, *sealed, tls::Visibility::shared); !written)
        return failed(written.error());
    fmt::print(stderr,
               "signed: from now on {} speaks. Next, on the collector: publish this, then settings signed with the new "
               "key.\n",
               arguments.settings_key);
    return 0;
}

int verify(const Arguments& arguments)
{
    const auto failed = [](const Failure& failure) { return fail("settings verify", failure); };
    const auto text = tls::read_whole_file(arguments.file, signing::most_statement_octets);
    if (!text) return failed(text.error());
    const auto opened = signing::open_statement(*text, arguments.file);
    if (!opened) return failed(opened.error());
    const std::string signer = signing::to_text(opened->signer);
    if (!arguments.settings_key.empty() && signer != arguments.settings_key)
        return failed(denied(
            fmt::format("{}: is signed by {}, not by the key that was named; don't use it", arguments.file, signer)));
    if (const auto* change = std::get_if<signing::KeyChange>(&opened->content)) {
        fmt::print("signed by {}: the next key is {}\n", signer, signing::to_text(change->next));
        return 0;
    }
    const auto& document = std::get<signing::SettingsDocument>(opened->content);
    fmt::print("signed by {}: settings {}, {} to {}, for {}: {}\n", signer, document.serial,
               to_rfc3339(document.issued), to_rfc3339(document.expires),
               document.groups.empty() ? "every agent" : fmt::format("group {}", fmt::join(document.groups, ", ")),
               signing::in_words(document.collect));
    if (SystemClock{}.now() >= document.expires)
        return failed(denied(arguments.file + ": has expired; agents refuse it: sign anew"));
    return 0;
}

int draft(const Arguments& arguments)
{
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return fail("settings draft", workspace.error());
    const auto published = pki::published_settings(*workspace->state);
    if (!published) return fail("settings draft", published.error());
    signing::SettingsDocument document;
    document.organisation = signing::audience_of(workspace->keys.organisation);
    document.groups = arguments.groups;
    document.serial = published->documents.empty() ? 1 : published->documents.back().document.serial + 1;
    const pki::PublishedDocument* before = published->of(arguments.groups.empty() ? "" : arguments.groups.front());
    if (before) {
        document.collect = before->document.collect;
    } else {    // what an agent collects without a settings key, sensors left out
        document.collect.people = document.collect.applications = true;
        document.collect.time_grain = signing::TimeGrain::second;
        document.collect.report_seconds = 60;
    }
    fmt::print("{}", signing::to_text(document));
    return 0;
}

int publish(const Arguments& arguments)
{
    const auto failed = [](const Failure& failure) { return fail("settings publish", failure); };
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return failed(workspace.error());
    const auto text = tls::read_whole_file(arguments.file, signing::most_statement_octets);
    if (!text) return failed(text.error());
    const Timestamp now = SystemClock{}.now();
    const auto done =
        pki::publish(*workspace->state, *text, arguments.file, signing::audience_of(workspace->keys.organisation), now);
    if (!done) return failed(done.error());
    access::AuditChain audit{*workspace->state};
    const auto recorded = audit.append(now, access::console_user(), "settings.publish", arguments.file, *done);
    if (!recorded) return failed(recorded.error());
    fmt::print(stderr,
               "published: {}\nAgents take it with their next report; `daylight-collector agents list` shows who "
               "has.\n",
               *done);
    return 0;
}

int show(const Arguments& arguments)
{
    const auto failed = [](const Failure& failure) { return fail("settings show", failure); };
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return failed(workspace.error());
    const auto published = pki::published_settings(*workspace->state);
    if (!published) return failed(published.error());
    const auto told = pki::standings(*workspace->state);
    if (!told) return failed(told.error());
    using Align = rows::Column::Align;
    const auto writer = rows::create_row_writer(*rows::parse_format(arguments.format),
                                                {{"serial", Align::right},
                                                 {"groups"},
                                                 {"issued"},
                                                 {"expires"},
                                                 {"state"},
                                                 {"agents", Align::right},
                                                 {"key"},
                                                 {"collects"}},
                                                std::cout);
    const Timestamp now = SystemClock{}.now();
    for (const pki::PublishedDocument& one : published->documents) {
        const auto& document = one.document;
        const auto offered_to = [&](const std::string& group) { return published->of(group) == &one; };
        const bool offered =
            document.groups.empty() ? offered_to("") : std::ranges::any_of(document.groups, offered_to);
        const auto holding = std::ranges::count_if(
            *told, [&](const auto& standing) { return standing.second.serial == document.serial; });
        writer->write({document.serial, fmt::format("{}", fmt::join(document.groups, ", ")),
                       to_rfc3339(document.issued), to_rfc3339(document.expires),
                       now >= document.expires ? "expired"
                       : offered               ? "offered"
                                               : "replaced",
                       holding, signing::to_text(one.signer), signing::in_words(document.collect)});
    }
    if (auto done = writer->finish(); !done) return failed(done.error());
    return 0;
}

}    // namespace

void add_settings(CommandLine& line)
{
    CLI::App* settings =
        line.app.add_subcommand("settings", "What agents may collect, signed by a key that stays offline");
    settings->require_subcommand(1);
    auto arguments = std::make_shared<Arguments>();
    const auto add = [&](const char* name, const char* what, int (*run)(const Arguments&)) {
        CLI::App* verb = settings->add_subcommand(name, what);
        verb->callback([&line, arguments, run] { line.chosen = [arguments, run] { return run(*arguments); }; });
        return verb;
    };
    const auto takes_phrase = [&](CLI::App* verb) {
        verb->add_flag("--pass-phrase-stdin", arguments->pass_phrase_stdin,
                       "Read the key's pass phrase from standard input, not from the terminal");
    };
    const auto takes_out = [&](CLI::App* verb, const char* what) {
        verb->add_option("--out", arguments->out, what)->required();
    };
    const auto takes_key = [&](CLI::App* verb) {
        verb->add_option("--key", arguments->key_file, "File of the settings key")->required();
        takes_phrase(verb);
    };

    CLI::App* verb = add("keygen", "Make a settings key; print its public half. Needs no collector", keygen);
    takes_out(verb, "File for the private half (mode 0600); must not exist");
    verb->add_flag("--encrypt", arguments->encrypt, "Encrypt it with a pass phrase, asked for on the terminal");
    takes_phrase(verb);

    verb = add("sign", "Sign a draft. Needs no collector", sign);
    verb->add_option("DRAFT", arguments->file, "As `settings draft` prints it, edited")->required();
    takes_key(verb);
    takes_out(verb, "File for the signed settings; must not exist");
    verb->add_option("--serial", arguments->serial, "In place of the draft's; above every one before")
        ->check(command_line::whole_number(1, 1ULL << 53));
    verb->add_option("--valid", arguments->valid, "Good for so long, where the draft names no end: 30d, 365d")
        ->check(command_line::read_by(validity_of))
        ->capture_default_str();

    verb = add("change-key", "Sign that another settings key follows this one. Needs no collector", change_key);
    verb->add_option("SIGNED", arguments->file, "Settings signed before: it is for the same organisation")->required();
    takes_key(verb);
    verb->add_option("--next", arguments->settings_key, "Public half of the next key")
        ->required()
        ->check(command_line::read_by(signing::parse_public_key));
    takes_out(verb, "File for the signed change; must not exist");

    verb = add("verify", "Check signature and content of signed settings. Needs no collector", verify);
    verb->add_option("SIGNED", arguments->file, "As `settings sign` wrote it")->required();
    verb->add_option("--settings-key", arguments->settings_key, "Fail unless this key signed it")
        ->check(command_line::read_by(signing::parse_public_key));

    verb = add("draft", "Print settings to edit and sign: those published, or to begin with", draft);
    add_config_option(*verb, arguments->config_file);
    verb->add_option("--group", arguments->groups, "Only for agents of these groups (token create --group)");

    verb = add("publish", "Hand signed settings, or a change of key, to the agents", publish);
    verb->add_option("SIGNED", arguments->file, "As `settings sign` wrote it")->required();
    add_config_option(*verb, arguments->config_file);

    verb = add("show", "What was published, and how many agents hold it", show);
    add_config_option(*verb, arguments->config_file);
    command_line::add_format_option(*verb, arguments->format);
}

}    // namespace dl::collector::commands
