// What one instruction set offers. Compiled once for each, with DUREE_ISA (a name), DUREE_WIDTH
// (floats of a vector) and DUREE_REGISTERS (vectors).

#include "backward.h"
#include "forward.h"

namespace duree::DUREE_ISA {
namespace {

// The words from `first` to `last`.
void project(const Projection& job, Index first, Index last, float* scratch) {
    const Index H = job.hidden, G = gates_of(job.cell), gates = spread(job.blocks * G * W);
    for (; first < last; first += MAX_SAMPLES) {
        const Index words = last - first < MAX_SAMPLES ? last - first : MAX_SAMPLES;
        multiply<false>(words, job.vectors + first * job.input, job.input, job.input,
                        {job.w_ih, W, job.input * W}, job.blocks * G, {scratch, gates, W},
                        Start::bias, job.bias_ih);
        for (Index word = 0; word < words; ++word)
            for (Index b = 0; b < job.blocks; ++b)
                for (Index g = 0; g < G; ++g)
                    store_part(job.to + ((first + word) * G + g) * H + b * W,
                               load(scratch + word * gates + (b * G + g) * W), H - b * W);
    }
}

void forward(const Forward& job, const Group& group, float* scratch, const Team& team) {
    switch (job.cell) {
        case Cell::rnn_tanh: return ForwardPass<Cell::rnn_tanh>(job, group, scratch, team).run();
        case Cell::rnn_relu: return ForwardPass<Cell::rnn_relu>(job, group, scratch, team).run();
        case Cell::gru: return ForwardPass<Cell::gru>(job, group, scratch, team).run();
        case Cell::lstm: return ForwardPass<Cell::lstm>(job, group, scratch, team).run();
    }
}

void backward(const Backward& job, const Group& group, const Gradients& sums, float* scratch,
              const Team& team) {
    switch (job.cell) {
        case Cell::rnn_tanh:
            return BackwardPass<Cell::rnn_tanh>(job, group, sums, scratch, team).run();
        case Cell::rnn_relu:
            return BackwardPass<Cell::rnn_relu>(job, group, sums, scratch, team).run();
        case Cell::gru: return BackwardPass<Cell::gru>(job, group, sums, scratch, team).run();
        case Cell::lstm: return BackwardPass<Cell::lstm>(job, group, sums, scratch, team).run();
    }
}

}  // namespace

#define DUREE_TEXT_(name) #name
#define DUREE_TEXT(name) DUREE_TEXT_(name)
extern const Scans scans;
const Scans scans = {DUREE_TEXT(DUREE_ISA), W, project, forward, backward};

}  // namespace duree::DUREE_ISA
