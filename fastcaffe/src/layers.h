// The fast layers, as creators for Caffe's layer registry.
#pragma once

#include <string>

#include "caffe/layer_factory.hpp"

namespace fastcaffe {

typedef caffe::LayerRegistry<float>::Creator Creator;
typedef boost::shared_ptr<caffe::Layer<float>> LayerPointer;
typedef std::vector<caffe::Blob<float>*> Blobs;

// Caffe's own creator of a type that is replaced.
Creator stock_creator(const std::string& type);

LayerPointer create_batch_norm(const caffe::LayerParameter& parameter);
LayerPointer create_convolution(const caffe::LayerParameter& parameter);
LayerPointer create_eltwise(const caffe::LayerParameter& parameter);
LayerPointer create_inner_product(const caffe::LayerParameter& parameter);
LayerPointer create_lrn(const caffe::LayerParameter& parameter);
LayerPointer create_pooling(const caffe::LayerParameter& parameter);
LayerPointer create_relu(const caffe::LayerParameter& parameter);
LayerPointer create_scale(const caffe::LayerParameter& parameter);
LayerPointer create_split(const caffe::LayerParameter& parameter);

}  // namespace fastcaffe
