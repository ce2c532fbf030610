// When a certificate is renewed by a clock that is not the collector's.
#include "agent/uplink/reporting.hpp"

#include <gtest/gtest.h>

namespace dl::agent::uplink {
namespace {

using namespace std::chrono_literals;

TEST(Renewal, ByAClockFarAheadComesOnceAnHourAndLetsReportsPass)
{
    const Timestamp collectors = Timestamp{*parse_iso_date("2026-03-02")} + 9h;
    const Timestamp ours = collectors + 19h;
    const Validity day{collectors, collectors + 24h};    // as it comes: due since hours, by this clock
    Reporting machine(Pace{}, [] { return 0.5; });
    ASSERT_TRUE(std::holds_alternative<RenewCertificate>(machine.next(ours, Unsent{true, {}, 1, true}, day)));
    machine.renewed(ours);
    EXPECT_TRUE(std::holds_alternative<SendReport>(machine.next(ours + 1s, Unsent{true, {}, 1, true}, day)));
    EXPECT_FALSE(std::holds_alternative<RenewCertificate>(machine.next(ours + 59min, Unsent{true, {}, 1, true}, day)));
    EXPECT_TRUE(std::holds_alternative<RenewCertificate>(machine.next(ours + 1h, Unsent{true, {}, 1, true}, day)));
}

}    // namespace
}    // namespace dl::agent::uplink
