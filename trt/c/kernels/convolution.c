#include "cursor.c"
#include "taps.c"

/* Adds `weight` times a row to another. */
static void add_row(float weight, int32_t length, const float *restrict from, float *restrict to)
{
    int32_t x;
    for (x = 0; x < length; ++x)
        to[x] += weight * from[x];
}

/* What one synapse adds to its neuron's map. */
static void add_map(const struct convolution *layer, int32_t tap, float weight, const float *restrict from,
                    float *restrict to)
{
    const struct window *window = &layer->window;
    const int32_t step = window->stride[1];
    int32_t down, top, bottom, right, left, end, y, x;
    seen(window, 0, tap / window->kernel[1], &down, &top, &bottom);
    seen(window, 1, tap % window->kernel[1], &right, &left, &end);
    if (left >= end || top >= bottom)
        return;
    if (right == 0 && step == 1 && window->stride[0] == 1 && window->size[1] == window->places[1]) {
        /* Whole rows, one behind the other: a single long one. */
        end *= bottom - top;
        bottom = top + 1;
    }
    for (y = top; y < bottom; ++y) {
        const int32_t place = y * window->places[1], pixel = (y * window->stride[0] + down) * window->size[1] + right;
        if (layer->transposed)
            for (x = left; x < end; ++x)
                to[pixel + x * step] += weight * from[place + x];
        else if (step == 1)
            add_row(weight, end - left, from + (pixel + left), to + (place + left));
        else
            for (x = left; x < end; ++x)
                to[place + x] += weight * from[pixel + x * step];
    }
}

/* Adds each synapse's weight times the map that it reads to its neuron's, which has the biases already. */
static void convolve(const struct convolution *layer, const struct synapses *synapses, const float *from, float *to)
{
    const struct window *window = &layer->window;
    const int32_t taps = window->kernel[0] * window->kernel[1];
    const int32_t maps = window->size[0] * window->size[1], places = window->places[0] * window->places[1];
    const int32_t read = layer->transposed ? places : maps, written = layer->transposed ? maps : places;
    int32_t image, neuron;
    for (image = 0; image < layer->images; ++image) {
        struct cursor at = first_synapse(synapses);
        for (neuron = 0; neuron < layer->groups * layer->outputs; ++neuron, to += written) {
            const int32_t start = neuron * synapses->row;
            const float *group = from + neuron / layer->outputs * layer->inputs * read;
            for (; at.place < start + synapses->row; next_synapse(&at, synapses))
                add_map(layer, (at.place - start) % taps, widened(*at.weights, synapses->scales, neuron),
                        group + (at.place - start) / taps * read, to);
        }
        from += layer->groups * layer->inputs * read;
    }
}
