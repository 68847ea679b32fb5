#include "synapses.c"

/* Adds the products of `rows` vectors with the neurons' weights; eight sums side by side, for processors that can. */
static void inner_product(int32_t rows, int32_t neurons, const struct synapses *synapses, const float *from, float *to)
{
    const int32_t length = synapses->row;
    int32_t row, neuron, i, k;
    for (row = 0; row < rows; ++row, from += length) {
        const stored *weights = synapses->weights;
        for (neuron = 0; neuron < neurons; ++neuron, weights += length) {
            float sums[8] = {0}, sum = 0;
            for (i = 0; i + 8 <= length; i += 8)
                for (k = 0; k < 8; ++k)
                    sums[k] += widened(weights[i + k], synapses->scales, neuron) * from[i + k];
            for (; i < length; ++i)
                sum += widened(weights[i], synapses->scales, neuron) * from[i];
            for (k = 0; k < 8; ++k)
                sum += sums[k];
            *to++ += sum;
        }
    }
}
