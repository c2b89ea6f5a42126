"""A trained model as one file that runs without this package: ONNX, or a program of torch.export.

The file holds the cores, not the matrices: they are merged when it is loaded. It has one loop over the steps, so it
serves any number of sequences and steps. Only this module needs onnx and onnxscript, and it does only for ONNX.
"""

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan  # a prototype, which has no public name yet
from torch.export import Dim, ExportedProgram

from fdht import cells
from fdht.dropout import Masks
from fdht.engine import contract
from fdht.engine.apply import IDENTITY, Normalisation, Prepared, apply, normalised, prepare
from fdht.engine.blocks import State
from fdht.engine.recurrence import Recurrence
from fdht.maps import TensorMap
from fdht.recurrent import Recurrent

SEQUENCES, STEPS = 2, 3  # of the example that is traced; a graph traced for 0 or 1 would serve only these
LARGEST = 16  # elements of a constant, such as a shape, that replaces the operations that compute it
INPUTS, OUTPUTS = ("x", "h_0", "c_0"), ("outputs", "h_n", "c_n")


def export(model: nn.Module, path: str | Path, x: Tensor, state: tuple[Tensor, ...] | Tensor | None = None) -> None:
    """Write `model` as a file for inference: ONNX if the name ends in .onnx, a program of torch.export if in .pt2.

    model: a layer of this package, or a module with such layers, such as what `fdht.compress` returns. It is not
    changed; the file has neither dropout nor gradients.
    x: an example input, float or uint8 (raw pixels, see `normalise`). Only its dtype and the sizes after the first two
    matter: the file accepts any number of sequences and steps (for x (B, D), any B).
    state: an example of a layer's initial state, if the file should take one; otherwise the state starts from zeros.
    In ONNX, the inputs are named x, h_0 and c_0 and the outputs outputs, h_n and c_n, where they exist.
    Raises ValueError for another ending, and for a model with a torch.nn recurrent layer, which PyTorch exports for one
    number of steps only. ONNX needs the packages onnx and onnxscript.
    """
    path = Path(path)
    if path.suffix not in (".onnx", ".pt2"):
        raise ValueError(f"path is {str(path)!r}; expected a name that ends in .onnx or .pt2")
    if path.suffix == ".pt2":
        torch.export.save(traced(model, x, state), path)
        return
    import onnxscript.optimizer  # before any work, as it may be missing

    program = traced(model, x, state)
    inputs = INPUTS[: len(program.graph_signature.user_inputs)]
    outputs = OUTPUTS[: len(program.graph_signature.user_outputs)]
    with _quiet():
        onnx = torch.onnx.export(program, input_names=inputs, output_names=outputs, optimize=False, verbose=False)
    assert onnx is not None
    onnxscript.optimizer.optimize(onnx.model, input_size_limit=LARGEST, output_size_limit=LARGEST)
    for node in onnx.model.graph.all_nodes():
        node.metadata_props.clear()  # stack traces, longer than the weights
    onnx.save(path)


def traced(model: nn.Module, x: Tensor, state: tuple[Tensor, ...] | Tensor | None = None) -> ExportedProgram:
    """The program of torch.export that `export` writes; arguments as there."""
    model = copy.deepcopy(getattr(model, "_orig_mod", model))  # what torch.compile has wrapped
    model.eval().requires_grad_(False)
    for name, module in list(model.named_modules()):
        if name and hasattr(module, "_orig_mod"):
            model.set_submodule(name, module._orig_mod)
    for name, module in model.named_modules():
        if isinstance(module, nn.RNNBase):
            kind = f"a torch.nn.{type(module).__name__}"
            raise ValueError(
                f"model has {kind}, {name or 'itself'}; expected none: PyTorch exports it for one number of steps only"
            )
        if isinstance(module, Recurrent):
            module._states = MethodType(_states, module)  # type: ignore[method-assign]
        elif isinstance(module, TensorMap):
            module.forward = MethodType(_forward, module)  # type: ignore[method-assign]
    first_two = (SEQUENCES, STEPS) if getattr(model, "batch_first", True) else (STEPS, SEQUENCES)
    of_x, of_state = dict(zip(range(x.dim() - 1), first_two, strict=False)), {1: SEQUENCES}

    def arguments(make: Callable[[Tensor, dict[int, int]], Any]) -> tuple:
        if isinstance(state, Tensor):
            return make(x, of_x), make(state, of_state)
        return (make(x, of_x), *([] if state is None else [tuple(make(part, of_state) for part in state)]))

    examples = arguments(lambda given, sizes: given.new_zeros([sizes.get(k, n) for k, n in enumerate(given.shape)]))
    shapes = arguments(lambda _, sizes: dict.fromkeys(sizes, Dim.DYNAMIC))
    with torch.no_grad(), _quiet():
        program = torch.export.export(model, examples, dynamic_shapes=shapes)
    program.example_inputs = None  # they would be stored, too
    return program


def _states(
    self: Recurrent, x: Tensor, prepared: Prepared, recurrence: Recurrence, state: State, masks: Masks
) -> list[Tensor]:
    """As `Recurrent._states`, with a loop over the steps in the graph."""
    (B, T, D), like, normalisation = x.shape, self.W.like, self.normalisation
    rows = x.reshape(-1, D)
    if padding := prepared.network.input_size - D:
        rows = nn.functional.pad(normalised(rows, like.dtype, normalisation), (0, padding))
        normalisation = IDENTITY
    pre = _applied(prepared, rows, normalisation).reshape(B, T, -1).transpose(0, 1)  # (T, B, G H)
    cell: Any = cells.lstm if self.cell == "lstm" else cells.gru

    def step(state: tuple[Tensor, ...], pre: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """One step, pre (B, G H): the new state, (B, H) each, and a copy of it, as the loop wants no aliases."""
        found = cell(pre.unsqueeze(1), partial(_product, recurrence.tensors), *state, activation=self.gate_activation)
        new = [track.squeeze(1) for track in (found if self.cell == "lstm" else [found])]
        return tuple(new), tuple(track.clone() for track in new)

    zeros = [like.new_zeros(B, self.hidden_size) for _ in range(2 if self.cell == "lstm" else 1)]
    _, tracks = scan(step, tuple(state or zeros), pre)
    return [track.transpose(0, 1) for track in tracks]


def _forward(self: TensorMap, x: Tensor) -> Tensor:
    """As `TensorMap.forward`, also without rows."""
    rows = x.reshape(-1, self.network.input_size)
    prepared = prepare(self._planner.plan(SEQUENCES, rows), self.network, self.tensors(), self.bias)
    return _applied(prepared, rows, IDENTITY).reshape(*x.shape[:-1], self.network.output_size)


def _applied(prepared: Prepared, rows: Tensor, normalisation: Normalisation) -> Tensor:
    """As `fdht.engine.apply.apply`: a split in few operations, each of which takes any number of rows."""
    if not prepared.plan.split:
        return apply(prepared, rows, normalisation)
    (P, *others), bias = prepared.tensors, prepared.bias
    scale, shift = P.new_tensor(normalisation)  # as plain numbers they would be in single precision in ONNX
    if normalisation != IDENTITY:
        constant = shift * contract.row_sums(prepared.tensors)
        P, bias = P * scale, constant if bias is None else bias + constant
    y = _product((P, *others), rows.to(P.dtype))
    return y if bias is None else y + bias


def _product(parts: Sequence[Tensor], rows: Tensor) -> Tensor:
    """rows (R, N) times the parts of a split, from the last to the first, or times U -> (R, M)."""
    if len(parts) == 1:
        return rows @ parts[0].mT
    matrices = [part.flatten(0, 1) for part in parts]  # (n k, w) each
    state, elements = rows, rows.shape[1]  # of the state, per row
    for matrix, lead in reversed(list(zip(matrices, contract.leads(parts), strict=True))):
        columns = elements // (lead * len(matrix))
        if columns == 1:
            state = state.reshape(-1, len(matrix)) @ matrix
        else:
            state = matrix.mT @ state.reshape(-1, len(matrix), columns)
        elements = lead * matrix.shape[1] * columns
    return state.reshape(-1, elements)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings of torch about its own code and speed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*LeafSpec.*", FutureWarning)
        warnings.filterwarnings("ignore", "Guards may run slower on Python 3.13.0", RuntimeWarning)
        yield
