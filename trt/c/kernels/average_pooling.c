#include "span.c"

/* The average of each window: of all its pixels, or of those that lie on the map. */
static void average_pooling(int32_t maps, const struct window *window, int padding_counts, const float *from, float *to)
{
    int32_t y, x, top, bottom, left, right, i, k;
    for (; maps > 0; --maps, from += window->size[0] * window->size[1])
        for (y = 0; y < window->places[0]; ++y) {
            span(window, 0, y, &top, &bottom);
            for (x = 0; x < window->places[1]; ++x) {
                float sum = 0;
                span(window, 1, x, &left, &right);
                for (i = top; i < bottom; ++i)
                    for (k = left; k < right; ++k)
                        sum += from[i * window->size[1] + k];
                *to++ = sum / (float)(padding_counts ? window->kernel[0] * window->kernel[1]
                                                     : (bottom - top) * (right - left));
            }
        }
}
