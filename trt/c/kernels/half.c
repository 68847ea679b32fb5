#include <stdint.h>

/* The value of a half precision number (IEEE 754 binary16): its bits as a float's, 2^112 times too small. */
static float half(uint16_t bits)
{
    union {
        uint32_t bits;
        float value;
    } size;
    size.bits = (uint32_t)(bits & 0x8000) << 16 | (uint32_t)(bits & 0x7fff) << 13;
    return size.value * 0x1p112f;
}
