#include "window.c"

/* Channels of a group, and the window on their maps; a transposed one (Caffe's Deconvolution) reads the places. */
struct convolution {
    int32_t images, groups, inputs, outputs;
    struct window window;
};

/* The places, first to end, from which `tap` of the window sees the map, `shift` of them before its first pixel. */
static void seen(const struct window *window, int axis, int32_t tap, int32_t *shift, int32_t *first, int32_t *end)
{
    const int32_t stride = window->stride[axis];
    const int32_t last = window->size[axis] - 1 - (tap * window->dilation[axis] - window->pad[axis]);
    *shift = tap * window->dilation[axis] - window->pad[axis];
    *first = *shift < 0 ? (stride - 1 - *shift) / stride : 0;
    *end = last < 0 ? 0 : last / stride + 1;
    if (*end > window->places[axis])
        *end = window->places[axis];
}
