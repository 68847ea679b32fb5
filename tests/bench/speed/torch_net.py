"""A Caffe net as a PyTorch module: its layers in their order, blobs by name."""

from typing import Any, NamedTuple

from torch import Tensor, nn

from evolve.network.weights import Weights
from tests.bench.speed.torch_layers import batch_norm, module_of


class _Step(NamedTuple):
    module: nn.Module
    bottoms: list[str]
    top: str
    last_read: list[str]  # blobs that nothing reads afterwards: their memory can go


class TorchNet(nn.Module):
    """Runs a NetParameter of one phase. `parameter_names` says which parameter is which blob, as "conv1/0"."""

    def __init__(self, net: Any, weights: Weights) -> None:
        super().__init__()
        self.inputs = [top for layer in net.layer if layer.type == "Input" for top in layer.top]
        self._steps: list[_Step] = []
        self.parameter_names: dict[str, Tensor] = {}
        self.multipliers: dict[str, tuple[float, float]] = {}  # of the rate and of the decay
        layers = [layer for layer in net.layer if layer.type != "Input"]
        read_later = _read_later(layers)
        position = 0
        while position < len(layers):
            layer = layers[position]
            fused = layer.type == "BatchNorm"
            last = layers[position + 1] if fused else layer
            if fused:
                _check_scale(layer, last)
                module = batch_norm(layer, weights[layer.name], weights[last.name])
            else:
                module = module_of(layer, weights.get(layer.name, []))
            position += 2 if fused else 1
            self.add_module(layer.name.replace(".", "_"), module)
            self._name_parameters(last, module)
            bottoms = list(layer.bottom)
            last_read = [blob for blob in bottoms if blob not in read_later[position - 1] and blob != last.top[0]]
            self._steps.append(_Step(module, bottoms, last.top[0], last_read))
        read = {bottom for step in self._steps for bottom in step.bottoms if bottom != step.top}
        self.outputs = list(dict.fromkeys(step.top for step in self._steps if step.top not in read))

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs, in the order of `outputs`, for the inputs in the order of `inputs`."""
        blobs = dict(zip(self.inputs, inputs, strict=True))
        for module, bottoms, top, last_read in self._steps:
            blobs[top] = module(*[blobs[bottom] for bottom in bottoms])
            for blob in last_read:
                del blobs[blob]
        return tuple(blobs[output] for output in self.outputs)

    def _name_parameters(self, layer: Any, module: nn.Module) -> None:
        for number, parameter in enumerate(module.parameters()):
            name = f"{layer.name}/{number}"
            self.parameter_names[name] = parameter
            spec = layer.param[number] if number < len(layer.param) else None
            self.multipliers[name] = (spec.lr_mult, spec.decay_mult) if spec else (1.0, 1.0)


def _check_scale(layer: Any, scale: Any) -> None:
    if scale.type != "Scale" or list(scale.bottom) != list(layer.top) or not scale.scale_param.bias_term:
        raise ValueError(f"layer '{layer.name}': a BatchNorm without a Scale with bias after it has no module here")


def _read_later(layers: list[Any]) -> list[set[str]]:
    """For each layer, the blobs that later layers read."""
    later: set[str] = set()
    result = []
    for layer in reversed(layers):
        result.append(set(later))
        later |= set(layer.bottom)
    return result[::-1]
