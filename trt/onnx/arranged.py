"""ReLU goes before maximum pooling where Caffe's nets have it behind: the two commute, and engines fuse it then.

Behind the pooling, a signed value would have to be quantised between the two.
"""

from dataclasses import replace

from trt.onnx.graph import Graph


def arranged(graph: Graph) -> Graph:
    """The same function, to the last bit; `graph` stays as it is."""
    result = replace(graph, nodes=[replace(node) for node in graph.nodes], _values=set(graph._values))
    for number, pool in enumerate(result.nodes):
        readers = [node for node in result.nodes if pool.outputs[0] in node.inputs]
        alone = pool.operator == "MaxPool" and len(pool.outputs) == 1 and pool.outputs[0] not in graph.outputs
        if not alone or [node.operator for node in readers] != ["Relu"]:
            continue
        relu = readers[0]
        between = result.fresh(f"{pool.inputs[0]}/{relu.layer}")
        before = replace(relu, inputs=list(pool.inputs), outputs=[between])
        after = replace(pool, inputs=[between], outputs=list(relu.outputs))
        place = result.nodes.index(relu)
        result.nodes[number], result.nodes[place] = before, after
    return result
