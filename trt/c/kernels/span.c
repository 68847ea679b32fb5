#include "window.c"

/* The pixels, first to end, that the window sees from `place`. */
static void span(const struct window *window, int axis, int32_t place, int32_t *first, int32_t *end)
{
    *first = place * window->stride[axis] - window->pad[axis];
    *end = *first + window->kernel[axis];
    if (*first < 0)
        *first = 0;
    if (*end > window->size[axis])
        *end = window->size[axis];
}
