#include "collector/catalog/catalog_source.hpp"

#include "shared/base/digest.hpp"
#include "shared/base/id.hpp"
#include "shared/config/located_json.hpp"
#include "shared/config/nearest_word.hpp"
#include "shared/tls/files.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace dl::collector::catalog {
namespace {

using config::Node;

constexpr std::size_t largest_file = 64 << 20;
constexpr std::string_view roles[] = {"app", "api", "login", "asset", "telemetry", "embedded"};

Place place_of(const Node& node) { return {node.file(), node.line()}; }

bool is_id(std::string_view text)
{
    if (text.empty() || text.size() > 64 || text.front() == '-' || text.back() == '-') return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

template <class Known, class IdOf>
Result<void> must_be_known(const Node& where, std::string_view what, const std::string& id, const Known& known,
                           IdOf id_of)
{
    std::vector<std::string_view> words;
    for (const auto& item : known) {
        if (id_of(item) == id) return {};
        words.push_back(id_of(item));
    }
    std::string message = "no " + std::string(what) + " is called '" + id + "'";
    if (const auto nearest = config::nearest_word(id, words))
        message += "; did you mean '" + std::string(*nearest) + "'?";
    return where.wrong(message);
}

/// Reads the files of one catalogue; the first complaint ends it.
class Reader {
public:
    Reader(std::filesystem::path folder, std::filesystem::path own) : folder_(std::move(folder)), own_(std::move(own))
    {}

    Result<CatalogSource> read();

private:
    Result<std::string> text_of(const std::filesystem::path& path);
    Result<Node> file(const std::filesystem::path& path);
    Result<std::vector<std::filesystem::path>> files_of(const char* sub) const;
    Result<void> read_categories();
    Result<void> read_kinds();
    Result<void> read_facts();
    Result<void> read_services_file(const std::filesystem::path& path);
    Result<void> read_noise_file(const std::filesystem::path& path);
    Result<void> read_local();
    Result<SourceService> read_service(const Node& node, const std::string& category_of_file);
    Result<void> read_hosts(const Node& list, SourceService& into);
    Result<void> read_patterns(const Node& list, const std::string& role, Depth depth,
                               std::vector<SourcePattern>& into);
    Result<void> read_capabilities(const Node& node, Service& into);
    Result<void> check_capabilities() const;
    Result<void> check_facts(const Node& entry);
    Result<std::string> id_of(const Node& node, std::string_view key);

    std::filesystem::path folder_;
    std::filesystem::path own_;
    CatalogSource source_;
    std::string contents_;                      // of all files, for the digest
    std::vector<Node> further_capabilities_;    // as written
};

Result<std::string> Reader::text_of(const std::filesystem::path& path)
{
    auto text = tls::read_whole_file(path, largest_file);
    if (!text && text.error().kind == Failure::Kind::not_found)
        return not_found(path.string() +
                         ": is not there; restore the catalogue folder, or mend `catalog` in the settings");
    if (text) contents_ += path.filename().string() + '\0' + std::to_string(text->size()) + '\0' + *text;
    return text;
}

Result<Node> Reader::file(const std::filesystem::path& path)
{
    const auto text = text_of(path);
    if (!text) return text.error();
    return config::parse_text(*text, path.string());
}

Result<std::vector<std::filesystem::path>> Reader::files_of(const char* sub) const
{
    const auto folder = folder_ / sub;
    std::vector<std::filesystem::path> found;
    std::error_code error;
    for (const auto& item : std::filesystem::directory_iterator(folder, error))
        if (item.path().extension() == ".json") found.push_back(item.path());
    if (error) return not_found(folder.string() + ": " + error.message() + "; restore the folder of the catalogue");
    std::sort(found.begin(), found.end());
    return found;
}

Result<std::string> Reader::id_of(const Node& node, std::string_view key)
{
    const auto id = node.require(key);
    if (!id) return id.error();
    auto text = (*id)->as_text();
    if (!text) return text.error();
    if (!is_id(*text)) return (*id)->wrong("'" + *text + "' is no id; write lower-case letters, digits and dashes");
    return text;
}

Result<void> Reader::read_categories()
{
    const auto top = file(folder_ / "categories.json");
    if (!top) return top.error();
    if (const auto keys = top->only_keys({"categories"}); !keys) return keys.error();
    const auto list = top->list("categories");
    if (!list) return list.error();
    for (const Node& node : *list) {
        if (const auto keys =
                node.only_keys({"id", "name", "capability", "process_group", "exposure", "surfacing", "mdca", "note"});
            !keys)
            return keys.error();
        Category category;
        auto id = id_of(node, "id");
        auto name = node.text("name");
        auto capability = node.text("capability");
        const auto exposure = node.unsigned_integer("exposure");
        const auto surfacing = node.text_or("surfacing", "service");
        if (!id) return id.error();
        if (!name) return name.error();
        if (!capability) return capability.error();
        if (!exposure) return exposure.error();
        if (!surfacing) return surfacing.error();
        if (*exposure < 1 || *exposure > 5) return node.wrong("exposure runs from 1 to 5");
        if (*surfacing != "service" && *surfacing != "low") return node.wrong("surfacing is 'service' or 'low'");
        for (const Category& other : source_.categories)
            if (other.id == *id)
                return node.wrong("the id '" + *id + "' is taken already; give each category one entry");
        category.id = std::move(*id);
        category.name = std::move(*name);
        category.capability = std::move(*capability);
        category.exposure = static_cast<unsigned>(*exposure);
        category.low_interest = *surfacing == "low";
        source_.categories.push_back(std::move(category));
    }
    return {};
}

Result<void> Reader::read_kinds()
{
    const auto top = file(folder_ / "noise-kinds.json");
    if (!top) return top.error();
    if (const auto keys = top->only_keys({"kinds"}); !keys) return keys.error();
    const auto list = top->list("kinds");
    if (!list) return list.error();
    for (const Node& node : *list) {
        if (const auto keys = node.only_keys({"id", "meaning"}); !keys) return keys.error();
        auto id = id_of(node, "id");
        auto meaning = node.text("meaning");
        if (!id) return id.error();
        if (!meaning) return meaning.error();
        for (const SourceKind& other : source_.kinds)
            if (other.id == *id) return node.wrong("the id '" + *id + "' is taken already; give each kind one entry");
        source_.kinds.push_back({std::move(*id), std::move(*meaning)});
    }
    return {};
}

Result<void> Reader::read_facts()
{
    const auto top = file(folder_ / "facts.json");
    if (!top) return top.error();
    if (const auto keys = top->only_keys({"facts"}); !keys) return keys.error();
    const auto list = top->list("facts");
    if (!list) return list.error();
    for (const Node& node : *list) {
        if (const auto keys = node.only_keys({"id", "origin", "licence", "snapshot"}); !keys) return keys.error();
        auto id = node.text("id");
        if (!id) return id.error();
        source_.facts.push_back(std::move(*id));
    }
    return {};
}

Result<void> Reader::check_facts(const Node& entry)
{
    const Node* const facts = entry.find("facts");
    if (facts == nullptr)
        return entry.wrong("has no \"facts\"; name the source it rests on, or \"vendor-documentation\"");
    const auto list = facts->as_list();
    if (!list) return list.error();
    if (list->empty()) return facts->wrong("is empty; name the source it rests on, or \"vendor-documentation\"");
    for (const Node& fact : *list) {
        const auto id = fact.as_text();
        if (!id) return id.error();
        if (auto known = must_be_known(fact, "source in facts.json", *id, source_.facts,
                                       [](const std::string& f) { return std::string_view(f); });
            !known)
            return known.error();
    }
    return {};
}

Result<void> Reader::read_patterns(const Node& list, const std::string& role, Depth depth,
                                   std::vector<SourcePattern>& into)
{
    const auto patterns = list.as_list();
    if (!patterns) return patterns.error();
    for (const Node& node : *patterns) {
        const auto text = node.as_text();
        if (!text) return text.error();
        auto pattern = parse_pattern(*text, depth);
        if (!pattern) return node.wrong(pattern.error().message);
        into.push_back({std::move(*pattern), role, place_of(node)});
    }
    return {};
}

Result<void> Reader::read_hosts(const Node& list, SourceService& into)
{
    const auto hosts = list.as_list();
    if (!hosts) return hosts.error();
    for (const Node& node : *hosts) {
        if (std::holds_alternative<std::string>(node.value())) {
            auto pattern = parse_pattern(std::get<std::string>(node.value()));
            if (!pattern) return node.wrong(pattern.error().message);
            into.hosts.push_back({std::move(*pattern), "app", place_of(node)});
            continue;
        }
        if (const auto keys = node.only_keys({"role", "patterns"}); !keys) return keys.error();
        const auto role = node.text("role");
        if (!role) return role.error();
        if (auto known = must_be_known(node, "role of a host", *role, roles, [](std::string_view r) { return r; });
            !known)
            return known.error();
        const auto patterns = node.require("patterns");
        if (!patterns) return patterns.error();
        if (auto read = read_patterns(**patterns, *role, Depth::two_labels, into.hosts); !read) return read.error();
    }
    return {};
}

/// "capability": one, or a list with the primary one first; absent: the category's.
Result<void> Reader::read_capabilities(const Node& node, Service& into)
{
    const Node* const written = node.find("capability");
    if (written == nullptr) return {};
    if (std::holds_alternative<std::string>(written->value())) {
        into.capability = std::get<std::string>(written->value());
        return {};
    }
    const auto list = written->as_list();
    if (!list) return list.error();
    if (list->empty()) return written->wrong("is empty; leave it out to mean the category's");
    for (const Node& item : *list) {
        auto name = item.as_text();
        if (!name) return name.error();
        if (&item == &list->front()) {
            into.capability = std::move(*name);
            continue;
        }
        if (into.serves(*name)) return item.wrong("'" + *name + "' is listed twice");
        into.also.push_back(std::move(*name));
        further_capabilities_.push_back(item);
    }
    return {};
}

Result<SourceService> Reader::read_service(const Node& node, const std::string& category_of_file)
{
    if (const auto keys = node.only_keys({"id", "name", "vendor", "category", "capability", "instance", "hosts",
                                          "tenants", "hosted", "facts", "note"});
        !keys)
        return keys.error();
    SourceService entry;
    entry.place = place_of(node);
    auto id = id_of(node, "id");
    auto name = node.text("name");
    auto vendor = node.text("vendor");
    auto category = node.text_or("category", category_of_file);
    if (!id) return id.error();
    if (!name) return name.error();
    if (!vendor) return vendor.error();
    if (!category) return category.error();
    if (!category_of_file.empty() && *category != category_of_file)
        return node.wrong("belongs to category '" + *category + "'; move it to the file of that category");
    if (auto known = must_be_known(node, "category", *category, source_.categories,
                                   [](const Category& c) { return std::string_view(c.id); });
        !known)
        return known.error();
    const auto own = std::find_if(source_.categories.begin(), source_.categories.end(),
                                  [&](const Category& c) { return c.id == *category; });
    const auto instance = node.text_or("instance", "");
    if (!instance) return instance.error();
    if (!instance->empty() && *instance != "personal" && *instance != "corporate")
        return node.find("instance")->wrong("is 'personal' or 'corporate'");
    entry.service.id = std::move(*id);
    entry.service.name = std::move(*name);
    entry.service.vendor = std::move(*vendor);
    entry.service.category = std::move(*category);
    entry.service.capability = own->capability;
    if (auto read = read_capabilities(node, entry.service); !read) return read.error();
    entry.service.low_interest = own->low_interest;
    entry.service.personal = *instance == "personal";
    if (const Node* hosts = node.find("hosts"))
        if (auto read = read_hosts(*hosts, entry); !read) return read.error();
    if (const Node* tenants = node.find("tenants"))
        if (auto read = read_patterns(*tenants, "tenant", Depth::two_labels, entry.hosts); !read) return read.error();
    if (const Node* hosted = node.find("hosted"))
        if (auto read = read_patterns(*hosted, "hosted", Depth::two_labels, entry.hosts); !read) return read.error();
    if (entry.hosts.empty()) return node.wrong("has neither hosts nor tenants; a service needs a name to be seen by");
    if (auto facts = check_facts(node); !facts) return facts.error();
    return entry;
}

Result<void> Reader::read_services_file(const std::filesystem::path& path)
{
    const auto top = file(path);
    if (!top) return top.error();
    if (const auto keys = top->only_keys({"category", "services"}); !keys) return keys.error();
    const auto category = top->require("category");
    if (!category) return category.error();
    const auto id = (*category)->as_text();
    if (!id) return id.error();
    if (auto known = must_be_known(**category, "category", *id, source_.categories,
                                   [](const Category& c) { return std::string_view(c.id); });
        !known)
        return known.error();
    if (path.stem() != *id) return (*category)->wrong("'" + *id + "' belongs into a file called " + *id + ".json");
    const auto list = top->list("services");
    if (!list) return list.error();
    for (const Node& node : *list) {
        auto entry = read_service(node, *id);
        if (!entry) return entry.error();
        source_.services.push_back(std::move(*entry));
    }
    return {};
}

Result<void> Reader::read_noise_file(const std::filesystem::path& path)
{
    const auto top = file(path);
    if (!top) return top.error();
    if (const auto keys = top->only_keys({"kind", "shared_edges", "shared_storage", "entries"}); !keys)
        return keys.error();
    const auto kind = top->require("kind");
    if (!kind) return kind.error();
    const auto id = (*kind)->as_text();
    if (!id) return id.error();
    if (auto known = must_be_known(**kind, "noise kind", *id, source_.kinds,
                                   [](const SourceKind& k) { return std::string_view(k.id); });
        !known)
        return known.error();
    if (path.stem() != *id) return (*kind)->wrong("'" + *id + "' belongs into a file called " + *id + ".json");
    SourceNoise noise;
    noise.kind = *id;
    const Depth depth = *id == "local" ? Depth::single_label : Depth::two_labels;
    if (const Node* edges = top->find("shared_edges"))
        if (auto read = read_patterns(*edges, "shared", depth, noise.hosts); !read) return read.error();
    if (const Node* storage = top->find("shared_storage"))
        if (auto read = read_patterns(*storage, "storage", depth, noise.hosts); !read) return read.error();
    source_.noise.push_back(std::move(noise));
    const auto list = top->list("entries");
    if (!list) return list.error();
    for (const Node& node : *list) {
        const bool site = *id == vendor_site;
        if (const auto keys = site ? node.only_keys({"vendor", "facts", "hosts", "note"})
                                   : node.only_keys({"facts", "hosts", "note"});
            !keys)
            return keys.error();
        SourceNoise entry;
        entry.kind = *id;
        if (site) {
            auto vendor = node.text("vendor");
            if (!vendor) return vendor.error();
            entry.vendor = std::move(*vendor);
        }
        if (auto facts = check_facts(node); !facts) return facts.error();
        const auto hosts = node.require("hosts");
        if (!hosts) return hosts.error();
        if (auto read = read_patterns(**hosts, "", depth, entry.hosts); !read) return read.error();
        source_.noise.push_back(std::move(entry));
    }
    return {};
}

Result<void> Reader::read_local()
{
    const auto path = own_ / "local.json";
    if (!std::filesystem::exists(path)) return {};
    const auto top = file(path);
    if (!top) return top.error();
    if (const auto keys = top->only_keys({"services", "noise", "remove"}); !keys) return keys.error();
    std::vector<SourceService> own;
    if (const Node* services = top->find("services")) {
        const auto list = services->as_list();
        if (!list) return list.error();
        for (const Node& node : *list) {
            if (const auto category = node.text("category"); !category) return category.error();
            auto entry = read_service(node, "");
            if (!entry) return entry.error();
            entry->local = true;
            own.push_back(std::move(*entry));
        }
    }
    if (const Node* removals = top->find("remove")) {
        const auto list = removals->as_list();
        if (!list) return list.error();
        for (const Node& node : *list) {
            const auto id = node.as_text();
            if (!id) return id.error();
            if (auto known = must_be_known(node, "shipped service", *id, source_.services,
                                           [](const SourceService& s) { return std::string_view(s.service.id); });
                !known)
                return known.error();
            std::erase_if(source_.services, [&](const SourceService& s) { return s.service.id == *id; });
        }
    }
    std::erase_if(source_.services, [&](const SourceService& shipped) {
        return std::any_of(own.begin(), own.end(),
                           [&](const SourceService& s) { return s.service.id == shipped.service.id; });
    });
    for (SourceService& entry : own)
        source_.services.push_back(std::move(entry));
    if (const Node* noise = top->find("noise")) {
        const auto list = noise->as_list();
        if (!list) return list.error();
        for (const Node& node : *list) {
            if (const auto keys = node.only_keys({"kind", "vendor", "hosts", "note"}); !keys) return keys.error();
            SourceNoise entry;
            entry.local = true;
            auto kind = node.text("kind");
            if (!kind) return kind.error();
            if (auto known = must_be_known(node, "noise kind", *kind, source_.kinds,
                                           [](const SourceKind& k) { return std::string_view(k.id); });
                !known)
                return known.error();
            if (const Node* vendor = node.find("vendor")) {
                auto name = vendor->as_text();
                if (!name) return name.error();
                entry.vendor = std::move(*name);
            }
            const auto hosts = node.require("hosts");
            if (!hosts) return hosts.error();
            const Depth depth = *kind == "local" ? Depth::single_label : Depth::two_labels;
            if (auto read = read_patterns(**hosts, "", depth, entry.hosts); !read) return read.error();
            entry.kind = std::move(*kind);
            source_.noise.push_back(std::move(entry));
        }
    }
    return {};
}

/// A further capability is one that something else is about: what nobody's primary one is would never be looked for.
Result<void> Reader::check_capabilities() const
{
    std::set<std::string, std::less<>> known;
    for (const Category& category : source_.categories)
        known.insert(category.capability);
    for (const SourceService& entry : source_.services)
        known.insert(entry.service.capability);
    for (const Node& node : further_capabilities_)
        if (auto checked = must_be_known(node, "capability", node.as_text().value(), known,
                                         [](const std::string& c) { return std::string_view(c); });
            !checked)
            return checked;
    return {};
}

Result<CatalogSource> Reader::read()
{
    if (auto read = read_categories(); !read) return read.error();
    if (auto read = read_kinds(); !read) return read.error();
    if (auto read = read_facts(); !read) return read.error();
    const auto services = files_of("services");
    if (!services) return services.error();
    for (const auto& path : *services)
        if (auto read = read_services_file(path); !read) return read.error();
    const auto noise = files_of("noise");
    if (!noise) return noise.error();
    for (const auto& path : *noise)
        if (auto read = read_noise_file(path); !read) return read.error();
    if (auto read = read_local(); !read) return read.error();
    if (auto checked = check_capabilities(); !checked) return checked.error();

    std::unordered_map<std::string_view, const SourceService*> by_id;
    for (const SourceService& entry : source_.services) {
        const auto [known, fresh] = by_id.emplace(entry.service.id, &entry);
        if (!fresh)
            return invalid_input(entry.place.text() + ": the id '" + entry.service.id + "' is taken at " +
                                 known->second->place.text() + "; give one of them another id");
    }
    const auto internal = own_ / "internal-hosts.csv";
    if (std::filesystem::exists(internal)) {
        const auto text = text_of(internal);
        if (!text) return text.error();
        if (auto read = read_internal_hosts(*text, internal, source_); !read) return read.error();
    }
    source_.digest = to_hex(sha256(contents_));
    return std::move(source_);
}

}    // namespace

Result<CatalogSource> read_catalog(const std::filesystem::path& folder, const std::filesystem::path& own)
{
    return Reader(folder, own).read();
}

}    // namespace dl::collector::catalog
