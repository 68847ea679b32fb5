#include "half.c"

typedef int8_t stored;

/* A weight as it computes: a multiple of its neuron's scale. */
static float widened(stored weight, const uint16_t *scales, int32_t neuron)
{
    return (float)weight * half(scales[neuron]);
}
