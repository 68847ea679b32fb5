"""DetectNet's layers for pycaffe: `type: "Python" python_param { module: "evolve.detectnet.layers" layer: … }`.

Tops, bottoms and param_str are those of NVIDIA Caffe's layers of the same names, so that a prototxt changes little
between the two. Each layer is thin: what it computes stands in the module that it names. Augmentation is drawn from
param_str's `seed`; an evolution fills in another one for each generation, as it does with the solver's random_seed.

| layer | bottoms | tops | param_str |
|---|---|---|---|
| DetectNetTransformation | images, labels | data, ground truth[, moved labels] | `parameters` |
| DetectNetData, which BVLC's Data cannot be | none | the same | `parameters` with data_param |
| L1Loss | predicted, label | loss | none |
| ClusterGroundtruth | coverage label, box label | objects, one top a class | W, H, stride[, classes[, boxes]] |
| ClusterDetections | coverage, boxes | detections, one top a class | `clustering` |
| ScoreDetections | objects, detections | counts | IoU, 0.7 if not written |
| mAP | counts | precision x recall, precision, recall, in % | none |

    layer {
      name: "data" type: "Python" top: "data" top: "truth" include { phase: TRAIN }
      python_param {
        module: "evolve.detectnet.layers" layer: "DetectNetData"
        param_str: "detectnet_groundtruth_param { stride: $STRIDE image_size_x: $WIDTH image_size_y: $HEIGHT "
                   "  object_class { src: 1 dst: 0 } } transform_param { mean_value: 127 } "
                   "data_param { source: '$DATA/train/images' label_source: '$DATA/train/labels' batch_size: 10 }"
      }
    }
    layer {
      name: "bbox_loss" type: "Python" bottom: "bboxes-obj-masked-norm" bottom: "bbox-obj-label-norm" top: "bbox_loss"
      loss_weight: 2 python_param { module: "evolve.detectnet.layers" layer: "L1Loss" }
    }
    layer {
      name: "cluster" type: "Python" bottom: "coverage" bottom: "bboxes" top: "detections" include { phase: TEST }
      python_param {
        module: "evolve.detectnet.layers" layer: "ClusterDetections"
        param_str: "$WIDTH,$HEIGHT,$STRIDE,0.6,3,0.02,22,$CLASSES"
      }
    }
"""

from evolve.detectnet.caffe_layers.data import DetectNetData, DetectNetTransformation
from evolve.detectnet.caffe_layers.detections import ClusterDetections, ClusterGroundtruth, ScoreDetections, mAP
from evolve.detectnet.caffe_layers.loss import L1Loss

__all__ = [
    "ClusterDetections",
    "ClusterGroundtruth",
    "DetectNetData",
    "DetectNetTransformation",
    "L1Loss",
    "ScoreDetections",
    "mAP",
]
