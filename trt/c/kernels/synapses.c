#include "stored.c"
#include <stddef.h>

/* Weights in rows, one a neuron. Sparse ones have gaps: how far each is behind the one before it, 255 for another 255
   without a synapse; a last gap leads to the end. */
struct synapses {
    int32_t row, count; /* places of a row, and of all rows */
    const stored *weights;
    const uint8_t *gaps;    /* NULL: every place has a weight */
    const uint16_t *scales; /* of 8-bit weights, one a neuron */
};
