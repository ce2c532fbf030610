#include "collector/dialogue/brief.hpp"

namespace dl::collector::dialogue {
namespace {

using nlohmann::json;

json heads_json(const std::optional<release::Heads>& heads)
{
    if (!heads) return nullptr;
    return {{"text", heads->text()},
            {"at_least", heads->at_least},
            {"at_most", heads->at_most ? json(*heads->at_most) : json(nullptr)},
            {"exact", heads->exact ? json(heads->at_least) : json(nullptr)}};
}

json confidence_json(const Confidence& confidence)
{
    return {{"word", to_string(confidence.word)}, {"reasons", confidence.reasons}};
}

json point_json(const Point& point)
{
    json options = json::array(), services = json::array();
    for (const auto& option : point.options)
        options.push_back({{"title", option.title}, {"consequence", option.consequence}});
    for (const auto& [id, name] : point.services)
        services.push_back({{"id", id}, {"name", name}});
    return {{"title", point.title},
            {"kind", to_string(point.kind)},
            {"evidence", point.evidence},
            {"heads", heads_json(point.people)},
            {"trend", point.trend},
            {"alternative", point.alternative},
            {"options", options},
            {"question", point.question},
            {"goal", point.goal},
            {"goal_id", point.goal_id.empty() ? json(nullptr) : json(point.goal_id)},
            {"goal_question", point.goal_question},
            {"confidence", confidence_json(point.confidence)},
            {"services", services}};
}

}    // namespace

json to_json(const Brief& brief)
{
    json goals = json::array(), working = json::array(), points = json::array(), sure = json::array();
    for (const auto& goal : brief.goals)
        goals.push_back({{"id", goal.id}, {"text", goal.text}, {"about", goal.about}});
    for (const auto& entry : brief.working_well)
        working.push_back({{"text", entry.text}, {"confidence", confidence_json(entry.confidence)}});
    for (const auto& point : brief.points)
        points.push_back(point_json(point));
    for (const auto& entry : brief.how_sure)
        sure.push_back({{"about", entry.about}, {"confidence", confidence_json(entry.confidence)}});
    return {{"unit", {{"id", brief.unit}, {"name", brief.unit_name}}},
            {"period",
             {{"kind", release::to_string(brief.period.kind)},
              {"id", release::id_of(brief.period)},
              {"from", to_iso_date(brief.period.from)},
              {"to", to_iso_date(brief.period.to)},
              {"closed", release::is_closed(brief.period, brief.prepared)}}},
            {"state", "draft"},
            {"prepared", to_iso_date(brief.prepared)},
            {"small_group", brief.k},
            {"released", brief.released ? json(to_iso_date(*brief.released)) : json(nullptr)},
            {"versions",
             {{"catalog", brief.catalog_version},
              {"policy", brief.policy_version},
              {"directory", brief.directory_version}}},
            {"title", title_of(brief)},
            {"goals", goals},
            {"in_short", brief.in_short},
            {"since_last_time", brief.since_last_time},
            {"working_well", working},
            {"points", points},
            {"left_out", brief.left_out},
            {"answers", brief.answers},
            {"how_sure", sure},
            {"not_seen", brief.not_seen},
            {"asks", brief.asks}};
}

}    // namespace dl::collector::dialogue
