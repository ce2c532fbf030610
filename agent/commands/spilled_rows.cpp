#include "agent/commands/spilled_rows.hpp"

#include <cstring>
#include <string>

namespace dl::agent::commands {
namespace {

/// Addresses of 17 octets (their family last), port 2, transport, evidence; then name, app and user: whether it is
/// known, length 4, octets. Numbers as this machine writes them.
class Packer {
public:
    explicit Packer(std::string& out) : out_(out) {}
    template <class Number>
    void number(Number value)
    {
        out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void address(const Address& address)
    {
        out_.append(reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size());
        number(address.family);
    }
    void text(const std::string* text)
    {
        number(static_cast<std::uint32_t>(text == nullptr ? no_text : text->size()));
        if (text != nullptr) out_ += *text;
    }
    static constexpr std::uint32_t no_text = 0xffffffffU;

private:
    std::string& out_;
};

class Unpacker {
public:
    explicit Unpacker(std::span<const std::uint8_t> bytes) : left_(bytes) {}
    template <class Number>
    void number(Number& value)
    {
        std::memcpy(&value, left_.data(), sizeof value);
        left_ = left_.subspan(sizeof value);
    }
    void address(Address& address)
    {
        number(address.bytes);
        number(address.family);
    }
    void text(std::optional<std::string>& text)
    {
        std::uint32_t length = 0;
        number(length);
        text.reset();
        if (length == Packer::no_text) return;
        text.emplace(reinterpret_cast<const char*>(left_.data()), length);
        left_ = left_.subspan(length);
    }

private:
    std::span<const std::uint8_t> left_;
};

/// Without a name SQLite makes a file of its own in TMPDIR or /var/tmp.
ledger::Connection open_temporary()
{
    ledger::Connection file("", ledger::Connection::Mode::existing);
    file.execute("PRAGMA journal_mode=OFF");
    file.execute("PRAGMA synchronous=OFF");
    file.execute("PRAGMA temp_store=FILE");
    file.execute("PRAGMA cache_size=-1024");    // KiB; what is sorted at once is as much
    file.execute("CREATE TABLE spilled (key BLOB NOT NULL, connections INTEGER NOT NULL, up INTEGER NOT NULL, "
                 "down INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL)");
    return file;
}

}    // namespace

SpilledRows::SpilledRows()
    : file_(open_temporary()), insert_(file_.get(), "INSERT INTO spilled VALUES (?, ?, ?, ?, ?, ?)")
{}

void SpilledRows::add_one(const InternedRow& row)
{
    static thread_local std::string key;
    key.clear();
    Packer pack(key);
    pack.address(row.key.client);
    pack.address(row.key.server);
    pack.number(row.key.port);
    pack.number(row.key.transport);
    pack.number(row.key.evidence);
    pack.text(row.key.name);
    pack.text(row.key.app);
    pack.text(row.key.user);
    insert_.bind(1, std::span(reinterpret_cast<const std::uint8_t*>(key.data()), key.size()))
        .bind(2, static_cast<std::int64_t>(row.figures.connections))
        .bind(3, static_cast<std::int64_t>(row.figures.bytes_up))
        .bind(4, static_cast<std::int64_t>(row.figures.bytes_down))
        .bind(5, static_cast<std::int64_t>(row.figures.first_seen.time_since_epoch().count()))
        .bind(6, static_cast<std::int64_t>(row.figures.last_seen.time_since_epoch().count()));
    insert_.run();
}

void SpilledRows::for_each(const Visit& visit)
{
    ledger::Statement rows(file_.get(), "SELECT key, sum(connections), sum(up), sum(down), min(first), max(last) "
                                        "FROM spilled GROUP BY key ORDER BY min(rowid)");
    const auto moment = [&](int column) { return Timestamp{std::chrono::microseconds(rows.integer(column))}; };
    OwnKey key;
    while (rows.step()) {
        Unpacker unpack(rows.blob(0));
        unpack.address(key.client);
        unpack.address(key.server);
        unpack.number(key.port);
        unpack.number(key.transport);
        unpack.number(key.evidence);
        unpack.text(key.name);
        unpack.text(key.app);
        unpack.text(key.user);
        visit(key, {static_cast<std::uint64_t>(rows.integer(1)), static_cast<std::uint64_t>(rows.integer(2)),
                    static_cast<std::uint64_t>(rows.integer(3)), moment(4), moment(5)});
    }
}

}    // namespace dl::agent::commands
