#include "tests/unit/shared/wire/random_report.hpp"

#include "shared/wire/limits.hpp"

namespace dl::wire::tests {
namespace {

using Random = std::mt19937_64;

std::uint64_t below(Random& random, std::uint64_t bound) { return bound == 0 ? 0 : random() % bound; }

/// Small, large and extreme values alike.
std::uint64_t any_count(Random& random)
{
    const std::uint64_t value = random() >> below(random, 64);
    return std::min(value, limits::count);
}

template <class Id>
Id any_id(Random& random)
{
    Id id;
    for (std::uint8_t& byte : id.bytes)
        byte = static_cast<std::uint8_t>(random());
    return id;
}

std::string any_text(Random& random, std::size_t least)
{
    static const std::vector<std::string> pieces = {"a",  "Z",  "0", "-", ".",  "_",    " ",
                                                    "\"", "\\", "/", "é", "日", "🙂", "example"};
    std::string text;
    const std::size_t size = least + below(random, 30);
    while (text.size() < size)
        text += pieces[below(random, pieces.size())];
    return text;
}

Timestamp any_time(Random& random)
{
    constexpr std::uint64_t end = (limits::last_day + 1) * 86'400'000'000ULL;
    const std::uint64_t units[] = {1, 1000, 1'000'000};
    const std::uint64_t unit = units[below(random, 3)];
    return Timestamp{std::chrono::microseconds(static_cast<std::int64_t>(below(random, end) / unit * unit))};
}

std::uint32_t index_or_unknown(Random& random, std::size_t size)
{
    return size == 0 || below(random, 4) == 0 ? unknown : static_cast<std::uint32_t>(below(random, size));
}

}    // namespace

Report random_report(Random& random, std::size_t most_cells)
{
    Report r;
    r.agent = any_id<AgentId>(random);
    r.observer = static_cast<ObserverKind>(1 + below(random, 3));
    r.epoch = any_id<Epoch>(random);
    r.revision_from = any_count(random);
    r.revision_to = any_count(random);
    if (below(random, 2)) r.last_receipt = any_id<Receipt>(random);
    if (below(random, 2)) r.last_store = any_id<StoreIncarnation>(random);
    r.sent_at = any_time(random);
    r.agent_version = any_text(random, 0);
    for (std::uint64_t* counter :
         {&r.counters.packets, &r.counters.packets_dropped, &r.counters.connections,
          &r.counters.connections_unattributed, &r.counters.cells_dropped, &r.counters.gap_seconds,
          &r.counters.bytes_hidden_road, &r.counters.connections_with_program})
        *counter = any_count(random);
    for (std::size_t n = below(random, 5); n > 0; --n)
        r.devices.push_back(any_id<Pseudonym>(random));
    for (std::size_t n = below(random, 5); n > 0; --n)
        r.persons.push_back(any_id<Pseudonym>(random));
    for (std::size_t n = below(random, 5); n > 0; --n)
        r.applications.push_back(any_text(random, 0));
    for (std::size_t n = below(random, 12); n > 0; --n) {
        Destination d{any_text(random, 1), below(random, 2) ? any_text(random, 0) : "", Transport::udp,
                      static_cast<std::uint16_t>(random())};
        const Transport transports[] = {Transport::tcp, Transport::udp, Transport::other};
        d.transport = transports[below(random, 3)];
        r.destinations.push_back(std::move(d));
    }
    if (!r.applications.empty())
        for (std::size_t n = below(random, 6); n > 0; --n)
            r.offers.push_back(
                {static_cast<std::uint32_t>(below(random, r.applications.size())),
                 static_cast<TlsVersion>(0x0300 + below(random, 5)),
                 static_cast<Protocols>(below(random, all_protocols + 1)),
                 Day{std::chrono::days(static_cast<std::int64_t>(below(random, limits::last_day + 1)))}});
    if (r.devices.empty() || r.destinations.empty()) return r;
    const bool whole_seconds = below(random, 2) == 0;
    for (std::size_t n = below(random, most_cells + 1); n > 0; --n) {
        Cell c;
        c.day = Day{std::chrono::days(static_cast<std::int64_t>(below(random, limits::last_day + 1)))};
        c.device = static_cast<std::uint32_t>(below(random, r.devices.size()));
        c.person = index_or_unknown(random, r.persons.size());
        c.application = index_or_unknown(random, r.applications.size());
        c.destination = static_cast<std::uint32_t>(below(random, r.destinations.size()));
        c.evidence = static_cast<Evidence>(1 + below(random, 11));
        c.connections = any_count(random);
        c.bytes_up = any_count(random);
        c.bytes_down = any_count(random);
        c.first_seen = any_time(random);
        c.last_seen = any_time(random);
        if (whole_seconds) {
            c.first_seen = std::chrono::floor<std::chrono::seconds>(c.first_seen);
            c.last_seen = std::chrono::floor<std::chrono::seconds>(c.last_seen);
        }
        c.revision = any_count(random);
        r.cells.push_back(c);
    }
    return r;
}

Report ordinary_report(Random& random, std::size_t cells)
{
    static const std::vector<std::string> labels = {"www",    "api",       "app",  "login", "static", "events",
                                                    "cdn-7",  "eu-west-1", "mail", "drive", "assets", "img",
                                                    "status", "sync",      "edge", "m"};
    static const std::vector<std::string> middles = {"salesdesk", "teamboard", "cloudfiles", "paperflow",
                                                     "metrics",   "mailer",    "office",     "meeting",
                                                     "crmhub",    "designs",   "payrolls",   "trackit"};
    static const std::vector<std::string> ends = {"com", "net", "io", "example", "co.uk", "app"};
    Report r;
    r.agent = any_id<AgentId>(random);
    r.epoch = any_id<Epoch>(random);
    r.revision_from = 40'000;
    r.revision_to = 40'000 + cells;
    r.last_receipt = any_id<Receipt>(random);
    r.last_store = any_id<StoreIncarnation>(random);
    const Timestamp noon = Timestamp{Day{std::chrono::days(20'000)}} + std::chrono::hours(12);
    r.sent_at = noon;
    r.agent_version = "0.1.0";
    r.counters = {8'123'456, 0, 54'321, 17, 0, 0, 1'234'567};
    r.devices.push_back(any_id<Pseudonym>(random));
    r.persons.push_back(any_id<Pseudonym>(random));
    r.applications = {"firefox", "chrome", "thunderbird", "code", "slack"};
    for (std::size_t i = 0; i < cells; ++i) {
        const std::string domain = middles[below(random, middles.size())] + std::to_string(below(random, 90)) + '.' +
                                   ends[below(random, ends.size())];
        Destination d{labels[below(random, labels.size())] + '.' + domain, "", Transport::tcp, 443};
        if (below(random, 3) == 0) d.canonical = "d" + std::to_string(random() % 1'000'000) + ".edge.example.net";
        if (below(random, 4) == 0) d.transport = Transport::udp;
        r.destinations.push_back(std::move(d));
        Cell c;
        c.day = day_of(noon);
        c.person = 0;
        c.application = static_cast<std::uint32_t>(below(random, r.applications.size()));
        c.destination = static_cast<std::uint32_t>(i);
        c.evidence = r.destinations.back().transport == Transport::udp ? Evidence::quic_sni : Evidence::tls_sni;
        c.connections = 1 + below(random, 20);
        c.bytes_up = 600 + below(random, 30'000);
        c.bytes_down = 3000 + below(random, 3'000'000);
        c.first_seen = noon - std::chrono::seconds(below(random, 14'400));
        c.last_seen = c.first_seen + std::chrono::seconds(below(random, 3600));
        c.revision = r.revision_from + 1 + i;
        r.cells.push_back(c);
    }
    return r;
}

}    // namespace dl::wire::tests
