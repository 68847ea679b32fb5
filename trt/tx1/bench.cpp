// Frames per second of every generation in generations/, on TensorRT 2.1 to 4: its Caffe parser, and half2 mode for
// half precision. Prints a CSV table: ./bench half > tx1.csv    (or float; a second word: how many runs)
//
// TensorRT 5 has other names for it, and bench.py.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>

#include "NvCaffeParser.h"
#include "NvInfer.h"

namespace {

const int WARM_UP = 50;
const size_t WORKSPACE = 256 << 20;  // bytes: a TX1 shares its 4 GB with everything else

// A line of generations.csv: generation,input,shape,outputs.
struct Generation {
  int number;
  std::vector<std::string> outputs;
  std::string path() const {
    char name[32];
    std::snprintf(name, sizeof name, "generations/gen%03d", number);
    return name;
  }
};

// What TensorRT calls an error goes to standard error; the table stays clean.
class Log : public nvinfer1::ILogger {
  void log(Severity severity, const char* words) override {
    if (severity == Severity::kERROR || severity == Severity::kINTERNAL_ERROR) std::cerr << words << std::endl;
  }
};

// Ends with whatever TensorRT made: its destructors are not public, its destroy() is.
template <class Made>
class Owned {
 public:
  Owned(Made* made, const std::string& what) : made_(made) {
    if (!made) throw std::runtime_error("TensorRT made no " + what);
  }
  ~Owned() { made_->destroy(); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  Made* operator->() const { return made_; }
  Made& operator*() const { return *made_; }

 private:
  Made* made_;
};

// A piece of the GPU's memory with a copy of `values`.
class Buffer {
 public:
  explicit Buffer(const std::vector<float>& values) : place_(nullptr) {
    const size_t bytes = values.size() * sizeof(float);
    if (cudaMalloc(&place_, bytes) != cudaSuccess) throw std::runtime_error("no memory on the GPU");
    if (cudaMemcpy(place_, values.data(), bytes, cudaMemcpyHostToDevice) != cudaSuccess) {
      throw std::runtime_error("copying to the GPU failed");
    }
  }
  Buffer(Buffer&& other) : place_(other.place_) { other.place_ = nullptr; }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { cudaFree(place_); }
  void* place() const { return place_; }

 private:
  void* place_;
};

std::vector<Generation> generations() {
  std::ifstream file("generations/generations.csv");
  if (!file) throw std::runtime_error("found no generations/generations.csv here; cd to the folder of this program");
  std::vector<Generation> found;
  std::string line, cell;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    std::vector<std::string> row;
    while (std::getline(cells, cell, ',')) row.push_back(cell);
    if (row.size() != 4) throw std::runtime_error("generations.csv: expected generation,input,shape,outputs: " + line);
    Generation made;
    made.number = std::atoi(row[0].c_str());
    std::istringstream names(row[3]);
    while (names >> cell) made.outputs.push_back(cell);
    found.push_back(made);
  }
  return found;
}

nvinfer1::ICudaEngine* build(nvinfer1::ILogger& log, const Generation& net, bool half) {
  Owned<nvinfer1::IBuilder> builder(nvinfer1::createInferBuilder(log), "builder");
  if (half && !builder->platformHasFastFp16()) throw std::runtime_error("this GPU is not fast in half precision");
  Owned<nvinfer1::INetworkDefinition> network(builder->createNetwork(), "network");
  Owned<nvcaffeparser1::ICaffeParser> parser(nvcaffeparser1::createCaffeParser(), "Caffe parser");
  const std::string path = net.path();
  const nvcaffeparser1::IBlobNameToTensor* blobs =
      parser->parse((path + ".prototxt").c_str(), (path + ".caffemodel").c_str(), *network,
                    half ? nvinfer1::DataType::kHALF : nvinfer1::DataType::kFLOAT);
  for (const std::string& name : net.outputs) {
    nvinfer1::ITensor* blob = blobs ? blobs->find(name.c_str()) : nullptr;
    if (!blob) throw std::runtime_error("the Caffe parser does not take it, or finds no blob '" + name + "'");
    network->markOutput(*blob);
  }
  builder->setMaxBatchSize(1);
  builder->setMaxWorkspaceSize(WORKSPACE);
  builder->setHalf2Mode(half);
  return builder->buildCudaEngine(*network);
}

std::vector<Buffer> buffers(const nvinfer1::ICudaEngine& engine) {
  std::mt19937 random(0);
  std::uniform_real_distribution<float> pixels(0, 255);
  std::vector<Buffer> made;
  for (int binding = 0; binding < engine.getNbBindings(); ++binding) {
    const nvinfer1::Dims shape = engine.getBindingDimensions(binding);
    size_t count = 1;
    for (int axis = 0; axis < shape.nbDims; ++axis) count *= shape.d[axis];
    // Inputs and outputs are 32 bits in half precision too.
    std::vector<float> values(count);
    for (float& value : values) value = pixels(random);
    made.emplace_back(values);
  }
  return made;
}

// Milliseconds of each run, of one image.
std::vector<double> measure(nvinfer1::ICudaEngine& engine, int runs) {
  Owned<nvinfer1::IExecutionContext> context(engine.createExecutionContext(), "execution context");
  const std::vector<Buffer> memory = buffers(engine);
  std::vector<void*> bindings;
  for (const Buffer& each : memory) bindings.push_back(each.place());
  std::vector<double> times;
  for (int run = -WARM_UP; run < runs; ++run) {
    const auto began = std::chrono::steady_clock::now();
    if (!context->execute(1, bindings.data())) throw std::runtime_error("the engine does not run");
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    if (run >= 0) times.push_back(took.count());
  }
  return times;
}

// As numpy.percentile: between the two nearest.
double percentile(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  const double place = percent / 100 * (values.size() - 1);
  const size_t below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - below) * (values[above] - values[below]);
}

void print(const Generation& net, bool half, const std::vector<double>& times) {
  const double median = percentile(times, 50);
  std::printf("%d,tensorrt %d.%d caffe,%s,1,%d,%.4f,%.4f,%.3f\n", net.number, NV_TENSORRT_MAJOR, NV_TENSORRT_MINOR,
              half ? "f16" : "f32", static_cast<int>(times.size()), median, percentile(times, 95), 1000 / median);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  const std::string precision = count > 1 ? words[1] : "half";
  const int runs = count > 2 ? std::atoi(words[2]) : 200;
  if ((precision != "half" && precision != "float") || runs < 1) {
    std::cerr << "bench: expected half or float, then how many runs" << std::endl;
    return 2;
  }
  int status = 0;
  Log log;
  std::printf("# one image a run, its input already in the GPU's memory; timed: execution until the GPU is done\n");
  std::printf("%s\n", COLUMNS);
  try {
    for (const Generation& net : generations()) {
      try {
        Owned<nvinfer1::ICudaEngine> engine(build(log, net, precision == "half"), "engine");
        print(net, precision == "half", measure(*engine, runs));
      } catch (const std::runtime_error& error) {
        std::cerr << "bench: generation " << net.number << ": " << error.what() << std::endl;
        status = 2;
      }
    }
  } catch (const std::runtime_error& error) {
    std::cerr << "bench: " << error.what() << std::endl;
    status = 2;
  }
  return status;
}
