// What a business leader is offered instead of a well-known service, under the shipped catalogue and policy.
#include "collector/insight/offers.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace dl::collector::insight {
namespace {

const std::filesystem::path config = std::filesystem::path(DAYLIGHT_SOURCE_DIR) / "config";

TEST(ShippedOffers, AnAlternativeDoesTheSameWork)
{
    const auto catalog = catalog::load_catalog(config / "catalog").value();
    const auto policy = policy::load_policy(config / "policy.json", *catalog).value();
    const auto directory = directory::load_directory({config / "business-units.csv", {}, {}}).value();
    Offers offers({*catalog, *policy, *directory});
    using Names = std::vector<std::string>;
    const auto instead_of = [&](const char* id) {
        const auto* service = catalog->service(id);
        EXPECT_TRUE(service) << id;
        Names names;
        for (const auto* offer : offers.agreed("sales", service ? service->capability : ""))
            names.push_back(offer->id);
        std::sort(names.begin(), names.end());
        return names;
    };
    EXPECT_EQ(instead_of("canva"), Names{}) << "Visio draws no posters";
    EXPECT_EQ(instead_of("figma"), Names{});
    EXPECT_EQ(instead_of("lucid"), Names{"microsoft-visio"});
    EXPECT_EQ(instead_of("miro"), Names{"microsoft-whiteboard"});
    EXPECT_EQ(instead_of("dropbox"), (Names{"onedrive-business", "sharepoint-online"}));
    EXPECT_EQ(instead_of("wetransfer"), (Names{"onedrive-business", "sharepoint-online"}));
    EXPECT_EQ(instead_of("chatgpt"), Names{"microsoft-365-copilot"});
    EXPECT_EQ(instead_of("midjourney"), Names{}) << "a text assistant makes no pictures";
    EXPECT_EQ(instead_of("smallpdf"), Names{}) << "a translator converts no PDF";
    EXPECT_EQ(instead_of("grammarly"), Names{});
    EXPECT_EQ(instead_of("mailchimp"), Names{}) << "an advertising console sends no newsletter";
    EXPECT_EQ(instead_of("zapier"), Names{"power-automate"});
    EXPECT_EQ(instead_of("whatsapp"), Names{}) << "neither a game nor a search engine";
    EXPECT_EQ(instead_of("ngrok"), Names{}) << "tunnels are banned, Microsoft's too";
    EXPECT_EQ(instead_of("zoom"), Names{"microsoft-teams"}) << "meetings are its second capability";
    EXPECT_EQ(instead_of("slack"), Names{"microsoft-teams"});
    EXPECT_EQ(instead_of("trello"), (Names{"microsoft-planner", "microsoft-to-do"}));
    EXPECT_EQ(instead_of("surveymonkey"), Names{"microsoft-forms"});
    EXPECT_EQ(instead_of("tableau"), Names{"power-bi"});
    EXPECT_EQ(instead_of("teamviewer"), Names{"microsoft-quick-assist"});
    EXPECT_EQ(instead_of("facebook"), Names{}) << "LinkedIn is for business contacts";
}

}    // namespace
}    // namespace dl::collector::insight
