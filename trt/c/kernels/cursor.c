#include "synapses.c"

/* A walk over the synapses that are there, in their order. */
struct cursor {
    int32_t place;         /* in the rows; the count behind the last synapse */
    const stored *weights; /* its weight, and what follows */
    const uint8_t *gaps;
};

static void find(struct cursor *at, const struct synapses *synapses)
{
    if (synapses->gaps == NULL) {
        while (at->place < synapses->count && *at->weights == 0) {
            ++at->place;
            ++at->weights;
        }
        return;
    }
    for (; *at->gaps == 255; ++at->gaps)
        at->place += 255;
    at->place += *at->gaps++;
}

/* The first synapse that is not zero. */
static struct cursor first_synapse(const struct synapses *synapses)
{
    struct cursor at;
    at.place = 0;
    at.weights = synapses->weights;
    at.gaps = synapses->gaps;
    find(&at, synapses);
    return at;
}

/* The one after it. */
static void next_synapse(struct cursor *at, const struct synapses *synapses)
{
    ++at->weights;
    if (synapses->gaps == NULL)
        ++at->place;
    find(at, synapses);
}
