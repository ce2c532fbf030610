#include "agent/ledger/booker.hpp"

#include "shared/names/host_name.hpp"
#include "shared/names/identifiers.hpp"
#include "shared/wire/limits.hpp"

#include <algorithm>
#include <utility>

namespace dl::agent::ledger {
namespace {

constexpr std::size_t most_pseudonyms = 4096;
constexpr std::uint16_t port_dns = 53;
constexpr std::uint16_t port_mdns = 5353;     // RFC 6762
constexpr std::uint16_t port_llmnr = 5355;    // RFC 4795

/// Multicast, broadcast and unspecified addresses are nobody's service, and what this host says to itself under no name
/// leaves no host.
bool is_nobody(const Address& to, std::string_view name)
{
    const Reach reach = reach_of(to);
    return reach == Reach::group || (reach == Reach::host && name.empty());
}

bool is_below(std::string_view name, std::string_view zone)
{
    if (name.size() < zone.size() || name.substr(name.size() - zone.size()) != zone) return false;
    return name.size() == zone.size() || name[name.size() - zone.size() - 1] == '.';
}

/// .local (RFC 6762 section 3) and reverse lookups (RFC 1035 section 3.5) are no destinations.
bool is_left_out(std::string_view name) { return is_below(name, "local") || is_below(name, "arpa"); }

/// Program names are whatever a program says: what is no printable ASCII becomes '?', and the wire's bound is kept.
std::string printable(std::string_view text)
{
    std::string out(text.substr(0, wire::limits::text));
    for (char& c : out)
        if (c < 0x20 || c > 0x7e) c = '?';
    return out;
}

Timestamp whole_second(Timestamp moment) { return Timestamp{std::chrono::floor<std::chrono::seconds>(moment)}; }

Timestamp at_grain(Timestamp moment, signing::TimeGrain grain)
{
    switch (grain) {
        case signing::TimeGrain::day: return Timestamp{std::chrono::floor<std::chrono::days>(moment)};
        case signing::TimeGrain::hour: return Timestamp{std::chrono::floor<std::chrono::hours>(moment)};
        case signing::TimeGrain::second: break;
    }
    return whole_second(moment);
}

std::string_view without_brackets(std::string_view literal)
{
    if (literal.size() > 2 && literal.front() == '[' && literal.back() == ']')
        return literal.substr(1, literal.size() - 2);
    return literal;
}

}    // namespace

Booker::Booker(BookerRules rules, identity::Attributor& attributor)
    : rules_(std::move(rules)),
      attributor_(attributor),
      own_device_(names::device_pseudonym(rules_.organisation_key, rules_.device))
{
    BookingBounds fixed;
    fixed.dns_only = rules_.dns_only;
    fixed.personal_hosts = rules_.personal_hosts;
    bounds_ = std::make_shared<const BookingBounds>(std::move(fixed));
    look_at_bounds();
}

void Booker::look_at_bounds()
{
    if (!rules_.bounds) return;
    const std::uint64_t version = rules_.bounds->version();
    if (version == bounds_version_) return;
    bounds_ = rules_.bounds->get();
    bounds_version_ = version;
}

Pseudonym Booker::person(const std::string& user)
{
    if (const auto known = pseudonyms_.find("p" + user); known != pseudonyms_.end()) return known->second;
    if (pseudonyms_.size() >= most_pseudonyms) pseudonyms_.clear();
    return pseudonyms_.emplace("p" + user, names::person_pseudonym(rules_.organisation_key, user)).first->second;
}

Pseudonym Booker::device(const flow::Connection& connection)
{
    if (!rules_.device_per_client) return own_device_;
    const std::string client = connection.client.address.to_string();
    if (const auto known = pseudonyms_.find("d" + client); known != pseudonyms_.end()) return known->second;
    if (pseudonyms_.size() >= most_pseudonyms) pseudonyms_.clear();
    // Not through canonical_device(): that keeps only what stands before the first dot.
    const Pseudonym made{hmac_sha256(rules_.organisation_key, "device:" + client)};
    return pseudonyms_.emplace("d" + client, made).first->second;
}

Booker::Who Booker::ask(const flow::Connection& connection)
{
    if (rules_.own && rules_.own->contains(connection)) {
        Who agent;
        agent.own = true;
        return agent;
    }
    const identity::Identity found = attributor_.identify(connection);
    Who who;
    who.program = found.process.has_value();
    if (found.application && !found.application->empty()) who.application = printable(*found.application);
    if (found.user && !found.user->empty()) {
        who.answered = true;
        if (!rules_.system_accounts.contains(*found.user)) who.person = person(*found.user);
    }
    return who;
}

void Booker::opened(const flow::Connection& connection) { open_.insert_or_assign(connection.id, ask(connection)); }

void Booker::closed(const flow::Connection& connection) { open_.erase(connection.id); }

std::optional<wire::Destination> Booker::destination_of(const flow::Connection& connection, const flow::Usage& usage,
                                                        wire::Evidence& evidence) const
{
    wire::Destination to;
    to.transport = connection.transport;
    to.port = connection.server.port;
    if (usage.name.empty()) {
        to.host = connection.server.address.to_string();
        return to;
    }
    if (auto host = names::normalise_host(usage.name)) {
        if (is_left_out(*host)) return std::nullopt;
        to.host = std::move(*host);
        if (!usage.canonical.empty())
            if (auto canonical = names::normalise_host(usage.canonical); canonical && *canonical != to.host)
                to.canonical = std::move(*canonical);
    } else if (names::is_address_literal(usage.name)) {
        to.host = std::string(without_brackets(usage.name));
    } else {
        // What was asked for is no host name: only the address is left to tell.
        to.host = connection.server.address.to_string();
        evidence = wire::Evidence::address_only;
    }
    const PersonalHosts& excluded = bounds_->excluded_hosts;
    if (excluded.contains(to.host) || excluded.contains(to.canonical)) return std::nullopt;
    const PersonalHosts& folded = bounds_->personal_hosts;
    if (to.host == personal || folded.contains(to.host) || folded.contains(to.canonical))
        return wire::Destination{std::string(personal), {}, to.transport, 0};
    return to;
}

std::optional<flow::OpenConnection> Booker::to_keep(const flow::Connection& connection, flow::OpenConnection open) const
{
    if (!bounds_->use) return std::nullopt;
    if (open.evidence == wire::Evidence::dns_query || connection.server.port == port_dns) return std::nullopt;
    if (is_nobody(connection.server.address, open.name) || connection.server.port == port_mdns ||
        connection.server.port == port_llmnr)
        return std::nullopt;
    const auto known = open_.find(connection.id);
    if (known != open_.end() && known->second.own) return std::nullopt;
    open.last = whole_second(open.last);
    if (open.name.empty()) return open;
    if (const auto host = names::normalise_host(open.name); host && is_left_out(*host)) {
        // Of a name that is left out, that it is one.
        open.name = is_below(*host, "arpa") ? "arpa" : "local";
        open.canonical.clear();
        return open;
    }
    flow::Usage usage;
    usage.name = open.name;
    usage.canonical = open.canonical;
    wire::Evidence evidence = open.evidence;
    const auto to = destination_of(connection, usage, evidence);
    if (!to) return std::nullopt;
    if (evidence != open.evidence) {    // no host name: it is reported by its address
        open.named = false;
        open.evidence = evidence;
        open.name.clear();
        open.canonical.clear();
        return open;
    }
    open.name = to->host;
    open.canonical = to->canonical;
    return open;
}

void Booker::used(const flow::Connection& connection, const flow::Usage& usage)
{
    look_at_bounds();
    wire::Evidence evidence = usage.evidence;
    const bool question = evidence == wire::Evidence::dns_query;
    if (question && (!bounds_->dns_only || usage.no_such_name)) return;
    if (is_nobody(connection.server.address, usage.name)) return;
    if (connection.server.port == port_mdns || connection.server.port == port_llmnr) return;
    if (!question && usage.name.empty() && connection.server.port == port_dns) return;

    const auto known = open_.find(connection.id);
    Who once;
    Who* who = known == open_.end() ? &once : &known->second;
    if (who == &once) {
        once = ask(connection);
    } else if (!who->booked && !who->answered && !who->own) {
        *who = ask(connection);
    }
    if (who->own) return;
    const bool first = !who->booked;
    who->booked = true;
    if (booking_ == Booking::skipped || !bounds_->use) return;

    if (!question && first && usage.connections > 0) {
        counted_.connections += 1;
        if (!who->answered) counted_.connections_unattributed += 1;
        if (who->program) counted_.connections_with_program += 1;
    }
    if (usage.hidden_road || evidence == wire::Evidence::hidden_road)
        counted_.bytes_hidden_road += usage.bytes_up + usage.bytes_down;

    const bool is_single_label =
        usage.name.find('.') == std::string_view::npos;    // a search list's, WPAD's, a browser's
    if (question && is_single_label) return;
    auto to = destination_of(connection, usage, evidence);
    if (!to || (question && rules_.own_questions.contains(to->host))) return;
    // Of a program that is not known, an offer tells nothing that could be mended.
    if (usage.offer && who->application && bounds_->applications)
        offers_[{*who->application, usage.offer->version}].merge({usage.offer->protocols, day_of(usage.first_seen)});
    CellKey key{day_of(usage.last_seen), device(connection), {}, {}, std::move(*to), evidence};
    if (bounds_->people) key.person = who->person;
    if (bounds_->applications) key.application = who->application;
    // A share may begin before midnight, a cell may not.
    const signing::TimeGrain grain = bounds_->time_grain;
    const Timestamp first_seen = std::max(at_grain(usage.first_seen, grain), Timestamp{key.day});
    pending_[std::move(key)].add(
        {usage.connections, usage.bytes_up, usage.bytes_down, first_seen, at_grain(usage.last_seen, grain)});
}

Booked Booker::take()
{
    Booked booked;
    booked.counted = std::exchange(counted_, {});
    booked.offers = std::exchange(offers_, {});
    booked.shares.reserve(pending_.size());
    for (auto& [key, value] : pending_)
        booked.shares.push_back({key, value});
    pending_.clear();
    return booked;
}

}    // namespace dl::agent::ledger
