// Every sentence of a brief, in one place: a second language is a second file like words.cpp.
#pragma once

#include "collector/dialogue/brief.hpp"

#include <span>
#include <string>
#include <vector>

namespace dl::collector::dialogue::words {

[[nodiscard]] std::string used(const insight::Finding& finding);    ///< ChatGPT: 5–9 people on 5 days, new
/// Customer relationships: HubSpot (5–9 people); conditions of a service stand with it.
[[nodiscard]] std::string served(const std::string& capability, std::span<const insight::Finding* const> agreed);

/// The needs that show in a unit, by how they are met; and domains that stand for no need yet.
struct Needs {
    std::vector<std::string> served;             ///< by agreed services alone, none of them under conditions
    std::vector<std::string> with_conditions;    ///< by agreed services alone, some of them under conditions
    std::vector<std::string> partly;             ///< by agreed services and others
    std::vector<std::string> open;               ///< by services not yet agreed
    std::vector<std::string> unplaced;
};
[[nodiscard]] std::vector<std::string> in_short(const Needs& needs, std::size_t changed);
/// What there is to compare: figures of both periods, of this one alone, or none of this one.
enum class Before { comparable, none, nothing_now };
[[nodiscard]] std::vector<std::string> since_last_time(const std::vector<std::string>& fresh,
                                                       const std::vector<std::string>& growing,
                                                       const std::vector<std::string>& fading, Before before);
[[nodiscard]] std::string alternative(const std::vector<const catalog::Service*>& agreed);
[[nodiscard]] std::string question(Point::Kind kind, const std::string& service, const std::string& alternative);
[[nodiscard]] std::string
terms(const insight::Finding& finding);    ///< conditions or reason of the policy; may be empty
[[nodiscard]] std::vector<std::string> answers();
[[nodiscard]] std::vector<std::string> not_seen(const insight::Coverage& coverage, std::uint64_t k);
[[nodiscard]] std::vector<std::string> asks(std::size_t points);
/// Two more points are not on this page: …; empty where none is left out.
[[nodiscard]] std::string left_out(const std::vector<std::string>& titles);
/// Why nothing at all can be shown of the unit, and what to do about it. `below`: units under it with people; `anybody`:
/// whether the directory has people anywhere.
[[nodiscard]] std::vector<std::string> why_nothing(const directory::Unit& unit, const std::vector<std::string>& below,
                                                   bool anybody, std::uint64_t k);
[[nodiscard]] std::string no_open_points();
[[nodiscard]] std::string nothing_shown();
[[nodiscard]] std::string see_in_short();
[[nodiscard]] std::string unknown_domain(const std::string& domain);
/// Does this serve your goal “…”?
[[nodiscard]] std::string serves_goal(const std::string& goal);
[[nodiscard]] std::string released_on(Day day);

// Reasons of confidence.
[[nodiscard]] std::string devices_reported(const insight::Share& share);
[[nodiscard]] std::string devices_unknown();
[[nodiscard]] std::string names_readable(const insight::Share& share);
[[nodiscard]] std::string name_read(bool certain);
[[nodiscard]] std::string banded(std::uint64_t k);
[[nodiscard]] std::string assumed_capability();
[[nodiscard]] std::string coarse_figure();

/// True for a word that has no place in a document for the business.
[[nodiscard]] bool is_banned(const std::string& text);

/// Heads of sections.
struct Headings {
    std::string goals = "Your goals";
    std::string in_short = "In short";
    std::string since_last_time = "Since last time";
    std::string working_well = "Working well";
    std::string points = "To discuss";
    std::string answers = "Your people's answers";
    std::string how_sure = "How sure we are";
    std::string not_seen = "What is not seen";
    std::string asks = "What we ask of you";
};
[[nodiscard]] const Headings& headings();

}    // namespace dl::collector::dialogue::words
