#include "taps.c"

/* What a tap sees from `count` places, from `place` on: zeros beyond the map. */
static void see(const struct window *window, int32_t tap, int32_t place, int32_t count, const float *map, float *to)
{
    const int32_t step = window->stride[1];
    int32_t row = window->places[1], down, top, bottom, right, left, end, length, x, y, i;
    seen(window, 0, tap / window->kernel[1], &down, &top, &bottom);
    seen(window, 1, tap % window->kernel[1], &right, &left, &end);
    if (right == 0 && step == 1 && window->stride[0] == 1 && window->size[1] == row) {
        /* Whole rows, one behind the other: a single long one. */
        left = top * row;
        end = bottom * row;
        right = down * row;
        row *= window->places[0];
        down = top = 0;
        bottom = 1;
    }
    for (i = 0; i < count; ++i)
        to[i] = 0;
    for (y = place / row, x = place % row; count > 0; count -= length, to += length, ++y, x = 0) {
        /* Not a pointer: it may be before the map, or behind. */
        const int32_t pixel = (y * window->stride[0] + down) * window->size[1] + right + x * step;
        const int32_t first = left < x ? 0 : left - x;
        length = row - x < count ? row - x : count;
        if (y < top || y >= bottom)
            continue;
        if (step == 1)
            for (i = first; i < length && i < end - x; ++i)
                to[i] = map[pixel + i];
        else
            for (i = first; i < length && i < end - x; ++i)
                to[i] = map[pixel + i * step];
    }
}
