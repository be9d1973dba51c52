// Threads: OpenMP's where the compiler has it, which PyTorch shares; else fresh ones.
#pragma once

#include <thread>
#include <vector>

#if defined(_OPENMP) && !defined(DUREE_PLAIN_THREADS)
#include <omp.h>
#endif

namespace duree {

// Calls body(rank, size) on `threads` threads, or on fewer where that many cannot be had.
template <typename Body>
void parallel(int threads, const Body& body) {
    if (threads <= 1) return body(0, 1);
#if defined(_OPENMP) && !defined(DUREE_PLAIN_THREADS)
#pragma omp parallel num_threads(threads)
    body(omp_get_thread_num(), omp_get_num_threads());
#else
    std::vector<std::thread> others;
    for (int rank = 1; rank < threads; ++rank) others.emplace_back(body, rank, threads);
    body(0, threads);
    for (std::thread& other : others) other.join();
#endif
}

}  // namespace duree
