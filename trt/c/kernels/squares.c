#include <stdint.h>

/* k + alpha times the sum of squares of `size` neighbouring channels, at each pixel. */
static void squares(int32_t images, int32_t channels, int32_t pixels, int32_t size, float k, float alpha,
                    const float *restrict from, float *restrict to)
{
    int32_t channel, other, i;
    for (; images > 0; --images, from += channels * pixels)
        for (channel = 0; channel < channels; ++channel, to += pixels) {
            for (i = 0; i < pixels; ++i)
                to[i] = k;
            for (other = channel - (size - 1) / 2; other <= channel + size / 2; ++other)
                if (other >= 0 && other < channels)
                    for (i = 0; i < pixels; ++i)
                        to[i] += alpha * from[other * pixels + i] * from[other * pixels + i];
        }
}
