// Stands in for TensorRT 2.1: its "engine" of genNNN takes NNN milliseconds a run, and reads and writes its buffers.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <thread>

#include "NvCaffeParser.h"
#include "NvInfer.h"

namespace {

int alive = 0;  // what was made and not destroyed: checked at the end

template <class Base>
class Counted : public Base {
 public:
  Counted() { ++alive; }
  void destroy() override {
    --alive;
    delete this;
  }
};

struct AtEnd {
  ~AtEnd() { std::fprintf(stderr, "stand-in: %d objects left\n", alive); }
} at_end;

struct Tensor : nvinfer1::ITensor {};

struct Network : Counted<nvinfer1::INetworkDefinition> {
  int milliseconds = 0, outputs = 0;
  void markOutput(nvinfer1::ITensor&) override { ++outputs; }
};

struct Context : Counted<nvinfer1::IExecutionContext> {
  int milliseconds, bindings;
  bool execute(int batch, void** places) override {
    if (batch != 1) return false;
    float sum = 0;
    for (int k = 0; k < 12; ++k) sum += static_cast<float*>(places[0])[k];
    for (int binding = 1; binding < bindings; ++binding) static_cast<float*>(places[binding])[2] = sum;
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    return sum > 0;
  }
};

struct Engine : Counted<nvinfer1::ICudaEngine> {
  int milliseconds, outputs;
  int getNbBindings() const override { return 1 + outputs; }
  nvinfer1::Dims getBindingDimensions(int binding) const override {
    nvinfer1::Dims made;
    made.nbDims = binding ? 1 : 3;
    made.d[0] = 3, made.d[1] = made.d[2] = 2;
    return made;
  }
  nvinfer1::IExecutionContext* createExecutionContext() override {
    Context* made = new Context;
    made->milliseconds = milliseconds, made->bindings = getNbBindings();
    return made;
  }
};

struct Builder : Counted<nvinfer1::IBuilder> {
  bool half = false;
  nvinfer1::ILogger* logger;
  nvinfer1::INetworkDefinition* createNetwork() override { return new Network; }
  void setMaxBatchSize(int size) override {
    if (size != 1) std::abort();
  }
  void setMaxWorkspaceSize(std::size_t bytes) override {
    if (!bytes) std::abort();
  }
  void setHalf2Mode(bool mode) override { half = mode; }
  bool platformHasFastFp16() const override { return !std::getenv("NO_HALF"); }
  nvinfer1::ICudaEngine* buildCudaEngine(nvinfer1::INetworkDefinition& network) override {
    const Network& given = static_cast<Network&>(network);
    if (given.milliseconds == 3) {
      logger->log(nvinfer1::ILogger::Severity::kINFO, "information");
      logger->log(nvinfer1::ILogger::Severity::kERROR, "out of memory");
      return nullptr;
    }
    Engine* made = new Engine;
    made->milliseconds = given.milliseconds + (half ? 0 : 2), made->outputs = given.outputs;
    return made;
  }
};

struct Blobs : nvcaffeparser1::IBlobNameToTensor {
  std::string prototxt;
  Tensor tensor;
  nvinfer1::ITensor* find(const char* name) const override {
    const bool there = prototxt.find(std::string("top: \"") + name + "\"") != std::string::npos;
    return there ? const_cast<Tensor*>(&tensor) : nullptr;
  }
};

struct Parser : Counted<nvcaffeparser1::ICaffeParser> {
  Blobs blobs;
  const nvcaffeparser1::IBlobNameToTensor* parse(const char* deploy, const char* model,
                                                 nvinfer1::INetworkDefinition& network,
                                                 nvinfer1::DataType weights) override {
    std::ifstream text(deploy), trained(model);
    if (!text || !trained) return nullptr;
    blobs.prototxt.assign(std::istreambuf_iterator<char>(text), {});
    std::cerr << "stand-in: weights " << (weights == nvinfer1::DataType::kHALF ? "half" : "float") << std::endl;
    const char* digits = std::strstr(deploy, "gen");
    static_cast<Network&>(network).milliseconds = std::atoi(digits + std::strlen("generations/gen"));
    return &blobs;
  }
};

}  // namespace

nvinfer1::IBuilder* nvinfer1::createInferBuilder(ILogger& logger) {
  Builder* made = new Builder;
  made->logger = &logger;
  return made;
}

nvcaffeparser1::ICaffeParser* nvcaffeparser1::createCaffeParser() { return new Parser; }
