#include "collector/insight/finding.hpp"

#include <fmt/format.h>

namespace dl::collector::insight {
namespace {

Option adopt(const std::string& name)
{
    return {"adopt", fmt::format("Adopt {}", name),
            "IT takes it over: contract, sign-on, support and its cost; the unit keeps what it works with"};
}
Option conditions(const std::string& name)
{
    return {"sanction_with_conditions", fmt::format("Agree to {} with conditions", name),
            "It may be used for what is written down, such as which data and which accounts; both sides keep to it"};
}
Option accept_until(const std::string& name)
{
    return {"accept_until", fmt::format("Accept {} until a date", name),
            "Nothing changes for now; the risk is known, has an owner and comes back on that day"};
}
Option retire(const std::string& name, bool replaced)
{
    return {"retire", fmt::format("Stop using {}", name),
            replaced ? "The agreed service has to do all of its work; data must be moved first"
                     : "The need behind it stays, and no agreed service is known for it"};
}
Option migrate(const catalog::Service& to)
{
    return {"migrate", fmt::format("Move to {}", to.name),
            "The need stays served under an agreement; habits, templates and data have to move", &to};
}

}    // namespace

std::vector<Option> options_of(const Finding& finding, const std::vector<const catalog::Service*>& used_agreed)
{
    std::vector<Option> options;
    const std::string name = finding.name();
    const bool replaced = !finding.alternatives.empty();
    const bool risky = !finding.risks.empty();
    if (finding.trend == Trend::gone) return options;
    switch (finding.decision.verdict) {
        case policy::Verdict::sanctioned:
            if (!used_agreed.empty()) {
                const auto& other = *used_agreed.front();
                options.push_back({"consolidate", fmt::format("Consolidate {} and {}", name, other.name),
                                   "One contract and one place to look; those who move have to be helped", &other});
            }
            options.push_back({"negotiate", fmt::format("Negotiate the contract of {}", name),
                               "Measured use is the argument at renewal; nothing changes for the people"});
            if (finding.trend == Trend::fading) options.push_back(retire(name, !used_agreed.empty()));
            break;
        case policy::Verdict::tolerated:
            options.push_back(adopt(name));
            if (replaced) options.push_back(migrate(*finding.alternatives.front()));
            options.push_back(accept_until(name));
            break;
        case policy::Verdict::unsanctioned:
            if (replaced) options.push_back(migrate(*finding.alternatives.front()));
            if (!replaced) options.push_back(conditions(name));
            options.push_back(accept_until(name));
            options.push_back(retire(name, replaced));
            break;
        case policy::Verdict::unreviewed:
            if (finding.service && !replaced && !risky) options.push_back(adopt(name));
            options.push_back(conditions(name));
            if (replaced) options.push_back(migrate(*finding.alternatives.front()));
            options.push_back(accept_until(name));
            if (replaced || risky) options.push_back(retire(name, replaced));
            break;
    }
    return options;
}

}    // namespace dl::collector::insight
