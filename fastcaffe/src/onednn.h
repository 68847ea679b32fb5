// The little that all users of oneDNN share.
#pragma once

#include <dnnl.hpp>
#include <string>

namespace fastcaffe {

dnnl::engine& onednn_engine();
dnnl::stream& onednn_stream();

// The version, and the instruction set that oneDNN runs on (ONEDNN_MAX_CPU_ISA limits it).
std::string onednn_version();
std::string onednn_isa();

}  // namespace fastcaffe
