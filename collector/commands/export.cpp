// export: figures for other systems. Not built yet; the verb names what gives the same figures today.
#include "collector/commands/commands.hpp"
#include "collector/commands/workspace.hpp"

#include <memory>

namespace dl::collector::commands {

void add_export(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("export", "Figures for other systems (no exporter is built yet)");
    auto config_file = std::make_shared<std::string>();
    add_config_option(*verb, *config_file);
    verb->callback([&line, config_file] {
        line.chosen = [] {
            return fail("export",
                        not_found("the exporters (CSV and NDJSON of cells, OCSF) are missing; `findings`, `portfolio` "
                                  "and `coverage` with --format csv or jsonl give the released figures"));
        };
    });
}

}    // namespace dl::collector::commands
