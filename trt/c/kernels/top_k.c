#include <stddef.h>
#include <stdint.h>

/* The `number` greatest along the middle one of three axes, greatest first and earlier ones first among equals. */
static void top_k(int32_t outer, int32_t length, int32_t inner, int32_t number, const float *from, float *values,
                  float *places)
{
    int32_t turn, i, rank, k;
    for (turn = 0; turn < outer; ++turn, from += length * inner)
        for (i = 0; i < inner; ++i) {
            int32_t last = -1;
            for (rank = 0; rank < number; ++rank) {
                int32_t best = -1;
                for (k = 0; k < length; ++k) {
                    const float value = from[k * inner + i];
                    const int taken = last >= 0 && (value > from[last * inner + i] ||
                                                    (value == from[last * inner + i] && k <= last));
                    if (!taken && (best < 0 || value > from[best * inner + i]))
                        best = k;
                }
                last = best;
                if (values != NULL)
                    values[(turn * number + rank) * inner + i] = from[best * inner + i];
                if (places != NULL)
                    places[(turn * number + rank) * inner + i] = (float)best;
            }
        }
}
