#include "shared/wire/report.hpp"

#include <gtest/gtest.h>

namespace dl::wire {
namespace {

TEST(Words, EveryEvidenceHasOneAndIsReadBack)
{
    for (int number = 1; number <= 11; ++number) {
        const auto evidence = static_cast<Evidence>(number);
        EXPECT_NE(to_string(evidence), "unknown");
        EXPECT_EQ(parse_evidence(to_string(evidence)), evidence);
    }
    EXPECT_EQ(parse_evidence("TLS_SNI"), std::nullopt);
    EXPECT_EQ(parse_evidence(""), std::nullopt);
    for (const ObserverKind kind : {ObserverKind::endpoint, ObserverKind::sensor, ObserverKind::import})
        EXPECT_EQ(parse_observer_kind(to_string(kind)), kind);
    for (const Order order : {Order::none, Order::new_epoch, Order::resend})
        EXPECT_EQ(parse_order(to_string(order)), order);
    EXPECT_EQ(parse_order("stop"), std::nullopt);
}

TEST(Words, WhatTheConnectionSaysOutranksWhatIsInferred)
{
    EXPECT_LT(rank(Evidence::tls_sni), rank(Evidence::http_host));
    EXPECT_LT(rank(Evidence::quic_sni), rank(Evidence::http_host));
    EXPECT_LT(rank(Evidence::http_host), rank(Evidence::http_connect));
    EXPECT_LT(rank(Evidence::http_connect), rank(Evidence::dns_answer));
    EXPECT_LT(rank(Evidence::dns_answer), rank(Evidence::ambiguous));
    EXPECT_LT(rank(Evidence::ambiguous), rank(Evidence::address_only));
}

}    // namespace
}    // namespace dl::wire
