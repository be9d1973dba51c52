// Operations on the rows of tables that occur in a batch: sums over occurrences, and Adam.
#pragma once

#include "recurrence.h"

namespace duree {

// to[word] = the sum of from[place] over the places where that word occurs, in their order.
void sum_rows(const std::int64_t* tokens, Index places, const float* from, Index columns, float* to,
              Index words, int threads);

// One step of Adam (Kingma & Ba 2015, algorithm 1) on the rows that occur in a batch. Moments of
// the others are unchanged; `rate` includes the bias corrections.
struct AdamStep {
    float rate, beta1, beta2, epsilon;
};
void adam_rows(float* table, float* mean, float* square, const std::int64_t* rows, Index count,
               const float* gradient, Index columns, AdamStep step, int threads);

}  // namespace duree
