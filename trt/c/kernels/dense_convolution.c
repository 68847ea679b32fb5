#include "see.c"
#include "synapses.c"

/* How much is computed in one go. The sums of NEURONS at LANES places stay in vectors, where a processor has any. */
enum { NEURONS = 4, LANES = 16, PLACES = 4 * LANES, TAPS = 16 };

/* So many places and taps, from the first on: what each tap sees at each place, its weights, and the sums. */
struct block {
    int32_t place, places, tap, taps;
    float seen[TAPS][PLACES], weights[NEURONS][TAPS], sums[NEURONS][PLACES];
};

/* `number`, or the nearest from 0 to `most`. */
static int32_t within(int32_t number, int32_t most)
{
    return number < 0 ? 0 : number > most ? most : number;
}

/* The weights of `count` neurons, from `neuron` on; zeros for those that are none. */
static void widen(struct block *block, const struct synapses *synapses, int32_t neuron, int32_t count)
{
    const int32_t start = neuron * synapses->row + block->tap;
    int32_t i, k;
    for (i = 0; i < NEURONS; ++i)
        for (k = 0; k < block->taps; ++k)
            block->weights[i][k] = i >= count ? 0 : widened(synapses->weights[start + i * synapses->row + k],
                                                            synapses->scales, neuron + i);
}

/* The sums, at the block's places or some more. */
static void multiply(struct block *block)
{
    const int32_t taps = block->taps, places = block->places;
    int32_t place, i, k;
    for (place = 0; place < places; place += LANES)
        for (i = place; i < place + LANES; ++i) {
            float a = 0, b = 0, c = 0, d = 0;
            /* There is a tap: where none need be, compilers do not see that neighbouring places go side by side. */
            k = 0;
            do {
                const float x = block->seen[k][i];
                a += block->weights[0][k] * x;
                b += block->weights[1][k] * x;
                c += block->weights[2][k] * x;
                d += block->weights[3][k] * x;
            } while (++k < taps);
            block->sums[0][i] = a;
            block->sums[1][i] = b;
            block->sums[2][i] = c;
            block->sums[3][i] = d;
        }
}

/* Adds the block to the maps, of `size` places, of a group's neurons, `neuron` to `end`. */
static void add_block(struct block *block, const struct synapses *synapses, int32_t neuron, int32_t end, int32_t size,
                      float *to)
{
    int32_t i, k;
    for (to += block->place; neuron < end; neuron += NEURONS) {
        const int32_t count = end - neuron < NEURONS ? end - neuron : NEURONS;
        widen(block, synapses, neuron, count);
        multiply(block);
        for (i = 0; i < count; ++i, to += size)
            for (k = 0; k < block->places; ++k)
                to[k] += block->sums[i][k];
    }
}

/* What convolve() does, of weights that are all there and not transposed, block by block. */
static void convolve_dense(const struct convolution *layer, const struct synapses *synapses, const float *from,
                           float *to)
{
    static struct block block;
    const struct window *window = &layer->window;
    const int32_t kernel = window->kernel[0] * window->kernel[1], map = window->size[0] * window->size[1];
    const int32_t places = window->places[0] * window->places[1];
    int32_t group, k;
    for (group = 0; group < layer->images * layer->groups; ++group) {
        const int32_t neuron = group % layer->groups * layer->outputs;
        for (block.place = 0; block.place < places; block.place += PLACES)
            for (block.tap = 0; block.tap < synapses->row; block.tap += TAPS) {
                block.places = within(places - block.place, PLACES);
                block.taps = within(synapses->row - block.tap, TAPS);
                for (k = 0; k < block.taps; ++k)
                    see(window, (block.tap + k) % kernel, block.place, block.places,
                        from + (block.tap + k) / kernel * map, block.seen[k]);
                add_block(&block, synapses, neuron, neuron + layer->outputs, places, to);
            }
        from += layer->inputs * map;
        to += layer->outputs * places;
    }
}
