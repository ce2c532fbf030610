// What agents may collect, at random.
#pragma once

#include "shared/signed/collection.hpp"

#include <random>

namespace dl::tests {

inline signing::Collection any_collection(std::mt19937_64& random)
{
    const auto coin = [&random] { return (random() & 1) != 0; };
    signing::Collection made;
    for (bool* flag :
         {&made.use, &made.sensors, &made.people, &made.applications, &made.dns_only, &made.built_in_personal_hosts})
        *flag = coin();
    made.time_grain = static_cast<signing::TimeGrain>(random() % 3);
    made.report_seconds = 1 + static_cast<std::uint32_t>(random() % signing::longest_report_seconds);
    for (const char* host : {"clinic.example", "union.example", "faith.example"}) {
        if (coin()) made.personal_hosts.insert(host);
        if (coin()) made.excluded_hosts.insert(host);
    }
    return made;
}

}    // namespace dl::tests
