#include "agent/ledger/sqlite_ledger.hpp"

namespace dl::agent::ledger {
namespace {

constexpr std::size_t octets_of_an_end = 8;    // little-endian

std::string packed(const std::vector<std::uint64_t>& ends)
{
    std::string octets;
    for (const std::uint64_t end : ends)
        for (std::size_t i = 0; i < octets_of_an_end; ++i)
            octets.push_back(static_cast<char>(end >> 8U * i));
    return octets;
}

std::vector<std::uint64_t> unpacked(std::span<const std::uint8_t> octets)
{
    std::vector<std::uint64_t> ends;
    for (; octets.size() >= octets_of_an_end; octets = octets.subspan(octets_of_an_end)) {
        std::uint64_t end = 0;
        for (std::size_t i = octets_of_an_end; i > 0; --i)
            end = end << 8U | octets[i - 1];
        ends.push_back(end);
    }
    return ends;
}

std::span<const std::uint8_t> bytes_of(const std::string& text)
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}    // namespace

Result<std::vector<FilePosition>> SqliteLedger::positions()
{
    std::vector<FilePosition> found;
    const auto done = guarded([&] {
        Statement read(connection_.get(), "SELECT file, packets, finished, ends, marks FROM positions");
        while (read.step()) {
            FilePosition& position = found.emplace_back();
            const auto file = read.blob(0);
            if (file.size() != position.file.size())
                throw std::runtime_error("a file's position has no name; the file is damaged");
            std::copy(file.begin(), file.end(), position.file.begin());
            position.packets = static_cast<std::uint64_t>(read.integer(1));
            position.ends = unpacked(read.blob(3));
            if (position.ends.empty() && read.integer(2) != 0) position.ends.push_back(position.packets);
            const auto marks = read.blob(4);
            position.marks.assign(marks.begin(), marks.end());
        }
    });
    if (!done) return done.error();
    return found;
}

void SqliteLedger::keep_position(const FilePosition& position)
{
    const bool finished = !position.ends.empty() && position.ends.back() == position.packets;
    const std::string ends = packed(position.ends);
    Statement(connection_.get(),
              "INSERT INTO positions (file, packets, finished, ends, marks) VALUES (?1, ?2, ?3, ?4, ?5) "
              "ON CONFLICT DO UPDATE SET packets = excluded.packets, finished = excluded.finished, "
              "ends = excluded.ends, marks = excluded.marks")
        .bind(1, position.file)
        .bind(2, number(position.packets))
        .bind(3, std::int64_t{finished})
        .bind(4, bytes_of(ends))
        .bind(5, bytes_of(position.marks))
        .run();
}

}    // namespace dl::agent::ledger
