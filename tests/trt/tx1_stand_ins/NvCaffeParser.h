// Declarations for compiling trt/tx1/bench.cpp, written for that: what it uses of TensorRT 2.1's Caffe parser.
// Not NVIDIA's header.
#pragma once
#include "NvInfer.h"

namespace nvcaffeparser1 {

class IBlobNameToTensor {
 public:
  virtual nvinfer1::ITensor* find(const char* name) const = 0;

 protected:
  virtual ~IBlobNameToTensor() {}
};

class ICaffeParser {
 public:
  virtual const IBlobNameToTensor* parse(const char* deploy, const char* model, nvinfer1::INetworkDefinition& network,
                                         nvinfer1::DataType weights) = 0;
  virtual void destroy() = 0;

 protected:
  virtual ~ICaffeParser() {}
};

ICaffeParser* createCaffeParser();

}  // namespace nvcaffeparser1
