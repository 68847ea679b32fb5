#include <math.h>
#include <stdint.h>

/* e^x over its sum along the middle one of three axes. */
static void softmax(int32_t outer, int32_t length, int32_t inner, const float *from, float *to)
{
    int32_t i, k;
    for (; outer > 0; --outer, from += length * inner, to += length * inner)
        for (i = 0; i < inner; ++i) {
            float largest = from[i], sum = 0;
            for (k = 1; k < length; ++k)
                largest = from[k * inner + i] > largest ? from[k * inner + i] : largest;
            for (k = 0; k < length; ++k)
                sum += to[k * inner + i] = expf(from[k * inner + i] - largest);
            for (k = 0; k < length; ++k)
                to[k * inner + i] /= sum;
        }
}
