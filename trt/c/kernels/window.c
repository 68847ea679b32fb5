#include <stdint.h>

/* A window that moves over maps, along rows and along columns. */
struct window {
    int32_t size[2], places[2]; /* of a map, and where the window stands on it */
    int32_t kernel[2], stride[2], pad[2], dilation[2];
};
