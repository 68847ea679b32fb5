#include "cursor.c"

/* Adds the products of `rows` vectors with the neurons' synapses. */
static void sparse_inner_product(int32_t rows, int32_t neurons, const struct synapses *synapses, const float *from,
                                 float *to)
{
    int32_t row, neuron;
    for (row = 0; row < rows; ++row, from += synapses->row) {
        struct cursor at = first_synapse(synapses);
        for (neuron = 0; neuron < neurons; ++neuron) {
            const int32_t start = neuron * synapses->row;
            float sum = 0;
            for (; at.place < start + synapses->row; next_synapse(&at, synapses))
                sum += widened(*at.weights, synapses->scales, neuron) * from[at.place - start];
            *to++ += sum;
        }
    }
}
