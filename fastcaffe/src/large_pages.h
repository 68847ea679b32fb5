// Memory that passes walk through again and again, on pages of 2 MB where the system has them: of small ones it takes
// more than the processor keeps addresses of, and they lie in the second cache as chance has it.
#pragma once

#include <cstdint>
#include <memory>

namespace fastcaffe {

// Room for some floats, aligned to 64 bytes, for as long as somebody has it; its contents undefined. Pieces lie one
// after the other. Throws std::bad_alloc.
std::shared_ptr<float> large_pages(std::int64_t count);

}  // namespace fastcaffe
