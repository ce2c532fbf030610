// What is this host name? Our index beside libpsl with a hash map on the same names, in one run: 10,000 services' worth
// of patterns (100,000), half of the asked names catalogued, uniform order, warm. Median of five runs, nanoseconds a
// name.
#include "collector/catalog/pattern.hpp"
#include "collector/catalog/suffix_index.hpp"

#include <libpsl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using namespace dl::collector::catalog;

std::vector<std::string> made_names(std::size_t count, unsigned seed)
{
    static const char* const ends[] = {"com", "net", "io", "de", "co.uk", "app", "com.au", "org"};
    std::mt19937 random(seed);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) {
        std::string label;
        for (auto n = 5 + random() % 9; n > 0; --n)
            label += static_cast<char>('a' + random() % 26);
        names.push_back(label + "." + ends[random() % std::size(ends)]);
    }
    return names;
}

template <class LookUp>
double measure(const char* who, const std::vector<std::string>& asked, LookUp look_up)
{
    std::vector<double> runs;
    std::size_t found = 0;
    for (int run = 0; run < 5; ++run) {
        found = 0;
        const auto start = std::chrono::steady_clock::now();
        for (const std::string& host : asked)
            found += look_up(host) ? 1 : 0;
        const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
        runs.push_back(took.count() / static_cast<double>(asked.size()));
    }
    std::sort(runs.begin(), runs.end());
    std::printf("%s\t%.1f\tns/name\t\t%zu of %zu found\n", who, runs[2], found, asked.size());
    return runs[2];
}

}    // namespace

int main()
{
    const auto domains = made_names(100000, 1);
    const auto strangers = made_names(100000, 2);
    SuffixIndex index(domains.size());
    std::unordered_map<std::string, unsigned> map;
    for (unsigned i = 0; i < domains.size(); ++i) {
        static_cast<void>(index.add(*parse_pattern("*." + domains[i]), i));
        map.emplace(domains[i], i);
    }
    std::vector<std::string> asked;
    static const char* const heads[] = {"www.", "api.", "app.", "corp.", "eu1.api.", "a-b-c."};
    std::mt19937 random(3);
    for (std::size_t i = 0; i < 400000; ++i)
        asked.push_back(heads[random() % std::size(heads)] + (i % 2 ? domains : strangers)[random() % domains.size()]);

    const double ours = measure("classify.suffix_index", asked, [&](const std::string& host) {
        const FoldedHost folded(host);
        return folded.valid() && index.find(folded) != SuffixIndex::none;
    });
    const psl_ctx_t* const list = psl_builtin();
    const double peer = measure("classify.libpsl_and_hash_map", asked, [&](const std::string& host) {
        const char* const domain = psl_registrable_domain(list, host.c_str());
        return domain != nullptr && map.contains(domain);
    });
    std::printf("classify.ratio\t%.1f\tx\t>= 5\t%s\n", peer / ours, peer >= 5 * ours ? "met" : "missed");
    return 0;
}
