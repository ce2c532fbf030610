// How fast the embedded store takes cells, how small it keeps them and how soon it answers, beside a bare C loop over
// SQLite (sqlbench.c: fill and upsert with the same rows, order, batches and synchronous=FULL, but no ids, no
// dimensions and no roll-ups).
#include "collector/store/sqlite/open.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace dl;
using namespace dl::collector::store;
namespace fs = std::filesystem;

constexpr int days = 30;
constexpr int first_day = 19'900;
constexpr int cells_per_report = 100;
constexpr int reports_per_commit = 50;
constexpr int commits_per_round = 20;
constexpr int destinations = 20'000;
constexpr int labels = 2'000;
constexpr int applications = 400;
constexpr int units = 50;

double seconds_since(std::chrono::steady_clock::time_point begin)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values)
{
    if (values.empty()) return 0;
    std::ranges::sort(values);
    return values[values.size() / 2];
}

void print(const std::string& name, const std::string& value, const std::string& unit, const std::string& target = "",
           const std::string& verdict = "")
{
    fmt::print("{}\t{}\t{}\t{}\t{}\n", name, value, unit, target, verdict);
    std::fflush(stdout);
}

template <class T>
T need(Result<T> result)
{
    if (!result) throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

template <class IdType>
IdType scattered(std::uint64_t number)
{
    std::mt19937_64 random(number * 2654435761U + IdType::size);
    IdType id;
    for (std::uint8_t& byte : id.bytes)
        byte = static_cast<std::uint8_t>(random());
    return id;
}

class Load {
public:
    Load(const fs::path& file, int devices)
        : devices_(devices), store_(need(open_sqlite_usage_store(file, Open::create)))
    {}

    UsageStore& store() { return *store_; }

    /// The last connection to close moves the write-ahead log into the file.
    void reopen(const fs::path& file)
    {
        store_.reset();
        store_ = need(open_sqlite_usage_store(file, Open::read_write));
    }

    /// One agent's report of its day: `fresh` of a hundred cells go to destinations it had not used before.
    FoldedReport report(int device, int day, int fresh)
    {
        FoldedReport report;
        report.agent = scattered<AgentId>(static_cast<std::uint64_t>(device));
        report.epoch = scattered<Epoch>(static_cast<std::uint64_t>(device));
        report.agent_version = "bench";
        report.revision_to = ++revision_;
        report.devices = {scattered<Pseudonym>(static_cast<std::uint64_t>(device))};
        report.persons = {scattered<Pseudonym>(1'000'000 + static_cast<std::uint64_t>(device))};
        for (int i = 0; i < cells_per_report; ++i) {
            const bool is_fresh = i < fresh;
            // A device has its own hundred destinations, nearer the popular end the more often.
            const double u = is_fresh ? std::uniform_real_distribution<>(0, 1)(random_)
                                      : (i + device % 7 * 0.1) / (cells_per_report + 1);
            const int destination =
                std::min(destinations - 1, static_cast<int>(u * u * u * destinations) + (is_fresh ? device % 11 : 0));
            report.destinations.push_back(
                {fmt::format("host{}.service{}.example", destination, destination % labels), "", Transport::tcp, 443});
            report.applications.push_back(fmt::format("app{}", (device * 31 + destination * 7) % applications));
            wire::Cell cell;
            cell.day = Day(std::chrono::days(first_day + day));
            cell.person = 0;
            cell.application = static_cast<std::uint32_t>(i);
            cell.destination = static_cast<std::uint32_t>(i);
            cell.evidence = wire::Evidence::tls_sni;
            const std::uint64_t h = random_();
            cell.connections = 1 + h % 20;
            cell.bytes_up = 500 + (h >> 8) % 200'000;
            cell.bytes_down = 2000 + (h >> 24) % 5'000'000;
            cell.first_seen = cell.day + std::chrono::seconds((h >> 40) % 80'000);
            cell.last_seen = cell.first_seen + std::chrono::seconds((h >> 50) % 6'000);
            cell.revision = revision_;
            report.cells.push_back(cell);
        }
        return report;
    }

    void fill(std::uint64_t cells)
    {
        const auto per_day = static_cast<int>(cells / days / static_cast<std::uint64_t>(devices_));
        const int reports_per_day = std::max(1, per_day / cells_per_report);
        std::vector<FoldedReport> batch;
        for (int day = 0; day < days; ++day)
            for (int device = 0; device < devices_; ++device)
                for (int n = 0; n < reports_per_day; ++n) {
                    batch.push_back(report(device, day, n * 10));
                    if (batch.size() == reports_per_commit) flush(batch);
                }
        flush(batch);
        label();
    }

    /// Seconds for commits of today's reports by random devices, with the roll-ups brought up to date.
    double round()
    {
        double taken = 0;
        std::vector<FoldedReport> batch;
        for (int commit = 0; commit < commits_per_round; ++commit) {
            batch.clear();
            for (int i = 0; i < reports_per_commit; ++i)
                batch.push_back(report(std::uniform_int_distribution<>(0, devices_ - 1)(random_), days - 1, 30));
            const auto begin = std::chrono::steady_clock::now();
            need(store_->commit(batch));
            taken += seconds_since(begin);
        }
        const auto begin = std::chrono::steady_clock::now();
        label();
        while (need(store_->refresh(100'000)) > 0) {
        }
        return taken + seconds_since(begin);
    }

private:
    void flush(std::vector<FoldedReport>& batch)
    {
        if (batch.empty()) return;
        need(store_->commit(batch));
        batch.clear();
    }

    void label()
    {
        Dimensions d;
        d.stamp = "bench";
        for (const KnownDestination& known : need(store_->destinations(true))) {
            const std::string& host = known.destination.host;
            const std::string service = host.substr(host.find('.') + 1, host.rfind('.') - host.find('.') - 1);
            const int number = std::atoi(service.c_str() + 7);
            d.destinations.push_back(
                {known.id, number % 5 == 0 ? "noise" : "service", service, fmt::format("capability{}", number % 40)});
        }
        for (int device = 0; device < devices_; ++device)
            d.people.push_back({scattered<Pseudonym>(1'000'000 + static_cast<std::uint64_t>(device)),
                                fmt::format("unit{}", device % units)});
        need(store_->label(d));
    }

    int devices_;
    std::mt19937_64 random_{7};
    std::uint64_t revision_ = 0;
    std::unique_ptr<UsageStore> store_;
};

/// rows/s that the bare loop tells of itself; 0 where it can't be run.
double bare(const std::string& command)
{
    FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) return 0;
    std::string text;
    char buffer[512];
    while (std::fgets(buffer, sizeof buffer, pipe))
        text += buffer;
    pclose(pipe);
    const auto at = text.find("rows/s=");
    return at == std::string::npos ? 0 : std::atof(text.c_str() + at + 7);
}

void time_report(UsageStore& store, const std::string& name, const Query& query, const std::string& target)
{
    std::vector<double> taken;
    std::size_t rows = 0;
    for (int run = 0; run < 9; ++run) {
        const auto begin = std::chrono::steady_clock::now();
        rows = need(store.report(query)).size();
        taken.push_back(seconds_since(begin) * 1e3);
    }
    const double worst = std::ranges::max(taken);
    print(fmt::format("report {} ({} rows), median", name, rows), fmt::format("{:.1f}", median(taken)), "ms");
    print(fmt::format("report {}, worst of 9", name), fmt::format("{:.1f}", worst), "ms", target,
          target.empty()                           ? ""
          : worst <= std::atof(target.c_str() + 3) ? "met"
                                                   : "missed");
}

void run(std::uint64_t cells, int rounds, const fs::path& directory, const std::string& floor)
{
    const int devices = static_cast<int>(std::max<std::uint64_t>(1, cells / days / cells_per_report));
    const fs::path file = directory / "store_bench.sqlite", floor_file = directory / "floor.sqlite";
    for (const fs::path& old : {file, floor_file})
        for (const char* suffix : {"", "-wal", "-shm"})
            fs::remove(old.string() + suffix);

    Load load(file, devices);
    auto begin = std::chrono::steady_clock::now();
    load.fill(cells);
    while (need(load.store().refresh(100'000)) > 0) {
    }
    const double filled = seconds_since(begin);
    const auto total = need(load.store().totals(Day::min(), Day::max())).cells;
    print("cells stored", fmt::format("{}", total), "cells");
    print("fill, labels and roll-ups", fmt::format("{:.0f}", static_cast<double>(total) / filled), "cells/s");
    load.reopen(file);
    const double size = static_cast<double>(fs::file_size(file));
    const double per_cell = size / static_cast<double>(total);
    print("bytes per cell, all roll-ups", fmt::format("{:.1f}", per_cell), "B", "<= 70",
          per_cell <= 70 ? "met" : "missed");

    if (!floor.empty()) bare(fmt::format("'{}' fill '{}' {} {} {}", floor, floor_file.string(), cells, days, devices));
    std::vector<double> own, peer, ratio;
    for (int i = 0; i < rounds; ++i) {
        const double theirs =
            floor.empty()
                ? 0
                : bare(fmt::format("'{}' upsert '{}' FULL 70 {} {} 1 dev 16000 64", floor, floor_file.string(),
                                   commits_per_round, reports_per_commit * cells_per_report));
        const double ours = commits_per_round * reports_per_commit * cells_per_report / load.round();
        own.push_back(ours);
        if (theirs > 0) peer.push_back(theirs), ratio.push_back(ours / theirs);
    }
    print("commit durable and rolled up, median", fmt::format("{:.0f}", median(own)), "cells/s");
    print("bare C loop, median", peer.empty() ? "" : fmt::format("{:.0f}", median(peer)), "rows/s", "",
          peer.empty() ? "not run" : "");
    print("store / bare C loop, median", ratio.empty() ? "" : fmt::format("{:.2f}", median(ratio)), "x", ">= 0.6",
          ratio.empty()          ? "not run"
          : median(ratio) >= 0.6 ? "met"
                                 : "missed");

    const auto day = [](int n) { return Day(std::chrono::days(first_day + n)); };
    Query query;
    query.from = day(0);
    query.to = day(days);
    const std::string target = "<= 50";
    query.by = {By::unit, By::label, By::kind};
    time_report(load.store(), "unit x label, month", query, target);
    query.by = {By::label, By::kind, By::capability};
    time_report(load.store(), "label, month", query, target);
    query.by = {By::unit, By::capability};
    time_report(load.store(), "unit x capability, month", query, target);
    query.by = {By::label, By::kind};
    query.unit = "unit7";
    time_report(load.store(), "one unit's labels, month", query, target);
    query.from = day(14);
    query.to = day(21);
    time_report(load.store(), "one unit's labels, week", query, target);
    query.unit.reset();
    time_report(load.store(), "label, week", query, target);
    query.by = {By::day, By::kind};
    query.from = day(0);
    query.to = day(days);
    time_report(load.store(), "day x kind, month", query, target);
    query.by = {By::destination};
    query.label = "service7";
    time_report(load.store(), "destinations of one label, month (facts)", query, "");
    for (const fs::path& old : {file, floor_file})
        for (const char* suffix : {"", "-wal", "-shm"})
            fs::remove(old.string() + suffix);
}

}    // namespace

int main(int argc, char** argv)
{
    CLI::App app{"Measures the embedded store"};
    std::uint64_t cells = 1'000'000;
    int rounds = 5;
    std::string directory = ".", floor;
    app.add_option("--cells", cells, "Cells to fill the store with")->capture_default_str();
    app.add_option("--rounds", rounds, "Rounds of commits, alternating with the bare loop")->capture_default_str();
    app.add_option("--directory", directory, "Where the files are made: the disk that is measured")
        ->capture_default_str();
    app.add_option("--floor", floor, "The compiled sqlbench.c; left empty, its cells stay empty");
    CLI11_PARSE(app, argc, argv);
    try {
        run(cells, rounds, directory, floor);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "store_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
