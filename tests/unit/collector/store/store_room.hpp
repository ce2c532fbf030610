// What the store's tests share: a directory that goes away, and reports built cell by cell.
#pragma once

#include "collector/store/sqlite/open.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace dl::collector::store {

class TemporaryDirectory {
public:
    TemporaryDirectory()
    {
        std::string name = (std::filesystem::temp_directory_path() / "daylight-store-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
        path_ = name;
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

template <class T>
T numbered(std::uint64_t number)
{
    T id;
    for (std::size_t i = 0; i < 8; ++i)
        id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    id.bytes[T::size - 1] = 0xD1;
    return id;
}

inline Day day(int number) { return Day(std::chrono::days(20'000 + number)); }

/// One cell in the words of a test. Person 0: unknown.
struct Used {
    int day = 0;
    int device = 1;
    int person = 1;
    std::string host = "app.example.net";
    std::uint64_t connections = 1;
    std::uint64_t up = 100;
    std::uint64_t down = 1000;
    wire::Evidence evidence = wire::Evidence::tls_sni;
    std::string application = {};
    int first_minute = 60;
    int last_minute = 120;
    std::uint16_t port = 443;
};

/// Builds a report; every cell brings its own table entries, as a careless but correct agent would.
class ReportBuilder {
public:
    explicit ReportBuilder(int agent, int epoch = 1, wire::ObserverKind kind = wire::ObserverKind::endpoint)
    {
        report_.agent = numbered<AgentId>(static_cast<std::uint64_t>(agent));
        report_.epoch = numbered<Epoch>(static_cast<std::uint64_t>(agent) * 1000 + static_cast<std::uint64_t>(epoch));
        report_.observer = kind;
        report_.agent_version = "1.0";
    }
    ReportBuilder& add(const Used& used)
    {
        wire::Cell cell;
        cell.day = day(used.day);
        cell.device = static_cast<std::uint32_t>(report_.devices.size());
        report_.devices.push_back(numbered<Pseudonym>(static_cast<std::uint64_t>(used.device)));
        if (used.person != 0) {
            cell.person = static_cast<std::uint32_t>(report_.persons.size());
            report_.persons.push_back(numbered<Pseudonym>(100'000 + static_cast<std::uint64_t>(used.person)));
        }
        if (!used.application.empty()) {
            cell.application = static_cast<std::uint32_t>(report_.applications.size());
            report_.applications.push_back(used.application);
        }
        cell.destination = static_cast<std::uint32_t>(report_.destinations.size());
        report_.destinations.push_back({used.host, "", Transport::tcp, used.port});
        cell.evidence = used.evidence;
        cell.connections = used.connections;
        cell.bytes_up = used.up;
        cell.bytes_down = used.down;
        cell.first_seen = cell.day + std::chrono::minutes(used.first_minute);
        cell.last_seen = cell.day + std::chrono::minutes(used.last_minute);
        cell.revision = ++report_.revision_to;
        report_.cells.push_back(cell);
        return *this;
    }
    ReportBuilder& revisions(std::uint64_t from, std::uint64_t to)
    {
        report_.revision_from = from;
        report_.revision_to = to;
        return *this;
    }
    [[nodiscard]] FoldedReport& report() { return report_; }

private:
    FoldedReport report_;
};

inline std::unique_ptr<UsageStore> open_usage(const std::filesystem::path& file, Open how)
{
    auto opened = open_sqlite_usage_store(file, how);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
}

inline void commit(UsageStore& store, const std::vector<FoldedReport>& reports)
{
    const auto held = store.commit(reports);
    ASSERT_TRUE(held.has_value()) << held.error().message;
    ASSERT_EQ(held->size(), reports.size());
}

inline std::vector<Row> rows(UsageStore& store, std::set<By> by, int from = 0, int to = 1000)
{
    Query query;
    query.from = day(from);
    query.to = day(to);
    query.by = std::move(by);
    auto answer = store.report(query);
    if (!answer) throw std::runtime_error(answer.error().message);
    return std::move(*answer);
}

/// Runs SQL on a store's file past the store: what a disk, an attacker or an older program does.
inline void execute(const std::filesystem::path& file, const std::string& sql)
{
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
    char* message = nullptr;
    ASSERT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
    sqlite3_close(database);
}

/// A report's rows as text, so that a difference can be read.
inline std::vector<std::string> lines(const std::vector<Row>& rows)
{
    std::vector<std::string> lines;
    for (const Row& r : rows)
        lines.push_back(
            fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{} people={} devices={} nobody={} days={} n={} up={} down={} {} {}",
                        r.day ? to_iso_date(*r.day) : "", r.unit, r.kind, r.label, r.capability, r.host, r.canonical,
                        r.evidence, r.observer, r.application, r.people, r.devices, r.devices_without_person, r.days,
                        r.connections, r.bytes_up, r.bytes_down, to_rfc3339(r.first_seen), to_rfc3339(r.last_seen)));
    return lines;
}

}    // namespace dl::collector::store
