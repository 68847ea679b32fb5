#include "span.c"
#include <float.h>
#include <stddef.h>

/* The maximum of each window, and where it is in its map unless `where` is NULL. */
static void max_pooling(int32_t maps, const struct window *window, const float *from, float *to, float *where)
{
    int32_t y, x, top, bottom, left, right, i, k;
    for (; maps > 0; --maps, from += window->size[0] * window->size[1])
        for (y = 0; y < window->places[0]; ++y) {
            span(window, 0, y, &top, &bottom);
            for (x = 0; x < window->places[1]; ++x) {
                float best = -FLT_MAX;
                int32_t place = -1;
                span(window, 1, x, &left, &right);
                for (i = top; i < bottom; ++i)
                    for (k = left; k < right; ++k)
                        if (from[i * window->size[1] + k] > best) {
                            place = i * window->size[1] + k;
                            best = from[place];
                        }
                *to++ = best;
                if (where != NULL)
                    *where++ = (float)place;
            }
        }
}
