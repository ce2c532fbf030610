// The attacker's tool: the least value a variable can have under linear constraints (dense two-phase simplex, Bland's
// rule).
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace dl::collector::release {

class LinearProgram {
public:
    explicit LinearProgram(std::size_t variables) : variables_(variables) {}

    /// Σ coefficient × variable ≤ bound; every variable is ≥ 0.
    void at_most(const std::vector<std::pair<std::size_t, double>>& terms, double bound)
    {
        std::vector<double> row(variables_, 0.0);
        for (const auto& [variable, coefficient] : terms)
            row[variable] += coefficient;
        rows_.push_back(std::move(row));
        bounds_.push_back(bound);
    }
    void at_least(std::size_t variable, double bound) { at_most({{variable, -1.0}}, -bound); }

    /// The least value of one variable; nothing when the constraints contradict each other.
    std::optional<double> least(std::size_t variable) const
    {
        const std::size_t m = rows_.size();
        const std::size_t columns = variables_ + 2 * m;    // variables, slacks, artificials
        std::vector<std::vector<double>> t(m, std::vector<double>(columns + 1, 0.0));
        std::vector<std::size_t> basis(m);
        for (std::size_t i = 0; i < m; ++i) {
            const double sign = bounds_[i] < 0 ? -1.0 : 1.0;
            for (std::size_t j = 0; j < variables_; ++j)
                t[i][j] = sign * rows_[i][j];
            t[i][variables_ + i] = sign;
            t[i][columns] = sign * bounds_[i];
            basis[i] = sign > 0 ? variables_ + i : variables_ + m + i;
            if (sign < 0) t[i][variables_ + m + i] = 1.0;
        }
        std::vector<double> cost(columns, 0.0);
        for (std::size_t i = 0; i < m; ++i)
            cost[variables_ + m + i] = 1.0;
        if (solve(t, basis, cost, columns) > 1e-6) return std::nullopt;
        std::vector<double> aim(columns, 0.0);
        aim[variable] = 1.0;
        for (std::size_t i = 0; i < m; ++i)
            aim[variables_ + m + i] = 1e6;    // artificials stay out
        return solve(t, basis, aim, columns);
    }

private:
    static double solve(std::vector<std::vector<double>>& t, std::vector<std::size_t>& basis,
                        const std::vector<double>& cost, std::size_t columns)
    {
        std::vector<double> reduced(columns + 1, 0.0);
        for (std::size_t j = 0; j < columns; ++j)
            reduced[j] = cost[j];
        for (std::size_t i = 0; i < t.size(); ++i)
            if (cost[basis[i]] != 0.0)
                for (std::size_t j = 0; j <= columns; ++j)
                    reduced[j] -= cost[basis[i]] * t[i][j];
        for (;;) {
            std::size_t enter = columns;
            for (std::size_t j = 0; j < columns && enter == columns; ++j)
                if (reduced[j] < -1e-9) enter = j;
            if (enter == columns) return -reduced[columns];
            std::size_t leave = t.size();
            double best = std::numeric_limits<double>::infinity();
            for (std::size_t i = 0; i < t.size(); ++i) {
                if (t[i][enter] <= 1e-9) continue;
                const double ratio = t[i][columns] / t[i][enter];
                if (ratio < best - 1e-12 || (ratio < best + 1e-12 && leave < t.size() && basis[i] < basis[leave])) {
                    best = ratio;
                    leave = i;
                }
            }
            if (leave == t.size()) return -std::numeric_limits<double>::infinity();
            const double pivot = t[leave][enter];
            for (double& value : t[leave])
                value /= pivot;
            const auto eliminate = [&](std::vector<double>& row) {
                const double factor = row[enter];
                if (factor == 0.0) return;
                for (std::size_t j = 0; j <= columns; ++j)
                    row[j] -= factor * t[leave][j];
            };
            for (std::size_t i = 0; i < t.size(); ++i)
                if (i != leave) eliminate(t[i]);
            eliminate(reduced);
            basis[leave] = enter;
        }
    }

    std::size_t variables_;
    std::vector<std::vector<double>> rows_;
    std::vector<double> bounds_;
};

}    // namespace dl::collector::release
