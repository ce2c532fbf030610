// The catalogue as loaded from files: checks that need all of it, then one index for services and noise, one for
// internal hosts.
#include "collector/catalog/catalog_source.hpp"
#include "collector/catalog/suffix_index.hpp"
#include "shared/names/host_name.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

namespace dl::collector::catalog {
namespace {

struct Rule {
    Kind kind = Kind::unknown;
    bool edge = false;    ///< a shared edge: says nothing about who is behind it
    std::uint32_t service = 0;
    std::string vendor;    ///< of a vendor's own site
    std::string pattern;
    std::string id;
    std::string role;
    std::string label;
    Place place;
    bool local = false;
};

constexpr std::string_view hosted = "hosted";
constexpr std::string_view storage = "storage";

/// Lets a map with text keys be asked by a view.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
constexpr std::string_view private_network =
    "private-network";    ///< what an inner address is, of which nothing is listed

class FileCatalog final : public Catalog {
public:
    explicit FileCatalog(std::size_t patterns) : hosts_(patterns), internal_(64) {}

    Result<void> build(CatalogSource source);

    Match match(std::string_view host, std::string_view canonical) const override;
    const Service* service(std::string_view id) const override;
    const std::vector<Service>& services() const override { return services_; }
    const std::vector<Category>& categories() const override { return categories_; }
    std::size_t pattern_count() const override { return rules_.size(); }
    std::string_view version() const override { return version_; }

private:
    Result<void> add(SuffixIndex& index, const Pattern& pattern, Rule rule);
    Result<void> add_network(const SourceNetwork& source, std::uint32_t service, const std::string& id);
    Result<void> check_noise(const SourceNoise& noise) const;
    void add_twins();
    void note_vendors();
    [[nodiscard]] Match match_address(const Address& address, std::string text) const;
    [[nodiscard]] Match answer(const Rule& rule, std::string_view host) const;

    std::vector<Category> categories_;
    std::vector<Service> services_;
    std::vector<Rule> rules_;
    std::unordered_map<std::string_view, std::size_t> by_id_;
    std::unordered_map<std::string, const Rule*> owned_domains_;         // only while building
    std::vector<std::pair<Pattern, SuffixIndex::RuleNumber>> listed_;    // of hosts_, only while building
    SuffixIndex hosts_;
    SuffixIndex internal_;
    std::vector<std::pair<Network, std::size_t>> networks_;    ///< with the number of the rule; longest prefix first
    /// Whose registrable domain it is; empty where several vendors have hosts below it.
    std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> vendors_;
    std::string version_;
};

/// Who holds it, for messages: "service 'slack'" or "noise 'ads'".
std::string holder(const Rule& rule) { return (rule.kind == Kind::noise ? "noise '" : "service '") + rule.id + "'"; }

Result<void> FileCatalog::add(SuffixIndex& index, const Pattern& pattern, Rule rule)
{
    const auto number = static_cast<SuffixIndex::RuleNumber>(rules_.size());
    const auto held = index.add(pattern, number);
    if (held != SuffixIndex::none) {
        const Rule& other = rules_[held];
        if (other.local && !rule.local) return {};    // the organisation's own word stands
        if (!rule.local || other.local)
            return invalid_input(rule.place.text() + ": '" + pattern.text + "' of " + holder(rule) + " is listed for " +
                                 holder(other) + " at " + other.place.text() + "; keep one of the two");
        index.replace(pattern, number);
    }
    if (&index == &hosts_) listed_.emplace_back(pattern, number);
    rules_.push_back(std::move(rule));
    return {};
}

Result<void> FileCatalog::add_network(const SourceNetwork& source, std::uint32_t service, const std::string& id)
{
    for (const auto& [network, number] : networks_)
        if (network.base == source.network.base && network.bits == source.network.bits)
            return invalid_input(source.place.text() + ": '" + source.network.text + "' is listed for " +
                                 holder(rules_[number]) + " at " + rules_[number].place.text() +
                                 "; keep one of the two");
    Rule rule;
    rule.kind = Kind::internal;
    rule.service = service;
    rule.pattern = source.network.text;
    rule.id = id;
    rule.role = "app";
    rule.label = id;
    rule.place = source.place;
    networks_.emplace_back(source.network, rules_.size());
    rules_.push_back(std::move(rule));
    return {};
}

/// An apex is noise only where no service has a host below it: js.hubspot.com must not take app.hubspot.com along.
Result<void> FileCatalog::check_noise(const SourceNoise& noise) const
{
    for (const SourcePattern& host : noise.hosts) {
        if (host.pattern.shape != Pattern::Shape::suffix || host.role == "shared" || host.role == storage) continue;
        if (names::registrable_domain(host.pattern.suffix) != host.pattern.suffix) continue;
        const auto owner = owned_domains_.find(host.pattern.suffix);
        if (owner != owned_domains_.end() && !owner->second->local)
            return invalid_input(host.place.text() + ": '" + host.pattern.text + "' would make all of " +
                                 host.pattern.suffix + " noise, but " + holder(*owner->second) + " owns '" +
                                 owner->second->pattern + "' at " + owner->second->place.text() +
                                 "; list the noisy hosts one by one");
    }
    return {};
}

/// A domain and its "www." are one site to everybody who types it: where one of the two is listed and nothing fits the
/// other, the other gets the same answer.
void FileCatalog::add_twins()
{
    for (const auto& [pattern, number] : listed_) {
        if (pattern.shape != Pattern::Shape::exact) continue;
        const std::string_view host = pattern.suffix;
        Pattern twin = pattern;
        if (names::registrable_domain(host) == host)
            twin.suffix = "www." + pattern.suffix;
        else if (host.starts_with("www.") && names::registrable_domain(host) == host.substr(4))
            twin.suffix = host.substr(4);
        else
            continue;
        const FoldedHost folded(twin.suffix);
        if (!folded.valid()) continue;
        // A publishing platform's own site is no customer's page.
        const auto held = hosts_.find(folded);
        if (held == SuffixIndex::none || rules_[held].kind == Kind::unknown)
            static_cast<void>(hosts_.add(twin, number));
    }
}

/// Whose domains the listed hosts lie in: those of vendors with a service in the catalogue. A site that it gives to
/// such a vendor is that vendor's, whoever else has a host below it; between services of several vendors nobody owns
/// it, yet it is no stranger's.
void FileCatalog::note_vendors()
{
    std::set<std::string_view> known;
    for (const Service& service : services_)
        if (!service.internal) known.insert(service.vendor);
    std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> of_services;
    for (const auto& [pattern, number] : listed_) {
        const Rule& rule = rules_[number];
        std::string domain(names::registrable_domain(pattern.suffix));
        if (!rule.vendor.empty()) {
            if (known.contains(rule.vendor)) vendors_.try_emplace(std::move(domain), rule.vendor);
        } else if (rule.kind == Kind::service) {
            const std::string& vendor = services_[rule.service].vendor;
            const auto [at, fresh] = of_services.try_emplace(std::move(domain), vendor);
            if (!fresh && at->second != vendor) at->second.clear();
        }
    }
    vendors_.merge(of_services);
}

/// The name right below the suffix of the pattern: a bucket's or an account's. The host itself where that names none.
std::string_view bucket_of(std::string_view host, std::string_view pattern)
{
    const std::size_t suffix = pattern.starts_with("*.") ? pattern.size() - 2 : pattern.size();
    if (host.size() <= suffix + 1) return host;
    const std::size_t dot = host.rfind('.', host.size() - suffix - 2);
    const std::string_view below = dot == std::string_view::npos ? host : host.substr(dot + 1);
    // Some have a place between (bucket.fra1.digitaloceanspaces.com), which the Public Suffix List knows.
    const std::string_view registrable = names::registrable_domain(host);
    return registrable.size() > below.size() ? registrable : below;
}

Result<void> FileCatalog::build(CatalogSource source)
{
    categories_ = std::move(source.categories);
    version_ = source.digest.substr(0, 16);
    std::stable_partition(source.services.begin(), source.services.end(),
                          [](const SourceService& s) { return !s.service.internal; });
    std::size_t patterns = 0;
    for (const SourceService& entry : source.services)
        patterns += entry.hosts.size() + entry.networks.size();
    for (const SourceNoise& noise : source.noise)
        patterns += noise.hosts.size();
    rules_.reserve(patterns);
    services_.reserve(source.services.size());

    for (SourceService& entry : source.services) {
        const auto number = static_cast<std::uint32_t>(services_.size());
        for (SourcePattern& host : entry.hosts) {
            Rule rule;
            const bool inside = host.role == "internal";
            rule.kind = inside ? Kind::internal : host.role == hosted ? Kind::unknown : Kind::service;
            rule.service = number;
            rule.pattern = host.pattern.text;
            rule.id = entry.service.id;
            rule.role = inside ? "app" : host.role;
            rule.label = entry.service.id;
            rule.place = host.place;
            rule.local = entry.local && !inside;
            // A public suffix has customers of its own below it, so only tenant and publishing patterns may cover one.
            if (host.pattern.shape == Pattern::Shape::suffix && host.role != "tenant" && host.role != hosted &&
                !inside) {
                const std::string below = "a." + host.pattern.suffix;
                if (names::registrable_domain(below) == below)
                    return invalid_input(host.place.text() + ": '" + host.pattern.text +
                                         "' is a public suffix; list it under \"tenants\" or \"hosted\"");
            }
            if (auto added = add(inside ? internal_ : hosts_, host.pattern, std::move(rule)); !added)
                return added.error();
            if (!inside && host.role != hosted)
                owned_domains_.emplace(std::string(names::registrable_domain(host.pattern.suffix)), &rules_.back());
        }
        for (const SourceNetwork& network : entry.networks)
            if (auto added = add_network(network, number, entry.service.id); !added) return added.error();
        services_.push_back(std::move(entry.service));
    }
    std::stable_sort(networks_.begin(), networks_.end(),
                     [](const auto& a, const auto& b) { return a.first.bits > b.first.bits; });
    for (const SourceNoise& noise : source.noise) {
        if (!noise.local)
            if (auto checked = check_noise(noise); !checked) return checked.error();
        for (const SourcePattern& host : noise.hosts) {
            Rule rule;
            rule.kind = Kind::noise;
            rule.edge = host.role == "shared" || noise.kind == "cdn";
            if (host.role == storage) rule.role = storage;
            rule.vendor = noise.vendor;
            rule.pattern = host.pattern.text;
            rule.id = noise.kind;
            rule.label = "noise:" + noise.kind;
            rule.place = host.place;
            rule.local = noise.local;
            if (auto added = add(hosts_, host.pattern, std::move(rule)); !added) return added.error();
        }
    }
    add_twins();
    note_vendors();
    listed_ = {};
    owned_domains_.clear();
    for (std::size_t i = 0; i < services_.size(); ++i)
        by_id_.emplace(services_[i].id, i);
    return {};
}

Match FileCatalog::answer(const Rule& rule, std::string_view host) const
{
    Match match;
    match.kind = rule.kind;
    match.matched = rule.pattern;
    match.role = rule.role;
    if (rule.kind == Kind::unknown) {
        match.label = names::registrable_domain(host);
        return match;
    }
    match.id = rule.id;
    match.label = rule.label;
    match.vendor = rule.vendor;
    if (rule.role == storage) match.label = bucket_of(host, rule.pattern);
    if (rule.kind != Kind::noise) {
        match.service = &services_[rule.service];
        match.vendor = match.service->vendor;
    }
    return match;
}

Match unknown(std::string label)
{
    Match match;
    match.label = std::move(label);
    return match;
}

Match local_name()
{
    Match match;
    match.kind = Kind::noise;
    match.id = "local";
    match.label = "noise:local";
    return match;
}

/// An address literal, in brackets or with a zone (RFC 4007 section 11) too.
std::optional<Address> address_in(std::string_view literal)
{
    if (literal.starts_with('[') && literal.ends_with(']')) literal = literal.substr(1, literal.size() - 2);
    return Address::parse(literal.substr(0, literal.find('%')));
}

Match FileCatalog::match_address(const Address& address, std::string text) const
{
    for (const auto& [network, number] : networks_)
        if (network.contains(address)) return answer(rules_[number], text);
    switch (reach_of(address)) {
        case Reach::global: {
            Match match = unknown(std::move(text));
            match.role = "address";
            return match;
        }
        case Reach::group: return local_name();
        case Reach::inside:
        case Reach::host: break;
    }
    Match match;
    match.kind = Kind::internal;
    match.id = private_network;    // views what lasts; match.label moves with the answer
    match.label = private_network;
    return match;
}

Match FileCatalog::match(std::string_view host, std::string_view canonical) const
{
    if (host.empty()) return unknown("invalid");
    const FoldedHost folded(host);
    const std::string_view name = folded.valid() ? folded.text() : host;
    if (!folded.valid() || folded.numeric_end()) {
        const auto address = address_in(name);
        return address ? match_address(*address, std::string(name)) : unknown("invalid");
    }

    if (const auto rule = hosts_.find(folded); rule != SuffixIndex::none) return answer(rules_[rule], name);
    if (!canonical.empty()) {
        const FoldedHost target(canonical);
        if (target.valid()) {
            // What only tells where something is served from tells nothing of what it is.
            const auto rule = hosts_.find(target);
            if (rule != SuffixIndex::none && !rules_[rule].edge && rules_[rule].kind != Kind::unknown)
                return answer(rules_[rule], name);
        }
    }
    if (const auto rule = internal_.find(folded); rule != SuffixIndex::none) return answer(rules_[rule], name);
    if (folded.single_label()) {
        if (name != "personal") return local_name();
        Match match;
        match.kind = Kind::personal;
        match.label = "personal";
        return match;
    }
    Match match = unknown(std::string(names::registrable_domain(name)));
    if (const auto owner = vendors_.find(match.label); owner != vendors_.end()) {
        match.role = "vendor";
        match.vendor = owner->second;
    }
    return match;
}

const Service* FileCatalog::service(std::string_view id) const
{
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &services_[found->second];
}

}    // namespace

std::string_view to_string(Kind kind)
{
    switch (kind) {
        case Kind::service: return "service";
        case Kind::noise: return "noise";
        case Kind::unknown: return "unknown";
        case Kind::internal: return "internal";
        case Kind::personal: return "personal";
    }
    return "unknown";
}

bool Service::serves(std::string_view what) const
{
    return capability == what || std::find(also.begin(), also.end(), what) != also.end();
}

Counted Match::counted() const
{
    switch (kind) {
        case Kind::service: return is_background(role) ? Counted::background : Counted::service;
        case Kind::noise: return role == storage ? Counted::storage : Counted::noise;
        case Kind::internal: return Counted::internal;
        case Kind::personal: return Counted::personal;
        case Kind::unknown: break;
    }
    return role == "vendor" ? Counted::vendor : role == "address" ? Counted::address : Counted::unknown;
}

std::string_view to_string(Counted counted)
{
    switch (counted) {
        case Counted::service: return "service";
        case Counted::background: return "background";
        case Counted::vendor: return "vendor";
        case Counted::address: return "address";
        case Counted::storage: return "storage";
        case Counted::noise: return "noise";
        case Counted::internal: return "internal";
        case Counted::personal: return "personal";
        case Counted::unknown: break;
    }
    return "unknown";
}

bool is_background(std::string_view role) { return role == "embedded" || role == "asset" || role == "telemetry"; }

Result<std::unique_ptr<Catalog>> load_catalog(const std::filesystem::path& folder, const std::filesystem::path& own)
{
    auto source = read_catalog(folder, own.empty() ? folder : own);
    if (!source) return source.error();
    std::size_t patterns = 0;
    for (const SourceService& entry : source->services)
        patterns += entry.hosts.size();
    for (const SourceNoise& noise : source->noise)
        patterns += noise.hosts.size();
    auto catalog = std::make_unique<FileCatalog>(patterns);
    if (auto built = catalog->build(std::move(*source)); !built) return built.error();
    return std::unique_ptr<Catalog>(std::move(catalog));
}

}    // namespace dl::collector::catalog
