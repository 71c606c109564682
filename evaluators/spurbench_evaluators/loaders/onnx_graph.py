"""An ONNX graph that takes pictures: its shapes, its facts, and running it or its beginning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spurbench.errors import UserError
from spurbench.files import sha256_file, sha256_json
from spurbench.reading import is_file, why

if TYPE_CHECKING:
    from torch import Tensor

INSTALL = "pip install 'spurbench[onnx]'"
WEIGHTED = {
    "Conv",
    "ConvInteger",
    "QLinearConv",
    "Gemm",
    "MatMul",
    "MatMulInteger",
    "QLinearMatMul",
}
DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


def open_graph(spec: str, path: Path) -> Graph:
    """The graph of a file; UserError where it is none, or none that takes pictures."""
    if not is_file(path):
        raise UserError(f"{spec}: no such file")
    try:
        import onnx
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise UserError(f"onnx/ models need {error.name}: {INSTALL}") from error
    try:
        model = onnx.load(path)
        session = _session(path)
    except Exception as error:  # whatever a broken or hostile file makes the readers raise
        raise UserError(f"{spec}: not an ONNX model that can be run ({why(error)})") from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in DTYPES or len(inputs[0].shape) != 4:
        said = ", ".join(f"{i.type}{i.shape}" for i in inputs)
        raise UserError(
            f"{spec}: takes {said}, not one batch of pictures in floating point; "
            "wrap it as python/MODULE:CALLABLE"
        )
    return Graph(path, model, session)


@dataclass
class Graph:
    """A model whose one input is a batch of pictures, as (N, 3, H, W) or (N, H, W, 3)."""

    path: Path
    model: Any
    session: Any

    def __post_init__(self) -> None:
        fed = self.session.get_inputs()[0]
        self.metadata = {p.key: p.value for p in self.model.metadata_props}
        self.parameters = sum(prod(t.dims) for t in self.model.graph.initializer)
        self.channels_last = fed.shape[-1] == 3 and fed.shape[1] != 3
        self._input: str = fed.name
        self._dtype = DTYPES[fed.type]
        self._batch = fed.shape[0] if isinstance(fed.shape[0], int) and fed.shape[0] > 0 else None
        height, width = fed.shape[1:3] if self.channels_last else fed.shape[2:]
        fixed = isinstance(height, int) and height == width and height > 0
        self.size: int | None = height if fixed else None
        ends = {output: node.op_type for node in self.model.graph.node for output in node.output}
        self._output: str = self.session.get_outputs()[0].name
        self._softmax = ends.get(self._output) == "Softmax"

    @cached_property
    def sha256(self) -> str:
        """Of the file, and of the files that hold its weights where they lie outside it."""
        import onnx

        bare = onnx.load(self.path, load_external_data=False)
        outside = sorted(
            {
                e.value
                for t in bare.graph.initializer
                for e in t.external_data
                if e.key == "location"
            }
        )
        own = sha256_file(self.path)
        files = {name: sha256_file(self.path.parent / name) for name in outside}
        return sha256_json({"model": own, **files}) if files else own

    def outputs(self, size: int) -> int:
        """Width of the head: declared, or of one picture's logits where it is not."""
        import torch

        width = self.session.get_outputs()[0].shape[-1:]
        if width and isinstance(width[0], int):
            return int(width[0])
        return int(self.run(torch.zeros(1, 3, size, size)).shape[-1])

    def run(self, fed: Tensor) -> Tensor:
        """(N, 3, H, W), normalised, to the first output; a softmax at the end is undone."""
        import torch

        out = torch.from_numpy(np.concatenate(list(self._parts(self.session, self._output, fed))))
        tiny = torch.finfo(out.dtype).tiny  # a softmax may round to 0, whose logarithm is no logit
        return out.clamp_min(tiny).log() if self._softmax else out

    def first_input(self, fed: Tensor) -> Tensor | None:
        """What reaches the first weighted operation; None where there is none."""
        import torch

        beginning = self._beginning
        if beginning is None:
            return None
        name, session = beginning
        if session is None:
            return fed
        return torch.from_numpy(np.concatenate(list(self._parts(session, name, fed))))

    @cached_property
    def _beginning(self) -> tuple[str, Any] | None:
        """Name of the first weighted operation's input, and what computes it (None: the input)."""
        import onnx

        nodes = list(self.model.graph.node)
        first = next((i for i, node in enumerate(nodes) if node.op_type in WEIGHTED), None)
        if first is None:
            return None
        name = nodes[first].input[0]
        if name == self._input:
            return name, None
        used = {tensor for node in nodes[:first] for tensor in node.input}
        begun = onnx.ModelProto()
        begun.CopyFrom(self.model)
        graph = begun.graph
        for field, kept in (
            (graph.node, nodes[:first]),
            (graph.initializer, [t for t in graph.initializer if t.name in used]),
            (graph.value_info, []),
            (graph.output, [onnx.helper.make_empty_tensor_value_info(name)]),
        ):
            # Copied first: protobuf does not promise that a field's items outlive its emptying.
            copies = [type(item).FromString(item.SerializeToString()) for item in kept]
            del field[:]
            field.extend(copies)
        return name, _session(begun.SerializeToString())

    def _parts(self, session: Any, output: str, fed: Tensor) -> Iterator[np.ndarray]:
        """Outputs in pieces of the batch size that the graph is fixed to, if it is."""
        array = fed.detach().cpu().numpy().astype(self._dtype)
        if self.channels_last:
            array = array.transpose(0, 2, 3, 1)  # (N, H, W, 3)
        step = self._batch or len(array)
        for start in range(0, len(array), step):
            part = array[start : start + step]
            # A graph of a fixed batch size takes no fewer pictures: the last piece is filled up.
            filler = np.zeros((step - len(part), *part.shape[1:]), part.dtype)
            whole = np.ascontiguousarray(np.concatenate([part, filler]))
            yield session.run([output], {self._input: whole})[0][: len(part)]


def _session(model: Path | bytes) -> Any:
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors; they are raised as well
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, ["CPUExecutionProvider"]
    )
