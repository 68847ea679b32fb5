#include <stdint.h>

typedef int8_t stored;

/* A weight as it computes: a multiple of its neuron's scale, the upper half of a float. */
static float widened(stored weight, const uint16_t *scales, int32_t neuron)
{
    union {
        uint32_t bits;
        float value;
    } scale;
    scale.bits = (uint32_t)scales[neuron] << 16;
    return (float)weight * scale.value;
}
