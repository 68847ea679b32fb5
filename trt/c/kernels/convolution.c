#include "cursor.c"
#include "see.c"
#include "stretch.c"

/* Places that processors with vectors may take at once. */
enum { ABREAST = 16 };

/* Adds `weight` times `count` numbers to others. */
static void add_times(float weight, int32_t count, const float *restrict from, float *restrict to)
{
    int32_t i;
    for (; count >= ABREAST; count -= ABREAST, from += ABREAST, to += ABREAST)
        for (i = 0; i < ABREAST; ++i)
            to[i] += weight * from[i];
    for (i = 0; i < count; ++i)
        to[i] += weight * from[i];
}

/* Adds each synapse's weight times what it sees to its neuron's map, which has the biases already. Synapses are in the
   order of a group's taps, and of a tap's neurons: what a tap sees is looked up once for all of these. */
static void convolve(const struct convolution *layer, const struct synapses *synapses, const float *from, float *to)
{
    static float pixels[STRETCH];
    const struct window *window = &layer->window;
    const int32_t kernel = window->kernel[0] * window->kernel[1], map = window->size[0] * window->size[1];
    const int32_t places = window->places[0] * window->places[1];
    struct cursor at, start;
    int32_t group, place, tap;
    for (group = 0; group < layer->images * layer->groups; ++group) {
        const int32_t neuron = group % layer->groups * layer->outputs;
        start = neuron == 0 ? first_synapse(synapses) : at;
        for (place = 0; place < places; place += STRETCH) {
            const int32_t count = places - place < STRETCH ? places - place : STRETCH;
            int32_t end = neuron * synapses->row;
            at = start;
            for (tap = 0; tap < synapses->row; ++tap) {
                const int32_t column = end;
                end += layer->outputs;
                if (at.place < end)
                    see(window, tap % kernel, place, count, from + tap / kernel * map, pixels);
                for (; at.place < end; next_synapse(&at, synapses))
                    add_times(widened(*at.weights, synapses->scales, neuron + at.place - column), count, pixels,
                              to + (at.place - column) * places + place);
            }
        }
        from += layer->inputs * map;
        to += layer->outputs * places;
    }
}
