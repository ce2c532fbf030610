#include "agent/identity/recorded_attributor.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <tuple>

namespace dl::agent::identity {
namespace {

constexpr std::string_view head =
    "#transport\tclient_address\tclient_port\tserver_address\tserver_port\tuser\tapplication";

using Tuple = std::tuple<Transport, Endpoint, Endpoint>;

class TableAttributor final : public Attributor {
public:
    explicit TableAttributor(std::vector<RecordedConnection> rows)
    {
        for (RecordedConnection& row : rows)
            table_[{row.transport, row.client, row.server}].rows.push_back(std::move(row.identity));
    }

    Identity identify(const flow::Connection& connection) override
    {
        const auto found = table_.find({connection.transport, connection.client, connection.server});
        if (found == table_.end()) return {};
        Entry& entry = found->second;
        if (entry.asked && entry.last_connection != connection.id && entry.at + 1 < entry.rows.size()) ++entry.at;
        entry.asked = true;
        entry.last_connection = connection.id;
        return entry.rows[entry.at];
    }

private:
    struct Entry {
        std::vector<Identity> rows;
        std::size_t at = 0;
        bool asked = false;
        std::uint64_t last_connection = 0;
    };
    std::map<Tuple, Entry> table_;
};

std::optional<std::uint16_t> port_from(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return port;
}

/// What is wrong with the line; empty where nothing is.
std::string read_row(std::string_view line, RecordedConnection& row)
{
    std::array<std::string_view, 7> fields;
    std::size_t count = 0;
    while (true) {
        const auto tab = line.find('\t');
        if (count == fields.size()) return "has more than 7 columns";
        fields[count++] = line.substr(0, tab);
        if (tab == std::string_view::npos) break;
        line.remove_prefix(tab + 1);
    }
    if (count != fields.size()) return fmt::format("has {} columns instead of 7", count);
    if (fields[0] != "tcp" && fields[0] != "udp")
        return fmt::format("transport '{}' is neither tcp nor udp", fields[0]);
    row.transport = fields[0] == "tcp" ? Transport::tcp : Transport::udp;
    for (const std::size_t side : {std::size_t{1}, std::size_t{3}}) {
        const auto address = Address::parse(fields[side]);
        if (!address) return fmt::format("'{}' is no address", fields[side]);
        const auto port = port_from(fields[side + 1]);
        if (!port) return fmt::format("'{}' is no port", fields[side + 1]);
        (side == 1 ? row.client : row.server) = {*address, *port};
    }
    if (!fields[5].empty()) row.identity.user = std::string(fields[5]);
    // What a record names is the program itself: it counts as known, as on the host where it ran.
    if (!fields[6].empty()) row.identity.process = row.identity.application = std::string(fields[6]);
    return {};
}

}    // namespace

std::unique_ptr<Attributor> create_memory_attributor(std::vector<RecordedConnection> rows)
{
    return std::make_unique<TableAttributor>(std::move(rows));
}

Result<std::unique_ptr<Attributor>> create_recorded_attributor(const std::filesystem::path& file)
{
    std::ifstream in(file);
    if (!in)
        return not_found(
            fmt::format("{}: can't be read; give the identities recorded with the capture", file.string()));
    std::vector<RecordedConnection> rows;
    std::string line;
    std::size_t number = 0;
    while (std::getline(in, line)) {
        ++number;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (number == 1) {
            if (line != head)
                return invalid_input(
                    fmt::format("{}:1: the head line is missing; it must begin with #transport and name the 7 "
                                "columns of recorded identities",
                                file.string()));
            continue;
        }
        if (line.empty() || line.front() == '#') continue;
        RecordedConnection row;
        if (const std::string wrong = read_row(line, row); !wrong.empty())
            return invalid_input(fmt::format("{}:{}: {}; mend or remove the line", file.string(), number, wrong));
        rows.push_back(std::move(row));
    }
    if (in.bad()) return io_failure(fmt::format("{}: reading stopped in the middle; check the disk", file.string()));
    if (number == 0)
        return invalid_input(fmt::format("{}:1: the file is empty; it needs its head line", file.string()));
    return create_memory_attributor(std::move(rows));
}

}    // namespace dl::agent::identity
