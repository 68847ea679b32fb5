from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DatasetParameter(_message.Message):
    __slots__ = ["brightest", "channel_order", "channels", "darkest", "detection", "fit", "folder", "height", "image_size", "leave_out_unreadable", "mean_file", "name", "or_else", "show_images", "split_seed", "test", "test_part", "train", "validation", "width"]
    class ChannelOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    class Fit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    BGR: DatasetParameter.ChannelOrder
    BRIGHTEST_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ORDER_FIELD_NUMBER: _ClassVar[int]
    CROP: DatasetParameter.Fit
    DARKEST_FIELD_NUMBER: _ClassVar[int]
    DETECTION_FIELD_NUMBER: _ClassVar[int]
    FIT_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    LEAVE_OUT_UNREADABLE_FIELD_NUMBER: _ClassVar[int]
    LETTERBOX: DatasetParameter.Fit
    MEAN_FILE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OR_ELSE_FIELD_NUMBER: _ClassVar[int]
    PAD: DatasetParameter.Fit
    RESIZE: DatasetParameter.Fit
    RGB: DatasetParameter.ChannelOrder
    SHOW_IMAGES_FIELD_NUMBER: _ClassVar[int]
    SPLIT_SEED_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    TEST_PART_FIELD_NUMBER: _ClassVar[int]
    TRAIN_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    brightest: float
    channel_order: DatasetParameter.ChannelOrder
    channels: int
    darkest: float
    detection: DetectionParameter
    fit: DatasetParameter.Fit
    folder: str
    height: int
    image_size: int
    leave_out_unreadable: bool
    mean_file: str
    name: str
    or_else: StandInParameter
    show_images: bool
    split_seed: int
    test: str
    test_part: float
    train: str
    validation: int
    width: int
    def __init__(self, name: _Optional[str] = ..., or_else: _Optional[_Union[StandInParameter, _Mapping]] = ..., image_size: _Optional[int] = ..., detection: _Optional[_Union[DetectionParameter, _Mapping]] = ..., validation: _Optional[int] = ..., folder: _Optional[str] = ..., train: _Optional[str] = ..., test: _Optional[str] = ..., mean_file: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., fit: _Optional[_Union[DatasetParameter.Fit, str]] = ..., channels: _Optional[int] = ..., test_part: _Optional[float] = ..., darkest: _Optional[float] = ..., brightest: _Optional[float] = ..., leave_out_unreadable: bool = ..., show_images: bool = ..., split_seed: _Optional[int] = ..., channel_order: _Optional[_Union[DatasetParameter.ChannelOrder, str]] = ...) -> None: ...

class DetectionParameter(_message.Message):
    __slots__ = ["brightest", "class_name", "darkest", "dontcare", "fit", "folder", "frames", "height", "iou", "max_boxes", "orientation", "smallest", "split_seed", "stride", "validation_part", "width"]
    class Fit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    class Orientation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    ASK: DetectionParameter.Orientation
    BRIGHTEST_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAME_FIELD_NUMBER: _ClassVar[int]
    DARKEST_FIELD_NUMBER: _ClassVar[int]
    DONTCARE_FIELD_NUMBER: _ClassVar[int]
    FIT_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    IOU_FIELD_NUMBER: _ClassVar[int]
    LEAVE: DetectionParameter.Orientation
    LETTERBOX: DetectionParameter.Fit
    MAX_BOXES_FIELD_NUMBER: _ClassVar[int]
    ORIENTATION_FIELD_NUMBER: _ClassVar[int]
    PAD: DetectionParameter.Fit
    RESIZE: DetectionParameter.Fit
    SMALLEST_FIELD_NUMBER: _ClassVar[int]
    SPLIT_SEED_FIELD_NUMBER: _ClassVar[int]
    STRIDE_FIELD_NUMBER: _ClassVar[int]
    TURN: DetectionParameter.Orientation
    VALIDATION_PART_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    brightest: float
    class_name: _containers.RepeatedScalarFieldContainer[str]
    darkest: float
    dontcare: _containers.RepeatedScalarFieldContainer[str]
    fit: DetectionParameter.Fit
    folder: str
    frames: int
    height: int
    iou: float
    max_boxes: int
    orientation: DetectionParameter.Orientation
    smallest: int
    split_seed: int
    stride: int
    validation_part: float
    width: int
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ..., stride: _Optional[int] = ..., fit: _Optional[_Union[DetectionParameter.Fit, str]] = ..., class_name: _Optional[_Iterable[str]] = ..., dontcare: _Optional[_Iterable[str]] = ..., max_boxes: _Optional[int] = ..., smallest: _Optional[int] = ..., folder: _Optional[str] = ..., frames: _Optional[int] = ..., iou: _Optional[float] = ..., darkest: _Optional[float] = ..., brightest: _Optional[float] = ..., orientation: _Optional[_Union[DetectionParameter.Orientation, str]] = ..., validation_part: _Optional[float] = ..., split_seed: _Optional[int] = ...) -> None: ...

class EnvironmentParameter(_message.Message):
    __slots__ = ["cluster_factor", "from_generation", "largest_offspring", "selection_pressure", "spared", "synapse_budget", "synapse_factor", "synapse_selection_pressure", "synapse_to_cluster", "table_1", "type", "waypoint"]
    class Table(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    CIFAR10: EnvironmentParameter.Table
    CLUSTER_FACTOR_FIELD_NUMBER: _ClassVar[int]
    CONSTANT: EnvironmentParameter.Type
    FROM_GENERATION_FIELD_NUMBER: _ClassVar[int]
    LARGEST_OFFSPRING_FIELD_NUMBER: _ClassVar[int]
    MNIST: EnvironmentParameter.Table
    PACE: EnvironmentParameter.Type
    SELECTION_PRESSURE_FIELD_NUMBER: _ClassVar[int]
    SPARED_FIELD_NUMBER: _ClassVar[int]
    STL10: EnvironmentParameter.Table
    SYNAPSE_BUDGET: EnvironmentParameter.Type
    SYNAPSE_BUDGET_FIELD_NUMBER: _ClassVar[int]
    SYNAPSE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    SYNAPSE_SELECTION_PRESSURE_FIELD_NUMBER: _ClassVar[int]
    SYNAPSE_TO_CLUSTER_FIELD_NUMBER: _ClassVar[int]
    TABLE_1_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    WAYPOINT_FIELD_NUMBER: _ClassVar[int]
    cluster_factor: float
    from_generation: int
    largest_offspring: float
    selection_pressure: float
    spared: _containers.RepeatedCompositeFieldContainer[Spared]
    synapse_budget: float
    synapse_factor: float
    synapse_selection_pressure: float
    synapse_to_cluster: float
    table_1: EnvironmentParameter.Table
    type: EnvironmentParameter.Type
    waypoint: _containers.RepeatedCompositeFieldContainer[Waypoint]
    def __init__(self, from_generation: _Optional[int] = ..., type: _Optional[_Union[EnvironmentParameter.Type, str]] = ..., synapse_budget: _Optional[float] = ..., synapse_to_cluster: _Optional[float] = ..., cluster_factor: _Optional[float] = ..., synapse_factor: _Optional[float] = ..., table_1: _Optional[_Union[EnvironmentParameter.Table, str]] = ..., waypoint: _Optional[_Iterable[_Union[Waypoint, _Mapping]]] = ..., largest_offspring: _Optional[float] = ..., selection_pressure: _Optional[float] = ..., synapse_selection_pressure: _Optional[float] = ..., spared: _Optional[_Iterable[_Union[Spared, _Mapping]]] = ...) -> None: ...

class EvolutionParameter(_message.Message):
    __slots__ = ["ancestor_training", "block_members", "block_width", "cluster_shape", "dataset", "dead_neurons_go", "encoding", "environment", "generations", "half_blobs", "inherit_weights", "keep_unknown", "lrn", "offspring_per_generation", "offspring_solver", "offspring_training", "parents", "precision", "rewind_learning_rate", "scratch_solver", "scratch_train_val", "scratch_training", "seed", "solver", "stop_when_accuracy_drops", "synapse_cost", "train_as_cast", "train_val", "train_weights", "truncation", "two_of_four"]
    class BlockMembers(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    class ClusterShape(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    class Encoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    class LocalResponse(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    class Precision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    ALIKE: EvolutionParameter.BlockMembers
    ANCESTOR_TRAINING_FIELD_NUMBER: _ClassVar[int]
    BFLOAT16: EvolutionParameter.Precision
    BLOCK_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_WIDTH_FIELD_NUMBER: _ClassVar[int]
    CLUSTER: EvolutionParameter.Encoding
    CLUSTER_SHAPE_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    DEAD_NEURONS_GO_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    EXACT: EvolutionParameter.LocalResponse
    FILTER: EvolutionParameter.ClusterShape
    FILTER_BLOCK: EvolutionParameter.ClusterShape
    FLOAT: EvolutionParameter.Precision
    GENERATIONS_FIELD_NUMBER: _ClassVar[int]
    HALF: EvolutionParameter.Precision
    HALF_BLOBS_FIELD_NUMBER: _ClassVar[int]
    INHERIT_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    INT8: EvolutionParameter.Precision
    KEEP_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    KERNEL: EvolutionParameter.ClusterShape
    LRN_FIELD_NUMBER: _ClassVar[int]
    NEIGHBOURS: EvolutionParameter.BlockMembers
    OFFSPRING_PER_GENERATION_FIELD_NUMBER: _ClassVar[int]
    OFFSPRING_SOLVER_FIELD_NUMBER: _ClassVar[int]
    OFFSPRING_TRAINING_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    RETRAIN: EvolutionParameter.LocalResponse
    REWIND_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_SOLVER_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_TRAINING_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_TRAIN_VAL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SOLVER_FIELD_NUMBER: _ClassVar[int]
    STOP_WHEN_ACCURACY_DROPS_FIELD_NUMBER: _ClassVar[int]
    SYNAPSE: EvolutionParameter.Encoding
    SYNAPSE_COST_FIELD_NUMBER: _ClassVar[int]
    TRAIN_AS_CAST_FIELD_NUMBER: _ClassVar[int]
    TRAIN_VAL_FIELD_NUMBER: _ClassVar[int]
    TRAIN_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    TWO_OF_FOUR_FIELD_NUMBER: _ClassVar[int]
    ancestor_training: str
    block_members: EvolutionParameter.BlockMembers
    block_width: int
    cluster_shape: EvolutionParameter.ClusterShape
    dataset: DatasetParameter
    dead_neurons_go: bool
    encoding: EvolutionParameter.Encoding
    environment: _containers.RepeatedCompositeFieldContainer[EnvironmentParameter]
    generations: int
    half_blobs: bool
    inherit_weights: bool
    keep_unknown: bool
    lrn: EvolutionParameter.LocalResponse
    offspring_per_generation: int
    offspring_solver: str
    offspring_training: _containers.RepeatedScalarFieldContainer[str]
    parents: int
    precision: EvolutionParameter.Precision
    rewind_learning_rate: bool
    scratch_solver: str
    scratch_train_val: str
    scratch_training: str
    seed: int
    solver: str
    stop_when_accuracy_drops: float
    synapse_cost: float
    train_as_cast: bool
    train_val: str
    train_weights: bool
    truncation: float
    two_of_four: float
    def __init__(self, train_val: _Optional[str] = ..., solver: _Optional[str] = ..., offspring_solver: _Optional[str] = ..., scratch_train_val: _Optional[str] = ..., scratch_solver: _Optional[str] = ..., generations: _Optional[int] = ..., seed: _Optional[int] = ..., dataset: _Optional[_Union[DatasetParameter, _Mapping]] = ..., encoding: _Optional[_Union[EvolutionParameter.Encoding, str]] = ..., truncation: _Optional[float] = ..., cluster_shape: _Optional[_Union[EvolutionParameter.ClusterShape, str]] = ..., block_width: _Optional[int] = ..., block_members: _Optional[_Union[EvolutionParameter.BlockMembers, str]] = ..., environment: _Optional[_Iterable[_Union[EnvironmentParameter, _Mapping]]] = ..., lrn: _Optional[_Union[EvolutionParameter.LocalResponse, str]] = ..., keep_unknown: bool = ..., inherit_weights: bool = ..., precision: _Optional[_Union[EvolutionParameter.Precision, str]] = ..., half_blobs: bool = ..., train_as_cast: bool = ..., scratch_training: _Optional[str] = ..., ancestor_training: _Optional[str] = ..., offspring_training: _Optional[_Iterable[str]] = ..., stop_when_accuracy_drops: _Optional[float] = ..., offspring_per_generation: _Optional[int] = ..., parents: _Optional[int] = ..., synapse_cost: _Optional[float] = ..., rewind_learning_rate: bool = ..., train_weights: bool = ..., dead_neurons_go: bool = ..., two_of_four: _Optional[float] = ...) -> None: ...

class Spared(_message.Message):
    __slots__ = ["layer", "times"]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    layer: str
    times: float
    def __init__(self, layer: _Optional[str] = ..., times: _Optional[float] = ...) -> None: ...

class StandInParameter(_message.Message):
    __slots__ = ["ancestor_training", "name", "offspring_training"]
    ANCESTOR_TRAINING_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSPRING_TRAINING_FIELD_NUMBER: _ClassVar[int]
    ancestor_training: str
    name: str
    offspring_training: str
    def __init__(self, name: _Optional[str] = ..., ancestor_training: _Optional[str] = ..., offspring_training: _Optional[str] = ...) -> None: ...

class Waypoint(_message.Message):
    __slots__ = ["architectural_efficiency", "generation"]
    ARCHITECTURAL_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    architectural_efficiency: float
    generation: int
    def __init__(self, generation: _Optional[int] = ..., architectural_efficiency: _Optional[float] = ...) -> None: ...
