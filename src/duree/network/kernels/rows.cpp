#include "rows.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "parallel.h"

namespace duree {

void sum_rows(const std::int64_t* tokens, Index places, const float* from, Index columns, float* to,
              Index words, int threads) {
    // Places in the order of their words, by counting.
    std::vector<Index> begin(words + 1), order(places);
    for (Index place = 0; place < places; ++place) ++begin[tokens[place] + 1];
    for (Index word = 0; word < words; ++word) begin[word + 1] += begin[word];
    std::vector<Index> next(begin.begin(), begin.end() - 1);
    for (Index place = 0; place < places; ++place) order[next[tokens[place]]++] = place;
    parallel(threads, [&](int rank, int size) {
        // Threads have equal numbers of places, not of words, since a few words are very frequent.
        const auto word_at = [&](Index place) {
            return std::upper_bound(begin.begin(), begin.end(), place) - begin.begin() - 1;
        };
        const Index first = rank == 0 ? 0 : word_at(places * rank / size);
        const Index last = rank + 1 == size ? words : word_at(places * (rank + 1) / size);
        for (Index word = first; word < last; ++word) {
            float* sum = to + word * columns;
            std::fill_n(sum, columns, 0.0f);
            for (Index i = begin[word]; i < begin[word + 1]; ++i) {
                const float* more = from + order[i] * columns;
                for (Index j = 0; j < columns; ++j) sum[j] += more[j];
            }
        }
    });
}

void adam_rows(float* table, float* mean, float* square, const std::int64_t* rows, Index count,
               const float* gradient, Index columns, AdamStep step, int threads) {
    parallel(threads, [&](int rank, int size) {
        for (Index i = count * rank / size; i < count * (rank + 1) / size; ++i) {
            const Index at = rows[i] * columns;
            for (Index j = 0; j < columns; ++j) {
                const float g = gradient[i * columns + j];
                const float m = step.beta1 * mean[at + j] + (1.0f - step.beta1) * g;
                const float v = step.beta2 * square[at + j] + (1.0f - step.beta2) * g * g;
                mean[at + j] = m, square[at + j] = v;
                table[at + j] -= step.rate * m / (std::sqrt(v) + step.epsilon);
            }
        }
    });
}

}  // namespace duree
