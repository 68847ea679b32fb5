from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DetectNetAugmentationParameter(_message.Message):
    __slots__ = ["crop_prob", "desaturation_max", "desaturation_prob", "flip_prob", "hue_rotation", "hue_rotation_prob", "max_rotate_degree", "rotation_prob", "scale_max", "scale_min", "scale_prob", "shift_x", "shift_y"]
    CROP_PROB_FIELD_NUMBER: _ClassVar[int]
    DESATURATION_MAX_FIELD_NUMBER: _ClassVar[int]
    DESATURATION_PROB_FIELD_NUMBER: _ClassVar[int]
    FLIP_PROB_FIELD_NUMBER: _ClassVar[int]
    HUE_ROTATION_FIELD_NUMBER: _ClassVar[int]
    HUE_ROTATION_PROB_FIELD_NUMBER: _ClassVar[int]
    MAX_ROTATE_DEGREE_FIELD_NUMBER: _ClassVar[int]
    ROTATION_PROB_FIELD_NUMBER: _ClassVar[int]
    SCALE_MAX_FIELD_NUMBER: _ClassVar[int]
    SCALE_MIN_FIELD_NUMBER: _ClassVar[int]
    SCALE_PROB_FIELD_NUMBER: _ClassVar[int]
    SHIFT_X_FIELD_NUMBER: _ClassVar[int]
    SHIFT_Y_FIELD_NUMBER: _ClassVar[int]
    crop_prob: float
    desaturation_max: float
    desaturation_prob: float
    flip_prob: float
    hue_rotation: float
    hue_rotation_prob: float
    max_rotate_degree: float
    rotation_prob: float
    scale_max: float
    scale_min: float
    scale_prob: float
    shift_x: int
    shift_y: int
    def __init__(self, crop_prob: _Optional[float] = ..., shift_x: _Optional[int] = ..., shift_y: _Optional[int] = ..., scale_prob: _Optional[float] = ..., scale_min: _Optional[float] = ..., scale_max: _Optional[float] = ..., flip_prob: _Optional[float] = ..., rotation_prob: _Optional[float] = ..., max_rotate_degree: _Optional[float] = ..., hue_rotation_prob: _Optional[float] = ..., hue_rotation: _Optional[float] = ..., desaturation_prob: _Optional[float] = ..., desaturation_max: _Optional[float] = ...) -> None: ...

class DetectNetDataParameter(_message.Message):
    __slots__ = ["batch_size", "label_source", "prefetch", "processes", "source", "start"]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    LABEL_SOURCE_FIELD_NUMBER: _ClassVar[int]
    PREFETCH_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    batch_size: int
    label_source: str
    prefetch: int
    processes: int
    source: str
    start: int
    def __init__(self, source: _Optional[str] = ..., label_source: _Optional[str] = ..., batch_size: _Optional[int] = ..., prefetch: _Optional[int] = ..., processes: _Optional[int] = ..., start: _Optional[int] = ...) -> None: ...

class DetectNetGroundTruthParameter(_message.Message):
    __slots__ = ["coverage_type", "crop_bboxes", "gridbox_type", "image_size_x", "image_size_y", "max_cvg_len", "min_cvg_len", "obj_norm", "object_class", "scale_cvg", "stride"]
    class CoverageType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    class GridboxType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    class ClassMapping(_message.Message):
        __slots__ = ["dst", "src"]
        DST_FIELD_NUMBER: _ClassVar[int]
        SRC_FIELD_NUMBER: _ClassVar[int]
        dst: int
        src: int
        def __init__(self, src: _Optional[int] = ..., dst: _Optional[int] = ...) -> None: ...
    COVERAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    CROP_BBOXES_FIELD_NUMBER: _ClassVar[int]
    GRIDBOX_MAX: DetectNetGroundTruthParameter.GridboxType
    GRIDBOX_MIN: DetectNetGroundTruthParameter.GridboxType
    GRIDBOX_TYPE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_SIZE_X_FIELD_NUMBER: _ClassVar[int]
    IMAGE_SIZE_Y_FIELD_NUMBER: _ClassVar[int]
    MAX_CVG_LEN_FIELD_NUMBER: _ClassVar[int]
    MIN_CVG_LEN_FIELD_NUMBER: _ClassVar[int]
    OBJECT_CLASS_FIELD_NUMBER: _ClassVar[int]
    OBJ_NORM_FIELD_NUMBER: _ClassVar[int]
    RECTANGULAR: DetectNetGroundTruthParameter.CoverageType
    SCALE_CVG_FIELD_NUMBER: _ClassVar[int]
    STRIDE_FIELD_NUMBER: _ClassVar[int]
    coverage_type: DetectNetGroundTruthParameter.CoverageType
    crop_bboxes: bool
    gridbox_type: DetectNetGroundTruthParameter.GridboxType
    image_size_x: int
    image_size_y: int
    max_cvg_len: float
    min_cvg_len: float
    obj_norm: bool
    object_class: _containers.RepeatedCompositeFieldContainer[DetectNetGroundTruthParameter.ClassMapping]
    scale_cvg: float
    stride: int
    def __init__(self, stride: _Optional[int] = ..., scale_cvg: _Optional[float] = ..., gridbox_type: _Optional[_Union[DetectNetGroundTruthParameter.GridboxType, str]] = ..., max_cvg_len: _Optional[float] = ..., min_cvg_len: _Optional[float] = ..., coverage_type: _Optional[_Union[DetectNetGroundTruthParameter.CoverageType, str]] = ..., image_size_x: _Optional[int] = ..., image_size_y: _Optional[int] = ..., obj_norm: bool = ..., crop_bboxes: bool = ..., object_class: _Optional[_Iterable[_Union[DetectNetGroundTruthParameter.ClassMapping, _Mapping]]] = ...) -> None: ...

class DetectNetParameter(_message.Message):
    __slots__ = ["data_param", "detectnet_augmentation_param", "detectnet_groundtruth_param", "seed", "transform_param"]
    DATA_PARAM_FIELD_NUMBER: _ClassVar[int]
    DETECTNET_AUGMENTATION_PARAM_FIELD_NUMBER: _ClassVar[int]
    DETECTNET_GROUNDTRUTH_PARAM_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TRANSFORM_PARAM_FIELD_NUMBER: _ClassVar[int]
    data_param: DetectNetDataParameter
    detectnet_augmentation_param: DetectNetAugmentationParameter
    detectnet_groundtruth_param: DetectNetGroundTruthParameter
    seed: int
    transform_param: DetectNetTransformParameter
    def __init__(self, detectnet_groundtruth_param: _Optional[_Union[DetectNetGroundTruthParameter, _Mapping]] = ..., detectnet_augmentation_param: _Optional[_Union[DetectNetAugmentationParameter, _Mapping]] = ..., transform_param: _Optional[_Union[DetectNetTransformParameter, _Mapping]] = ..., data_param: _Optional[_Union[DetectNetDataParameter, _Mapping]] = ..., seed: _Optional[int] = ...) -> None: ...

class DetectNetTransformParameter(_message.Message):
    __slots__ = ["mean_value"]
    MEAN_VALUE_FIELD_NUMBER: _ClassVar[int]
    mean_value: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, mean_value: _Optional[_Iterable[float]] = ...) -> None: ...
