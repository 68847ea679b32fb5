// Declarations for compiling trt/tx1/bench.cpp, written for that: what it uses of TensorRT 2.1's classes, and no more.
// Not NVIDIA's header: the order of members, so the binary interface, is not theirs.
#pragma once
#include <cstddef>

#define NV_TENSORRT_MAJOR 2
#define NV_TENSORRT_MINOR 1

namespace nvinfer1 {

enum class DataType : int { kFLOAT = 0, kHALF = 1 };

struct Dims {
  static const int MAX_DIMS = 8;
  int nbDims;
  int d[MAX_DIMS];
};

class ILogger {
 public:
  enum class Severity { kINTERNAL_ERROR = 0, kERROR = 1, kWARNING = 2, kINFO = 3 };
  virtual void log(Severity severity, const char* words) = 0;
  virtual ~ILogger() {}
};

class ITensor {
 protected:
  virtual ~ITensor() {}
};

class INetworkDefinition {
 public:
  virtual void markOutput(ITensor& tensor) = 0;
  virtual void destroy() = 0;

 protected:
  virtual ~INetworkDefinition() {}
};

class IExecutionContext {
 public:
  virtual bool execute(int batchSize, void** bindings) = 0;
  virtual void destroy() = 0;

 protected:
  virtual ~IExecutionContext() {}
};

class ICudaEngine {
 public:
  virtual int getNbBindings() const = 0;
  virtual Dims getBindingDimensions(int binding) const = 0;
  virtual IExecutionContext* createExecutionContext() = 0;
  virtual void destroy() = 0;

 protected:
  virtual ~ICudaEngine() {}
};

class IBuilder {
 public:
  virtual INetworkDefinition* createNetwork() = 0;
  virtual void setMaxBatchSize(int size) = 0;
  virtual void setMaxWorkspaceSize(std::size_t bytes) = 0;
  virtual void setHalf2Mode(bool mode) = 0;
  virtual bool platformHasFastFp16() const = 0;
  virtual ICudaEngine* buildCudaEngine(INetworkDefinition& network) = 0;
  virtual void destroy() = 0;

 protected:
  virtual ~IBuilder() {}
};

IBuilder* createInferBuilder(ILogger& logger);

}  // namespace nvinfer1
