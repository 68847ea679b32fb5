#include "cursor.c"
#include "taps.c"

/* What one synapse of Caffe's Deconvolution adds to its neuron's map. */
static void add_map(const struct window *window, int32_t tap, float weight, const float *restrict from,
                    float *restrict to)
{
    const int32_t step = window->stride[1];
    int32_t down, top, bottom, right, left, end, y, x;
    seen(window, 0, tap / window->kernel[1], &down, &top, &bottom);
    seen(window, 1, tap % window->kernel[1], &right, &left, &end);
    for (y = top; y < bottom; ++y) {
        const int32_t place = y * window->places[1], pixel = (y * window->stride[0] + down) * window->size[1] + right;
        for (x = left; x < end; ++x)
            to[pixel + x * step] += weight * from[place + x];
    }
}

/* Adds each synapse's weight times the places that it reads to its neuron's map, which has the biases already. */
static void convolve_transposed(const struct convolution *layer, const struct synapses *synapses, const float *from,
                                float *to)
{
    const struct window *window = &layer->window;
    const int32_t taps = window->kernel[0] * window->kernel[1];
    const int32_t map = window->size[0] * window->size[1], places = window->places[0] * window->places[1];
    int32_t image, neuron;
    for (image = 0; image < layer->images; ++image) {
        struct cursor at = first_synapse(synapses);
        for (neuron = 0; neuron < layer->groups * layer->outputs; ++neuron, to += map) {
            const int32_t start = neuron * synapses->row;
            const float *group = from + neuron / layer->outputs * layer->inputs * places;
            for (; at.place < start + synapses->row; next_synapse(&at, synapses))
                add_map(window, (at.place - start) % taps, widened(*at.weights, synapses->scales, neuron),
                        group + (at.place - start) / taps * places, to);
        }
        from += layer->groups * layer->inputs * places;
    }
}
