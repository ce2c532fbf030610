// daylight-agent run: watches, keeps the ledger, reports.
#include "agent/commands/commands.hpp"
#include "agent/commands/verb.hpp"
#include "agent/service/run_agent.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace dl::agent::commands {
namespace {

struct Options {
    std::string config;
    bool once = false;
    bool verbose = false;
};

int run(const Options& options)
{
    const auto settings = load_settings(options.config);
    if (!settings) return fail("run", settings.error());
    if (options.once && settings->capture_file.empty())
        return fail("run", invalid_input("--once reads a capture to its end; set capture_file, or leave --once out"));
    spdlog::set_default_logger(spdlog::stderr_color_mt("daylight-agent"));
    if (options.verbose) spdlog::set_level(spdlog::level::debug);
    const auto ended =
        service::run_agent(*settings, options.once ? service::Ending::when_acknowledged : service::Ending::when_told);
    return ended ? 0 : fail("run", ended.error());
}

}    // namespace

void add_run(CommandLine& line)
{
    auto options = std::make_shared<Options>();
    CLI::App* verb =
        line.app.add_subcommand("run", "Watch this host's traffic, keep the ledger and report to the collector");
    add_config_option(*verb, options->config);
    verb->add_flag("--once", options->once, "Read capture_file to its end, report until all is acknowledged, exit");
    verb->add_flag("--verbose", options->verbose, "Say more on stderr");
    verb->callback([&line, options] { line.chosen = [options] { return run(*options); }; });
}

}    // namespace dl::agent::commands
