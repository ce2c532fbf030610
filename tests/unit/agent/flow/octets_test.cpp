#include "agent/flow/octets.hpp"

#include <gtest/gtest.h>

namespace dl::agent::flow {
namespace {

using enum Octets::Jumps;

TEST(Octets, CountWhatIsUniqueWithRetransmissionsKeepAlivesAndOverlap)
{
    Octets octets;
    octets.begin(1000);
    octets.add_segment(1000, 100, doubted);
    octets.add_segment(1000, 100, doubted);    // retransmitted
    octets.add_segment(1050, 100, doubted);    // half of it new
    octets.add_segment(1149, 1, doubted);      // keep-alive (RFC 9293 section 3.8.4)
    octets.add_segment(1149, 0, doubted);
    EXPECT_EQ(octets.count(), 150U);
    octets.add_segment(1300, 100, doubted);    // what is between was lost by the capture
    EXPECT_EQ(octets.count(), 400U);
}

TEST(Octets, GoOnBeyondTheEndOfTheNumbers)
{
    Octets octets;
    std::uint32_t at = 0xffff0000U;
    octets.begin(at);
    for (int i = 0; i < 100'000; ++i, at += 60'000) {
        octets.add_segment(at, 60'000, doubted);
        octets.add_acknowledgement(at + 60'000, doubted);
    }
    EXPECT_EQ(octets.count(), 6'000'000'000U);
}

TEST(Octets, ComeFromAcknowledgementsWhereOneSideWasNotCaptured)
{
    Octets octets;
    octets.add_acknowledgement(501, doubted);
    octets.add_acknowledgement(100'501, doubted);
    EXPECT_FALSE(octets.heard());
    octets.add_acknowledgement(100'502, doubted);    // of the FIN
    octets.finish_unheard();
    EXPECT_EQ(octets.count(), 100'000U);
}

TEST(Octets, AFinTakesANumberThatIsNoPayload)
{
    Octets before;
    before.begin(1);
    before.add_segment(1, 10, doubted);
    before.finish(11);
    before.add_acknowledgement(12, doubted);
    EXPECT_EQ(before.count(), 10U);
    Octets after;    // the acknowledgement was captured first
    after.begin(1);
    after.add_segment(1, 10, doubted);
    after.add_acknowledgement(12, doubted);
    after.finish(11);
    EXPECT_EQ(after.count(), 10U);
    after.finish_unheard();
    EXPECT_EQ(after.count(), 10U);
}

TEST(Octets, FarJumpsCountWhereTheOtherNumberFits)
{
    Octets start_and_end;
    start_and_end.begin(1);
    start_and_end.add_segment(2'500'000'001U, 0, believed);
    EXPECT_EQ(start_and_end.count(), 2'500'000'000U);
    Octets strange;
    strange.begin(1);
    strange.add_segment(2'500'000'001U, 7, doubted);
    EXPECT_EQ(strange.count(), 7U);
    Octets late;    // an acknowledgement of what was sent a window ago is nothing new
    late.begin(1);
    late.add_segment(1, 10, doubted);
    late.add_acknowledgement(0U - 900'000'000U, believed);
    EXPECT_EQ(late.count(), 10U);
}

}    // namespace
}    // namespace dl::agent::flow
