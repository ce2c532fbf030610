#include "collector/release/frozen_documents.hpp"

#include "collector/release/reading.hpp"

#include <fmt/format.h>

namespace dl::collector::release {
namespace {

using nlohmann::json;

constexpr int version = 1;

json heads_json(const Heads& heads)
{
    return json::array({heads.at_least, heads.at_most ? json(*heads.at_most) : json(nullptr)});
}

Heads heads_from(const json& value)
{
    Heads heads = at_least(value.at(0).get<std::uint64_t>());
    if (!value.at(1).is_null()) heads.at_most = value.at(1).get<std::uint64_t>();
    return heads;
}

json use_json(const Figure& figure)
{
    json evidence = json::array();
    for (const auto& one : figure.evidence)
        evidence.push_back(one.kind);
    return {{"unit", figure.unit},
            {"kind", figure.kind},
            {"label", figure.label},
            {"capability", figure.capability},
            {"people", heads_json(*figure.people)},
            {"days", figure.days},
            {"evidence", evidence},
            {"matched", figure.matched}};
}

Figure use_from(const json& value)
{
    Figure figure;
    figure.unit = value.at("unit");
    figure.kind = value.at("kind");
    figure.label = value.at("label");
    figure.capability = value.at("capability");
    figure.people = heads_from(value.at("people"));
    figure.days = value.at("days");
    for (const auto& kind : value.at("evidence"))
        figure.evidence.push_back({kind, std::nullopt});
    figure.matched = value.at("matched").get<std::vector<std::string>>();
    return figure;
}

}    // namespace

Result<void> freeze_once(store::StateStore& state, std::string_view collection, const std::string& key, json& document,
                         const MakeDocument& make)
{
    const auto read = [&]() -> Result<bool> {
        auto held = state.get(collection, key);
        if (!held) return held.error();
        if (!*held) return false;
        document = std::move((*held)->value);
        return true;
    };
    if (const auto there = read(); !there || *there) return there ? Result<void>{} : Result<void>{there.error()};
    document = nullptr;
    if (auto made = make(document); !made) return made;
    if (document.is_null()) return {};
    const auto put = state.put_if_version(collection, key, 0, document);
    if (put) return {};
    if (put.error().kind != Failure::Kind::conflict) return put.error();
    const auto there = read();    // another process was first: what it published stands
    if (!there) return there.error();
    if (!*there)
        return unavailable(fmt::format("{}/{} is being released by another process; ask again", collection, key));
    return {};
}

json to_document(const Figures& released)
{
    json uses = json::array(), capabilities = json::array();
    for (const auto& figure : released.uses)
        uses.push_back(use_json(figure));
    for (const auto& figure : released.capabilities)
        capabilities.push_back(
            {{"unit", figure.unit}, {"capability", figure.capability}, {"people", heads_json(figure.people)}});
    const Frozen frozen = released.frozen.value_or(Frozen{});
    return {{"version", version},
            {"period", id_of(released.period)},
            {"k", released.k},
            {"at", to_rfc3339(frozen.at)},
            {"labels", frozen.stamp},
            {"catalog", frozen.catalog},
            {"directory", frozen.directory},
            {"connections", frozen.connections},
            {"uses", uses},
            {"capabilities", capabilities}};
}

Result<Figures> from_document(const json& document, const Period& period)
{
    const auto wrong = [&](const std::string& why) {
        return io_failure(fmt::format("{}/{} in the state store: {}; restore a backup with daylight-collector restore",
                                      frozen_figures, id_of(period), why));
    };
    try {
        if (document.at("version") != version) return wrong("written by a newer collector");
        if (document.at("period") != id_of(period)) return wrong("holds another period");
        Figures figures = empty_figures(Strength::released, period, document.at("k").get<std::uint64_t>());
        const auto at = parse_rfc3339(document.at("at").get<std::string>());
        if (!at) return wrong(at.error().message);
        figures.frozen = Frozen{*at, document.at("labels"), document.at("catalog"), document.at("directory"),
                                document.at("connections")};
        for (const auto& value : document.at("uses"))
            figures.uses.push_back(use_from(value));
        for (const auto& value : document.at("capabilities"))
            figures.capabilities.push_back({value.at("unit"), value.at("capability"), heads_from(value.at("people"))});
        return figures;
    } catch (const json::exception& error) {
        return wrong(error.what());
    }
}

Result<std::optional<Figures>> frozen_release(store::StateStore& state, const Period& period)
{
    const auto held = state.get(frozen_figures, id_of(period));
    if (!held) return held.error();
    if (!*held) return std::optional<Figures>{};
    auto figures = from_document((*held)->value, period);
    if (!figures) return figures.error();
    return std::optional<Figures>{std::move(*figures)};
}

Result<std::size_t> forget_releases(store::StateStore& state, Day before)
{
    std::size_t removed = 0;
    for (const char* collection : {frozen_figures, frozen_coverage}) {
        const auto documents = state.list(collection);
        if (!documents) return documents.error();
        for (const auto& document : *documents) {
            const auto period = parse_period(document.key);
            if (!period || period->to >= before) continue;
            if (auto put = state.put_if_version(collection, document.key, document.version, nullptr); !put)
                return put.error();
            ++removed;
        }
    }
    return removed;
}

}    // namespace dl::collector::release
