#include "collector/pki/published_settings.hpp"

#include "shared/base/digest.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace dl::collector::pki {
namespace {

constexpr const char* statements = "settings";
constexpr const char* standing_of = "settings-standing";
constexpr std::chrono::seconds look_again{2};
constexpr std::size_t most_bundles = 1000;

/// For lists and logs: printable ASCII only.
std::string printable(std::string text)
{
    for (char& c : text)
        if (c < ' ' || c > '~') c = '?';
    return text;
}

/// Keys sort as the statements were made.
std::string key_of(const signing::SettingsDocument& document)
{
    return fmt::format("document-{:016}", document.serial);
}
std::string key_of_change(std::size_t number) { return fmt::format("key-{:04}", number); }

Result<void> add(store::StateStore& state, const std::string& key, const std::string& sealed, Timestamp now)
{
    const auto put = state.put_if_version(statements, key, 0, {{"sealed", sealed}, {"published", to_rfc3339(now)}});
    if (!put) return put.error();
    return {};
}

/// Old documents are of no use: agents take the highest.
Result<void> forget_old(store::StateStore& state)
{
    const auto all = state.list(statements);
    if (!all) return all.error();
    std::vector<store::Document> documents;
    for (const store::Document& one : *all)
        if (one.key.starts_with("document-")) documents.push_back(one);
    for (std::size_t i = 0; documents.size() > most_documents && i < documents.size() - most_documents; ++i)
        if (const auto gone = state.put_if_version(statements, documents[i].key, documents[i].version, nullptr); !gone)
            return gone.error();
    return {};
}

}    // namespace

std::optional<signing::PublicKey> Published::key() const
{
    if (!changes.empty()) return changes.back().change.next;
    if (!documents.empty()) return documents.back().signer;
    return std::nullopt;
}

const PublishedDocument* Published::of(std::string_view group) const
{
    const auto found = std::find_if(documents.rbegin(), documents.rend(),
                                    [&](const PublishedDocument& one) { return one.document.concerns(group); });
    return found == documents.rend() ? nullptr : &*found;
}

Result<Published> published_settings(store::StateStore& state)
{
    const auto all = state.list(statements);
    if (!all) return all.error();
    Published published;
    for (const store::Document& stored : *all) {
        const std::string name = "published settings " + stored.key;
        const auto sealed = stored.value.find("sealed");
        if (sealed == stored.value.end() || !sealed->is_string())
            return invalid_input(name + ": can't be read; publish again");
        auto text = sealed->get<std::string>();
        auto opened = signing::open_statement(text, name);
        if (!opened) return opened.error();
        if (auto* document = std::get_if<signing::SettingsDocument>(&opened->content))
            published.documents.push_back({std::move(text), std::move(*document), opened->signer});
        else
            published.changes.push_back(
                {std::move(text), std::get<signing::KeyChange>(opened->content), opened->signer});
    }
    return published;
}

Result<std::string> publish(store::StateStore& state, const std::string& sealed, const std::string& name,
                            const signing::Audience& organisation, Timestamp now)
{
    const auto opened = signing::open_statement(sealed, name);
    if (!opened) return opened.error();
    const auto published = published_settings(state);
    if (!published) return published.error();
    const auto key = published->key();
    if (key && opened->signer != *key)
        return denied(
            fmt::format("{}: is signed by {}, but {} was published; sign with that key, or publish a change of "
                        "key first (settings change-key)",
                        name, signing::to_text(opened->signer), signing::to_text(*key)));
    const auto foreign = [&](const signing::Audience& whose) {
        return denied(fmt::format("{}: is for organisation {}, this collector's is {}; start from `settings draft`",
                                  name, whose.hex(), organisation.hex()));
    };
    if (const auto* change = std::get_if<signing::KeyChange>(&opened->content)) {
        if (change->organisation != organisation) return foreign(change->organisation);
        if (!key) return invalid_input(name + ": changes a key, but none was published; publish settings first");
        if (published->changes.size() >= most_key_changes)
            return invalid_input(fmt::format("{}: is the {}th change of key; enrol agents with the newest key instead",
                                             name, most_key_changes + 1));
        if (const auto added = add(state, key_of_change(published->changes.size() + 1), sealed, now); !added)
            return added.error();
        return fmt::format("from now on {} speaks", signing::to_text(change->next));
    }
    const auto& document = std::get<signing::SettingsDocument>(opened->content);
    if (document.organisation != organisation) return foreign(document.organisation);
    if (!published->documents.empty() && document.serial <= published->documents.back().document.serial)
        return conflict(fmt::format("{}: has serial {}, but {} was published; sign with a higher one", name,
                                    document.serial, published->documents.back().document.serial));
    if (now >= document.expires)
        return invalid_input(fmt::format("{}: expired on {}; sign anew", name, to_rfc3339(document.expires)));
    if (const auto added = add(state, key_of(document), sealed, now); !added) return added.error();
    if (const auto forgotten = forget_old(state); !forgotten) return forgotten.error();
    return fmt::format("settings {} until {}: {}", document.serial, to_rfc3339(document.expires),
                       signing::in_words(document.collect));
}

Result<std::map<AgentId, Standing>> standings(store::StateStore& state)
{
    const auto all = state.list(standing_of);
    if (!all) return all.error();
    std::map<AgentId, Standing> found;
    for (const store::Document& stored : *all) {
        const auto id = AgentId::parse(stored.key);
        if (!id || !stored.value.is_object()) continue;
        Standing standing;
        standing.key = stored.value.value("key", "");
        standing.serial = stored.value.value("serial", std::uint64_t{0});
        standing.refused = stored.value.value("refused", std::uint64_t{0});
        standing.why = stored.value.value("why", "");
        if (const auto told = parse_rfc3339(stored.value.value("told", ""))) standing.told = *told;
        found.emplace(*id, std::move(standing));
    }
    return found;
}

std::shared_ptr<const SettingsDesk::Bundle> SettingsDesk::bundle_for(std::string_view group)
{
    const std::lock_guard lock{mutex_};
    const Timestamp now = clock_.now();
    if (!looked_at_ || now < *looked_at_ || now - *looked_at_ >= look_again) {
        looked_at_ = now;
        auto published = published_settings(state_);
        if (!published) {
            spdlog::error("{}", published.error().message);
            return nullptr;
        }
        published_ = std::move(*published);
        bundles_.clear();
    }
    if (const auto known = bundles_.find(group); known != bundles_.end()) return known->second;
    std::shared_ptr<Bundle> bundle;
    if (const PublishedDocument* document = published_.of(group)) {
        bundle = std::make_shared<Bundle>();
        for (const PublishedKeyChange& change : published_.changes)
            bundle->statements.push_back(change.sealed);
        bundle->statements.push_back(document->sealed);
        Sha256 digest;
        for (const std::string& statement : bundle->statements) {
            const Digest part = sha256(statement);
            digest.add(part);
        }
        bundle->offer.bytes = digest.finish();
    }
    if (bundles_.size() >= most_bundles) bundles_.clear();
    bundles_.emplace(std::string(group), bundle);
    return bundle;
}

std::optional<wire::SettingsOffer> SettingsDesk::offer_for(std::string_view group)
{
    const auto bundle = bundle_for(group);
    return bundle ? std::optional{bundle->offer} : std::nullopt;
}

Result<wire::SettingsReply> SettingsDesk::answer(const AgentId& agent, std::string_view group,
                                                 const wire::SettingsRequest& request)
{
    const auto known = state_.get(standing_of, agent.hex());
    if (!known) return known.error();
    const std::string why = printable(request.why);
    nlohmann::json said{
        {"key", printable(request.key)}, {"serial", request.serial}, {"refused", request.refused}, {"why", why}};
    nlohmann::json before = *known ? (*known)->value : nlohmann::json();
    if (before.is_object()) before.erase("told");
    if (before != said) {
        said["told"] = to_rfc3339(clock_.now());
        if (!why.empty() && (!before.is_object() || before.value("why", "") != why))
            spdlog::warn("agent {} refused: {}", agent.hex(), why);
        // Another request of the same agent may have been first: its word is as good.
        const auto put = state_.put_if_version(standing_of, agent.hex(), *known ? (*known)->version : 0, said);
        if (!put && put.error().kind != Failure::Kind::conflict) return put.error();
    }
    const auto bundle = bundle_for(group);
    if (!bundle) return not_found("no signed settings were published for this agent");
    wire::SettingsReply reply;
    reply.offer = bundle->offer;
    if (request.held != bundle->offer && !request.key.empty()) reply.statements = bundle->statements;
    return reply;
}

}    // namespace dl::collector::pki
