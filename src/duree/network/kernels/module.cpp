// Python bindings of the compiled recurrence. Shapes are checked here: a wrong one is a ValueError.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <numeric>
#include <optional>
#include <stdexcept>

#include "instruction_sets.h"
#include "layer.h"
#include "output_layer.h"
#include "rows.h"

namespace nb = nanobind;
using namespace duree;

namespace {

template <typename T, int DIMENSIONS>
using Array = nb::ndarray<T, nb::ndim<DIMENSIONS>, nb::device::cpu>;
using Lengths = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T, int DIMENSIONS>
using Dense = nb::ndarray<T, nb::ndim<DIMENSIONS>, nb::c_contig, nb::device::cpu>;
template <typename T, int DIMENSIONS>
using Maybe = std::optional<Dense<T, DIMENSIONS>>;

void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

template <typename A>
auto pointer(const std::optional<A>& array) {
    return array ? array->data() : nullptr;
}

// [rows, columns], if it is there.
template <typename T>
void require_shape(const Maybe<T, 2>& array, Index rows, Index columns, const char* what) {
    require(!array || (Index(array->shape(0)) == rows && Index(array->shape(1)) == columns), what);
}

// [rows, steps, columns] with its columns side by side.
template <typename T>
void require_sequences(const Array<T, 3>& array, Index rows, Index steps, Index columns,
                       const char* what) {
    require(Index(array.shape(0)) == rows && Index(array.shape(1)) == steps &&
                Index(array.shape(2)) == columns &&
                (columns == 1 || array.size() == 0 || array.stride(2) == 1),
            what);
}

Cell cell_of(const std::string& name) {
    if (name == "rnn_tanh") return Cell::rnn_tanh;
    if (name == "rnn_relu") return Cell::rnn_relu;
    if (name == "gru") return Cell::gru;
    if (name == "lstm") return Cell::lstm;
    throw std::invalid_argument("no such cell: " + name);
}

// Operations below which waking another thread takes longer than doing its part: a second thread
// that has gone to sleep needs about 50 microseconds.
constexpr double WORTH_A_THREAD = 4e6;

// What a layer reads: x, or words by their projections; and who reads it.
struct Reading {
    std::optional<Array<const float, 3>> x;
    Maybe<const std::int64_t, 2> tokens;
    Maybe<const float, 2> projected;
    Lengths lengths;
    int threads;

    // Sets the fields common to forward and backward, after checking all shapes.
    Batch into(Layer& job) const {
        require(
            x.has_value() != projected.has_value() && projected.has_value() == tokens.has_value(),
            "either x, or tokens and their projections");
        const Index rows = lengths.shape(0);
        job.steps = x ? x->shape(1) : tokens->shape(1);
        job.input = x ? x->shape(2) : 1;
        for (Index row = 0; row < rows; ++row)
            require(0 <= lengths.data()[row] && lengths.data()[row] <= job.steps,
                    "lengths must lie between 0 and the number of steps");
        require(0 < threads && threads <= 1024, "threads must lie between 1 and 1024");
        if (x) {
            require_sequences(*x, rows, job.steps, job.input, "x does not fit");
            require(job.input > 0, "x must have a channel at least");
            job.x = x->data(), job.x_row = x->stride(0), job.x_step = x->stride(1);
        } else {
            require(Index(tokens->shape(0)) == rows, "tokens must have one row a length");
            require(Index(projected->shape(1)) == gates_of(job.cell) * job.hidden,
                    "projections do not fit");
            for (Index row = 0; row < rows; ++row)
                for (Index step = 0; step < lengths.data()[row]; ++step) {
                    const std::int64_t token = tokens->data()[row * job.steps + step];
                    require(0 <= token && token < Index(projected->shape(0)), "no such token");
                }
            job.tokens = tokens->data(), job.projected = projected->data();
        }
        const Index columns = (x ? job.input : 0) + job.hidden;
        const double work = 2.0 * std::accumulate(lengths.data(), lengths.data() + rows, Index{0}) *
                            gates_of(job.cell) * job.hidden * columns;
        return {rows, lengths.data(), work < WORTH_A_THREAD ? 1 : threads};
    }
};

template <typename T>
struct Weights {
    Maybe<T, 2> w_ih;  // none where words are projected already, nor its bias
    Dense<T, 2> w_hh;
    Maybe<T, 1> bias_ih;
    Dense<T, 1> bias_hh;

    Parameters<T> of(const Layer& job) const {
        const Index lines = gates_of(job.cell) * job.hidden;
        require(job.hidden > 0, "the hidden size must be positive");
        require(Index(w_hh.shape(0)) == lines && Index(w_hh.shape(1)) == job.hidden,
                "weight_hh does not fit");
        require(Index(bias_hh.shape(0)) == lines, "bias_hh does not fit");
        require(bool(job.x) == w_ih.has_value() && bool(job.x) == bias_ih.has_value(),
                "weight_ih and bias_ih go with x");
        require_shape(w_ih, lines, job.input, "weight_ih does not fit");
        require(!bias_ih || Index(bias_ih->shape(0)) == lines, "bias_ih does not fit");
        return {pointer(w_ih), w_hh.data(), pointer(bias_ih), bias_hh.data()};
    }
};

void project(const std::string& cell, Dense<const float, 2> vectors, Dense<const float, 2> w_ih,
             Dense<const float, 1> bias_ih, Dense<float, 2> to, int threads) {
    Projection job{};
    job.cell = cell_of(cell);
    const Index words = vectors.shape(0), lines = w_ih.shape(0);
    job.input = vectors.shape(1), job.hidden = lines / gates_of(job.cell);
    require(job.input > 0 && job.hidden > 0 && lines % gates_of(job.cell) == 0 &&
                Index(w_ih.shape(1)) == job.input && Index(bias_ih.shape(0)) == lines,
            "weight_ih, its bias and the vectors do not fit");
    require(Index(to.shape(0)) == words && Index(to.shape(1)) == lines, "to does not fit");
    require(0 < threads && threads <= 1024, "threads must lie between 1 and 1024");
    job.vectors = vectors.data(), job.to = to.data();
    nb::gil_scoped_release release;
    run_project(job, words, threads, {w_ih.data(), nullptr, bias_ih.data(), nullptr});
}

void forward(const std::string& cell, std::optional<Array<const float, 3>> x,
             Maybe<const std::int64_t, 2> tokens, Maybe<const float, 2> projected, Lengths lengths,
             Maybe<const float, 2> w_ih, Dense<const float, 2> w_hh, Maybe<const float, 1> bias_ih,
             Dense<const float, 1> bias_hh, Maybe<const float, 2> h0, Maybe<const float, 2> c0,
             Maybe<const float, 2> mask, bool reverse, int threads, Array<float, 3> out,
             Maybe<float, 2> h_final, Maybe<float, 2> c_final, Maybe<float, 1> saved) {
    Forward job{};
    job.cell = cell_of(cell), job.hidden = w_hh.shape(1), job.reverse = reverse;
    const Batch batch = Reading{x, tokens, projected, lengths, threads}.into(job);
    const auto parameters = Weights<const float>{w_ih, w_hh, bias_ih, bias_hh}.of(job);
    require_sequences(out, batch.rows, job.steps, job.hidden, "out does not fit");
    for (const auto* state : {&h0, &c0, &mask})
        require_shape(*state, batch.rows, job.hidden, "an initial state or the mask does not fit");
    for (const auto* state : {&h_final, &c_final})
        require_shape(*state, batch.rows, job.hidden, "a final state does not fit");
    require(!c_final || job.cell == Cell::lstm, "only the LSTM has a cell state");
    require(!saved || Index(saved->shape(0)) == saved_floats(job.cell, job.hidden, batch),
            "saved does not fit");
    job.h0 = pointer(h0), job.c0 = pointer(c0), job.mask = pointer(mask);
    job.out = out.data(), job.out_row = out.stride(0), job.out_step = out.stride(1);
    job.h_final = pointer(h_final), job.c_final = pointer(c_final);
    nb::gil_scoped_release release;
    run_forward(job, batch, parameters, pointer(saved));
}

void backward(const std::string& cell, std::optional<Array<const float, 3>> x,
              Maybe<const std::int64_t, 2> tokens, Maybe<const float, 2> projected, Lengths lengths,
              Maybe<const float, 2> w_ih, Dense<const float, 2> w_hh, Maybe<const float, 1> bias_ih,
              Dense<const float, 1> bias_hh, Maybe<const float, 2> h0, Maybe<const float, 2> c0,
              Maybe<const float, 2> mask, bool reverse, int threads, Array<float, 3> out,
              Dense<float, 1> saved, std::optional<Array<const float, 3>> d_out,
              Maybe<const float, 2> dh_final, Maybe<const float, 2> dc_final,
              std::optional<Array<float, 3>> dx, bool add_to_dx, Maybe<float, 2> dh0,
              Maybe<float, 2> dc0, Maybe<float, 2> dw_ih, Dense<float, 2> dw_hh,
              Maybe<float, 1> dbias_ih, Dense<float, 1> dbias_hh) {
    Backward job{};
    job.cell = cell_of(cell), job.hidden = w_hh.shape(1), job.reverse = reverse;
    const Batch batch = Reading{x, tokens, projected, lengths, threads}.into(job);
    const auto parameters = Weights<const float>{w_ih, w_hh, bias_ih, bias_hh}.of(job);
    const auto gradients = Weights<float>{dw_ih, dw_hh, dbias_ih, dbias_hh}.of(job);
    require_sequences(out, batch.rows, job.steps, job.hidden, "out does not fit");
    if (d_out)
        require_sequences(*d_out, batch.rows, job.steps, job.hidden,
                          "the gradient of out does not fit");
    const Index columns = job.x ? job.input : gates_of(job.cell) * job.hidden;
    if (dx)
        require_sequences(*dx, batch.rows, job.steps, columns, "the gradient of x does not fit");
    for (const auto* state : {&h0, &c0, &mask, &dh_final, &dc_final})
        require_shape(*state, batch.rows, job.hidden,
                      "a state, its gradient or the mask does not fit");
    for (const auto* state : {&dh0, &dc0})
        require_shape(*state, batch.rows, job.hidden, "the gradient of a state does not fit");
    require(Index(saved.shape(0)) == saved_floats(job.cell, job.hidden, batch),
            "saved does not fit");
    job.h0 = pointer(h0), job.c0 = pointer(c0), job.mask = pointer(mask);
    job.out = out.data(), job.out_row = out.stride(0), job.out_step = out.stride(1);
    if (d_out)
        job.d_out = d_out->data(), job.d_out_row = d_out->stride(0),
        job.d_out_step = d_out->stride(1);
    job.dh_final = pointer(dh_final), job.dc_final = pointer(dc_final);
    if (dx) job.dx = dx->data(), job.dx_row = dx->stride(0), job.dx_step = dx->stride(1);
    job.add_to_dx = add_to_dx;
    job.dh0 = pointer(dh0), job.dc0 = pointer(dc0);
    nb::gil_scoped_release release;
    run_backward(job, batch, parameters, saved.data(), gradients);
}

// The output layer's shapes, after checking them.
template <typename Job>
Job output_job(Dense<const float, 2> x, Dense<const float, 2> weight, Dense<const float, 1> bias,
               Lengths targets, int threads) {
    Job job{};
    job.rows = x.shape(0), job.size = x.shape(1), job.outputs = weight.shape(0);
    require(job.size > 0 && job.size % 16 == 0, "the size must be a multiple of 16");
    require(Index(weight.shape(1)) == job.size && Index(bias.shape(0)) == job.outputs,
            "weight, bias and x do not fit");
    require(job.outputs > 0, "there must be an output at least");
    require(Index(targets.shape(0)) == job.rows, "targets do not fit");
    require(0 < threads && threads <= 1024, "threads must lie between 1 and 1024");
    job.x = x.data(), job.weight = weight.data(), job.bias = bias.data();
    job.targets = targets.data();
    return job;
}

// So many threads as have something to do.
int worthwhile(const OutputLayer& job, int threads) {
    return 2.0 * job.rows * job.size * job.outputs < WORTH_A_THREAD ? 1 : threads;
}

// What the forward pass finds: [4][rows].
OutputForward finding(OutputForward job, const Dense<float, 2>& found) {
    require(found.shape(0) == 4 && Index(found.shape(1)) == job.rows, "found does not fit");
    job.of_target = found.data(), job.normaliser = job.of_target + job.rows;
    job.most = job.normaliser + job.rows, job.total = job.most + job.rows;
    return job;
}

// The scores that are kept, if they are.
float* keeping(const OutputLayer& job, const Maybe<float, 1>& kept) {
    require(!kept || Index(kept->shape(0)) == output_kept_floats(job.rows, job.outputs),
            "kept does not fit");
    return pointer(kept);
}

void output_forward(Dense<const float, 2> x, Dense<const float, 2> weight,
                    Dense<const float, 1> bias, Lengths targets, Dense<float, 2> found,
                    Maybe<float, 1> kept, int threads) {
    const auto job = finding(output_job<OutputForward>(x, weight, bias, targets, threads), found);
    float* scores = keeping(job, kept);
    nb::gil_scoped_release release;
    run_output_forward(job, worthwhile(job, threads), scores);
}

// `both`: the forward pass as well, which fills `found`.
void output_backward(Dense<const float, 2> x, Dense<const float, 2> weight,
                     Dense<const float, 1> bias, Lengths targets, Dense<float, 2> found,
                     Maybe<float, 1> kept, Dense<const float, 1> d_target,
                     Dense<const float, 1> d_normaliser, Dense<float, 2> dx,
                     Dense<float, 2> d_weight, Dense<float, 1> d_bias, bool both, int threads) {
    const auto read = finding(output_job<OutputForward>(x, weight, bias, targets, threads), found);
    OutputBackward job{};
    static_cast<OutputLayer&>(job) = read;
    for (const auto* gradient : {&d_target, &d_normaliser})
        require(Index(gradient->shape(0)) == job.rows, "a gradient does not fit");
    require(Index(dx.shape(0)) == job.rows && Index(dx.shape(1)) == job.size,
            "the gradient of x does not fit");
    require(Index(d_weight.shape(0)) == job.outputs && Index(d_weight.shape(1)) == job.size &&
                Index(d_bias.shape(0)) == job.outputs,
            "the gradient of weight or bias does not fit");
    float* scores = keeping(job, kept);
    job.d_target = d_target.data(), job.d_normaliser = d_normaliser.data();
    job.dx = dx.data(), job.d_weight = d_weight.data(), job.d_bias = d_bias.data();
    nb::gil_scoped_release release;
    if (both)
        run_output_both(read, job, worthwhile(job, threads));
    else
        run_output_backward(job, worthwhile(job, threads), scores);
}

void sum_places(Lengths tokens, Dense<const float, 2> from, Dense<float, 2> to, int threads) {
    const Index places = tokens.shape(0), words = to.shape(0);
    require(Index(from.shape(0)) == places && from.shape(1) == to.shape(1), "from does not fit");
    for (Index place = 0; place < places; ++place)
        require(0 <= tokens.data()[place] && tokens.data()[place] < words, "no such token");
    nb::gil_scoped_release release;
    sum_rows(tokens.data(), places, from.data(), from.shape(1), to.data(), words, threads);
}

void adam(Dense<float, 2> table, Dense<float, 2> mean, Dense<float, 2> square, Lengths rows,
          Dense<const float, 2> gradient, float rate, float beta1, float beta2, float epsilon,
          int threads) {
    const Index count = rows.shape(0), columns = table.shape(1);
    for (const auto* moment : {&mean, &square})
        require(moment->shape(0) == table.shape(0) && Index(moment->shape(1)) == columns,
                "a moment does not fit");
    require(Index(gradient.shape(0)) == count && Index(gradient.shape(1)) == columns,
            "the gradient does not fit");
    for (Index i = 0; i < count; ++i)  // rising, so that no two threads meet
        require((i == 0 ? 0 : rows.data()[i - 1] + 1) <= rows.data()[i] &&
                    rows.data()[i] < Index(table.shape(0)),
                "rows must rise and lie in the table");
    nb::gil_scoped_release release;
    adam_rows(table.data(), mean.data(), square.data(), rows.data(), count, gradient.data(),
              columns, {rate, beta1, beta2, epsilon}, threads);
}

}  // namespace

NB_MODULE(compiled, module) {
    // Every argument by position; those that may be None stand in the signatures.
    module.def("project", &project);
    module.def("forward", &forward);
    module.def("backward", &backward);
    module.def("output_forward", &output_forward);
    module.def("output_backward", &output_backward);
    module.def("output_kept_floats", &output_kept_floats);
    module.def("sum_rows", &sum_places);
    module.def("adam_rows", &adam);
    module.def("saved_floats", [](const std::string& cell, Index hidden, Lengths lengths) {
        return saved_floats(cell_of(cell), hidden, {Index(lengths.shape(0)), lengths.data(), 1});
    });
    module.def("instruction_sets", &instruction_sets);
    module.def("instruction_set", &instruction_set);
    module.def("use_instruction_set", [](const std::string& name) {
        require(use_instruction_set(name), "this processor or build has no such instruction set");
    });
}
