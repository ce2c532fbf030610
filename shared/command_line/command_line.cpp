#include "shared/command_line/command_line.hpp"

#include "shared/config/nearest_word.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

namespace dl::command_line {
namespace {

constexpr const char* help_verb = "help";

/// A descriptor that the caller closed would be given to the next file that is opened, and what is printed would go
/// there. It becomes one on which every read or write fails.
void hold_standard_descriptors()
{
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) [[maybe_unused]]
            const int held = ::open("/dev/null", (descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
}

int say(const std::string& where, std::string_view what, int code)
{
    std::string text = fmt::format("{}: {}", where, what);
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';    // one line, whatever was typed
    std::fputs((text + "\n").c_str(), stderr);
    return code;
}

std::vector<std::string_view> verbs_of(const CLI::App& app)
{
    std::vector<std::string_view> names;
    for (const CLI::App* verb : app.get_subcommands({}))
        names.push_back(verb->get_name());
    return names;
}

const CLI::App* verb_called(const CLI::App& app, std::string_view name)
{
    for (const CLI::App* verb : app.get_subcommands({}))
        if (verb->get_name() == name) return verb;
    return nullptr;
}

std::string no_such_verb(const CLI::App& app, std::string_view word)
{
    const auto known = verbs_of(app);
    std::string text = fmt::format("no verb is called '{}'; ", word);
    if (const auto nearest = config::nearest_word(word, known)) text += fmt::format("did you mean '{}'? ", *nearest);
    return text + fmt::format("The verbs are {}", fmt::join(known, ", "));
}

/// The verb that `words` lead to, with its whole name. `fault` is set where a word on the way is none of its verbs.
struct Way {
    const CLI::App* at = nullptr;
    std::string name;
    std::string fault;
};
Way follow(const CLI::App& app, const std::vector<std::string>& words)
{
    Way way{&app, app.get_name(), {}};
    for (const std::string& word : words) {
        if (way.at->get_subcommands({}).empty() || word.starts_with('-')) break;
        const CLI::App* next = verb_called(*way.at, word);
        if (!next) {
            way.fault = no_such_verb(*way.at, word);
            break;
        }
        way.at = next;
        way.name += " " + word;
    }
    return way;
}

/// "--unit" where its value is the empty text, as a script's unset variable makes it.
std::optional<std::string> empty_argument(const std::vector<std::string>& words)
{
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word.starts_with("--") && word.ends_with('=')) return word.substr(0, word.size() - 1);
        if (!word.empty()) continue;
        return i > 0 && words[i - 1].starts_with("--") ? words[i - 1] : "an argument";
    }
    return std::nullopt;
}

/// "; a file is named with --backup FILE" where the verb takes files by options only; --config is everywhere.
std::string options_for_files(const CLI::App& verb)
{
    std::string text;
    for (const CLI::Option* one : verb.get_options()) {
        if (one->get_positional()) return {};
        if (one->get_type_name() != "FILE" || one->get_name() == "--config") continue;
        text += fmt::format("{} {} FILE", text.empty() ? "; a file is named with" : " or", one->get_name());
    }
    return text;
}

/// What was typed and belongs nowhere.
std::string unexpected(const CLI::App& app, const CLI::App& verb)
{
    const auto left = app.remaining(true);
    const auto option = std::find_if(left.begin(), left.end(), [](const auto& word) { return word.starts_with('-'); });
    if (option == left.end())
        return fmt::format("'{}' is one argument too many{}", left.empty() ? std::string() : left.front(),
                           options_for_files(verb));
    const std::string name = option->substr(0, option->find('='));
    std::vector<std::string> known;
    for (const CLI::Option* one : verb.get_options())
        if (one->nonpositional()) known.push_back(one->get_name());
    const std::vector<std::string_view> words(known.begin(), known.end());
    std::string text = fmt::format("{}: there is no such option", name);
    if (const auto nearest = config::nearest_word(name, words)) text += fmt::format("; did you mean {}?", *nearest);
    return text;
}

std::string words_of(const CLI::ParseError& wrong, const CommandLine& line, const Way& way)
{
    if (dynamic_cast<const CLI::ExtrasError*>(&wrong)) return unexpected(line.app, *way.at);
    return wrong.what();
}

int finish_output(const std::string& program, int code)
{
    std::cout.flush();
    const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
    if (written || code != 0) return code;
    return say(program,
               "standard output: not everything could be written; check that its reader still runs and the disk has "
               "room",
               1);
}

void add_help(CommandLine& line)
{
    auto words = std::make_shared<std::vector<std::string>>();
    CLI::App* verb = line.app.add_subcommand(help_verb, "What the program or one of its verbs does, and its options");
    verb->add_option("VERB", *words, "The verb, such as `token create`");
    verb->callback([&line, words] {
        const Way way = follow(line.app, *words);
        if (!way.fault.empty()) wrong_usage("VERB", way.fault);
        line.chosen = [way] {
            std::cout << way.at->get_formatter()->make_help(way.at, way.name, CLI::AppFormatMode::Normal);
            return 0;
        };
    });
}

void add_version(CLI::App& app, const std::string& text)
{
    app.set_version_flag("--version", text);
    for (CLI::App* verb : app.get_subcommands({}))
        add_version(*verb, text);
}

int run_chosen(const CommandLine& line, const Way& way)
{
    try {
        return line.chosen();
    } catch (const std::exception& bug) {
        return say(way.name, bug.what(), 1);
    }
}

}    // namespace

int run(CommandLine& line, std::string_view version, int argc, char** argv)
{
    hold_standard_descriptors();
    const std::string program = line.app.get_name();
    if (!verbs_of(line.app).empty()) {
        line.app.require_subcommand(1);
        add_help(line);
    }
    add_version(line.app, fmt::format("{} {}", program, version));

    const std::vector<std::string> words(argv + 1, argv + argc);
    const Way way = follow(line.app, words);
    const std::string see = fmt::format("; `{} --help` explains", way.name);
    if (!way.fault.empty()) return say(way.name, way.fault + see, 2);
    if (const auto argument = empty_argument(words))
        return say(way.name, *argument + ": is empty; give a value or leave it out", 2);
    try {
        line.app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        line.app.exit(asked, std::cout, std::cerr);
        return finish_output(program, 0);
    } catch (const CLI::RequiredError& missing) {
        const auto verbs = verbs_of(*way.at);
        std::string what = missing.what();
        if (!verbs.empty())
            what = line.app.remaining(true).empty() ? fmt::format("name a verb: {}", fmt::join(verbs, ", "))
                                                    : unexpected(line.app, *way.at);
        return say(way.name, what + see, 2);
    } catch (const CLI::ParseError& wrong) {
        return say(way.name, words_of(wrong, line, way) + see, 2);
    }
    if (!line.chosen) return say(way.name, "does nothing here" + see, 2);
    return finish_output(program, run_chosen(line, way));
}

void wrong_usage(const std::string& argument, const std::string& what) { throw CLI::ValidationError(argument, what); }

Result<void> show_once(std::string_view text)
{
    std::signal(SIGPIPE, SIG_IGN);
    std::cout.flush();
    std::fflush(stdout);
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return io_failure(fmt::format("standard output: {}", std::strerror(written < 0 ? errno : ENOSPC)));
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}    // namespace dl::command_line
