#include "agent/uplink/signed_settings.hpp"

#include "shared/config/located_json.hpp"
#include "shared/tls/files.hpp"
#include "shared/wire/limits.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dl::agent::uplink {
namespace {

constexpr std::uint64_t file_version = 1;
constexpr std::size_t most_file_octets = 4 << 20;
constexpr std::chrono::hours forgiven_clock{24};
constexpr std::chrono::hours retry_every{1};
constexpr const char* offered = "signed settings";

std::string short_line(const std::string& text)
{
    std::string line = text.substr(0, wire::limits::text);
    for (char& c : line)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
    return line;
}

}    // namespace

std::filesystem::path signed_settings_file(const std::filesystem::path& data_directory)
{
    return data_directory / "signed-settings.json";
}

Result<SignedSettings> SignedSettings::load(const std::filesystem::path& data_directory, SettingsAddressee addressee)
{
    SignedSettings settings(signed_settings_file(data_directory), std::move(addressee));
    if (!settings.governed()) return settings;
    const auto text = tls::read_whole_file(settings.file_, most_file_octets);
    if (!text) {
        if (text.error().kind == Failure::Kind::not_found) return settings;
        return text.error();
    }
    if (const auto read = settings.read(*text); !read)
        return Failure{read.error().kind, read.error().message + "; mend the file or remove it: the least is collected "
                                                                 "until the collector hands the settings over again"};
    return settings;
}

Result<void> SignedSettings::read(const std::string& text)
{
    const auto node = config::parse_text(text, file_.string());
    if (!node) return node.error();
    const auto version = node->unsigned_integer("version");
    if (!version) return version.error();
    if (*version != file_version)
        return node->wrong(fmt::format("is of version {}, written by a newer agent", *version));
    const auto key_in = [&](const char* name) -> Result<signing::PublicKey> {
        const auto member = node->text(name);
        if (!member) return member.error();
        return signing::parse_public_key(*member);
    };
    const auto pinned = key_in("pinned_key");
    if (!pinned) return pinned.error();
    const auto trusted = key_in("trusted_key");
    if (!trusted) return trusted.error();
    const auto organisation = node->text("organisation");
    if (!organisation) return organisation.error();
    // Another pin, by root's hand, or another organisation after a new enrolment: what was kept is nothing to us. A pin
    // that caught up with the change of key is no other.
    const bool same_key = *pinned == *addressee_.key || *trusted == *addressee_.key;
    if (!same_key || *organisation != addressee_.organisation.hex()) return {};

    const auto refused = node->unsigned_integer("refused");
    if (!refused) return refused.error();
    auto why = node->text("why");
    if (!why) return why.error();
    auto sealed = node->text("document");
    if (!sealed) return sealed.error();
    if (!sealed->empty()) {
        // Of a key that was trusted when it was taken; the file is ours alone, so its being whole is what is looked at.
        auto opened = signing::open_statement(*sealed, file_.string() + ": document");
        if (!opened) return opened.error();
        auto* document = std::get_if<signing::SettingsDocument>(&opened->content);
        if (!document) return node->wrong("document is no settings document");
        document_ = std::move(*document);
    }
    const auto held = node->text("held");
    if (!held) return held.error();
    if (!held->empty()) {
        const auto offer = wire::SettingsOffer::parse(*held);
        if (!offer) return offer.error();
        held_ = *offer;
    }
    trusted_ = *trusted;
    sealed_ = std::move(*sealed);
    refused_ = *refused;
    why_ = std::move(*why);
    return {};
}

Result<void> SignedSettings::save() const
{
    const nlohmann::ordered_json document{{"version", file_version},
                                          {"pinned_key", signing::to_text(*addressee_.key)},
                                          {"trusted_key", signing::to_text(*trusted_)},
                                          {"organisation", addressee_.organisation.hex()},
                                          {"held", held_ ? held_->hex() : std::string()},
                                          {"refused", refused_},
                                          {"why", why_},
                                          {"document", sealed_}};
    return tls::write_file_durably(file_, document.dump(2) + "\n", tls::Visibility::secret);
}

signing::Collection SignedSettings::bound(Timestamp now) const
{
    if (!governed()) return signing::everything();
    if (!document_) return {};
    return expired(now) ? signing::narrowest(document_->collect, {}) : document_->collect;
}

bool SignedSettings::wants(const wire::SettingsOffer& offer, Timestamp now) const
{
    if (told_ != offer) return true;
    return governed() && held_ != offer && retry_at_ && (now >= *retry_at_ || *retry_at_ > now + 2 * retry_every);
}

wire::SettingsRequest SignedSettings::request() const
{
    wire::SettingsRequest request;
    if (trusted_) request.key = signing::to_text(*trusted_);
    if (document_) request.serial = document_->serial;
    request.held = held_;
    request.refused = refused_;
    request.why = why_;
    return request;
}

Result<SignedSettings::Outcome> SignedSettings::take(const wire::SettingsReply& reply, Timestamp now)
{
    if (!governed() || reply.statements.empty() || reply.offer == held_) return Outcome::nothing_new;
    SignedSettings next = *this;
    Result<void> good;
    for (const std::string& sealed : reply.statements) {
        good = next.judge(sealed, now);
        if (!good) break;
    }
    if (good) {
        next.held_ = reply.offer;
        next.why_.clear();
        next.retry_at_.reset();
    } else {
        next = *this;
        next.refused_ += 1;
        next.why_ = short_line(good.error().message);
        next.retry_at_ = now + retry_every;
    }
    if (const auto saved = next.save(); !saved) return saved.error();
    *this = std::move(next);
    return good ? Outcome::taken : Outcome::refused;
}

Result<void> SignedSettings::judge(const std::string& sealed, Timestamp now)
{
    const auto opened = signing::open_statement(sealed, offered);
    if (!opened) return opened.error();
    if (const auto* document = std::get_if<signing::SettingsDocument>(&opened->content))
        return judge(sealed, *document, opened->signer, now);
    const auto& change = std::get<signing::KeyChange>(opened->content);
    // A change of a key before ours is one that we made already, or nobody's: it changes nothing.
    if (opened->signer == *trusted_ && change.organisation == addressee_.organisation) trusted_ = change.next;
    return {};
}

Result<void> SignedSettings::judge(const std::string& sealed, const signing::SettingsDocument& document,
                                   const signing::PublicKey& signer, Timestamp now)
{
    const auto refuse = [&](const std::string& why) {
        return denied(fmt::format("{}: document {}: {}", offered, document.serial, why));
    };
    if (signer != *trusted_)
        return refuse(
            "it is not signed by the settings key of this host; sign it with that key, or hand over the change "
            "of key");
    if (document.organisation != addressee_.organisation) return refuse("it is for another organisation");
    if (!document.concerns(addressee_.group))
        return refuse(fmt::format("it is not for the group of this agent ({})",
                                  addressee_.group.empty() ? "none" : addressee_.group));
    if (sealed == sealed_) return {};
    if (document_ && document.serial <= document_->serial)
        return refuse(
            fmt::format("its serial is not above {}, which is in force; sign with a higher one", document_->serial));
    if (document.issued > now + forgiven_clock)
        return refuse(
            fmt::format("it is issued on {}, in the future; check this host's clock", to_rfc3339(document.issued)));
    if (now >= document.expires)
        return refuse(fmt::format("it expired on {}; sign a new one", to_rfc3339(document.expires)));
    document_ = document;
    sealed_ = sealed;
    return {};
}

}    // namespace dl::agent::uplink
