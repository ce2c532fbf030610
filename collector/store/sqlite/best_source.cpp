#include "collector/store/sqlite/best_source.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

namespace dl::collector::store {
namespace {

constexpr int rank_bits = 5;

/// What one observer says about one (label, person).
struct Account {
    std::int64_t label = 0;
    std::int64_t person = 0;
    std::int64_t observer = 0;
    bool endpoint = true;
    int rank = std::numeric_limits<int>::max();
    std::int64_t connections = 0;
    std::int64_t bytes = 0;
    bool taken = false;

    [[nodiscard]] bool better_than(const Account& other) const
    {
        return std::tuple(rank, -connections, -bytes, observer) <
               std::tuple(other.rank, -other.connections, -other.bytes, other.observer);
    }
};

std::uint64_t pair_key(std::int64_t person, std::int64_t label)
{
    return static_cast<std::uint64_t>(person) << 32 | static_cast<std::uint32_t>(label);
}

/// Takes the best account of [first, last), which are of one (label, person).
void take_best(std::span<Account> accounts)
{
    std::ranges::min_element(accounts, [](const Account& a, const Account& b) { return a.better_than(b); })->taken =
        true;
}

/// Chooses among the accounts of one label; the unknown person's stand first.
void choose_for_label(std::span<Account> accounts)
{
    std::size_t unknown_end = 0;
    while (unknown_end < accounts.size() && accounts[unknown_end].person == 0)
        ++unknown_end;
    const auto unknown = accounts.first(unknown_end);
    const auto known = accounts.subspan(unknown_end);
    for (std::size_t at = 0; at < known.size();) {
        std::size_t end = at;
        while (end < known.size() && known[end].person == known[at].person)
            ++end;
        take_best(known.subspan(at, end - at));
        at = end;
    }
    if (unknown.empty()) return;
    if (known.empty()) return take_best(unknown);
    for (Account& account : unknown)
        account.taken =
            std::ranges::any_of(known, [&](const Account& k) { return k.taken && k.observer == account.observer; });
}

}    // namespace

Source contested_source(std::int64_t observer, int rank)
{
    return observer << rank_bits | (rank & ((1 << rank_bits) - 1));
}

std::int64_t observer_of(Source source) { return source >> rank_bits; }

int rank_of(Source source) { return static_cast<int>(source & ((1 << rank_bits) - 1)); }

std::int64_t add_saturating(std::int64_t a, std::int64_t b)
{
    std::int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

std::vector<std::optional<Source>> choose_sources(std::span<const LabelledFact> device_day)
{
    std::vector<std::optional<Source>> sources(device_day.size(), settled);
    const bool alone = std::ranges::all_of(
        device_day, [&](const LabelledFact& f) { return f.observer == device_day.front().observer; });
    if (alone && (device_day.empty() || device_day.front().endpoint)) return sources;    // nothing to choose

    std::vector<std::size_t> order(device_day.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto key = [&](std::size_t i) {
        return std::tuple(device_day[i].label, device_day[i].fact.person, device_day[i].observer);
    };
    std::ranges::sort(order, {}, key);

    std::vector<Account> accounts;
    std::vector<std::size_t> account_of(device_day.size());
    for (const std::size_t i : order) {
        const LabelledFact& f = device_day[i];
        if (accounts.empty() ||
            std::tuple(accounts.back().label, accounts.back().person, accounts.back().observer) != key(i))
            accounts.push_back({f.label, f.fact.person, f.observer, f.endpoint});
        Account& account = accounts.back();
        account.rank = std::min(account.rank, wire::rank(f.fact.evidence));
        account.connections = add_saturating(account.connections, f.fact.connections);
        account.bytes = add_saturating(account.bytes, add_saturating(f.fact.bytes_up, f.fact.bytes_down));
        account_of[i] = accounts.size() - 1;
    }
    for (std::size_t at = 0; at < accounts.size();) {
        std::size_t end = at;
        while (end < accounts.size() && accounts[end].label == accounts[at].label)
            ++end;
        choose_for_label(std::span(accounts).subspan(at, end - at));
        at = end;
    }
    for (std::size_t i = 0; i < device_day.size(); ++i) {
        const Account& account = accounts[account_of[i]];
        if (!account.taken)
            sources[i].reset();
        else if (account.person != 0 && !account.endpoint)
            sources[i] = contested_source(account.observer, account.rank);
    }
    return sources;
}

std::vector<Use> sum_uses(std::span<const LabelledFact> device_day, std::span<const std::optional<Source>> sources)
{
    std::vector<Use> uses;
    uses.reserve(device_day.size());
    for (std::size_t i = 0; i < device_day.size(); ++i) {
        if (!sources[i]) continue;
        const Fact& f = device_day[i].fact;
        uses.push_back({f.day, f.device, f.person, device_day[i].label, 0, *sources[i], f.connections, f.bytes_up,
                        f.bytes_down, f.first_seen, f.last_seen});
    }
    std::ranges::sort(uses, {}, [](const Use& use) { return std::pair(use.person, use.label); });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < uses.size(); ++i) {
        if (i > 0 && uses[kept - 1].person == uses[i].person && uses[kept - 1].label == uses[i].label) {
            Use& sum = uses[kept - 1];
            sum.connections = add_saturating(sum.connections, uses[i].connections);
            sum.bytes_up = add_saturating(sum.bytes_up, uses[i].bytes_up);
            sum.bytes_down = add_saturating(sum.bytes_down, uses[i].bytes_down);
            sum.first_seen = std::min(sum.first_seen, uses[i].first_seen);
            sum.last_seen = std::max(sum.last_seen, uses[i].last_seen);
        } else {
            uses[kept++] = uses[i];
        }
    }
    uses.resize(kept);
    return uses;
}

void DayContest::note(std::int64_t person, std::int64_t label, Source source, std::int64_t connections)
{
    if (person == 0) return;
    Claim& claim = claims_[pair_key(person, label)];
    if (source == settled) {
        claim.endpoint = true;
        return;
    }
    const auto [at, fresh] = claim.observers.try_emplace(observer_of(source), rank_of(source), connections);
    if (fresh) return;
    at->second.first = std::min(at->second.first, rank_of(source));
    at->second.second = add_saturating(at->second.second, connections);
}

bool DayContest::stands(std::int64_t person, std::int64_t label, Source source) const
{
    if (person == 0 || source == settled) return true;
    const auto claim = claims_.find(pair_key(person, label));
    if (claim == claims_.end()) return true;
    if (claim->second.endpoint) return false;
    const auto best = std::ranges::min_element(claim->second.observers, {}, [](const auto& entry) {
        return std::tuple(entry.second.first, -entry.second.second, entry.first);
    });
    return best->first == observer_of(source);
}

}    // namespace dl::collector::store
