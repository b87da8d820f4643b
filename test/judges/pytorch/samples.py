"""Runs PyTorch's own sample inputs (its operator database, op_db) and writes each call with its values and gradients.

usage: samples.py FOLDER < '{"ops": ["nn.functional.conv2d", ...]}'
Writes FOLDER/calls.jsonl and FOLDER/tensors.bin.
"""
import json
import random
import sys
import types
import unittest
import warnings

import torch

from tensors import Unwritable, Writer

# PyTorch's test helpers import expecttest, which Debian does not package. Nothing of it is used
# here.
expecttest = types.ModuleType('expecttest')
expecttest.TestCase = unittest.TestCase
expecttest.ACCEPT = False
sys.modules['expecttest'] = expecttest

from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

warnings.filterwarnings('ignore')

# The operator database of PyTorch 1.13 draws from sets, which Python 3.11 refuses.
draw = random.sample
random.sample = lambda population, k: draw(sorted(population), k)

# Larger samples test speed, and say nothing about values that the smaller ones do not.
MOST_ELEMENTS = 4096


def tensors_in(value):
    if torch.is_tensor(value):
        return [value]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in tensors_in(v)]
    if isinstance(value, dict):
        return [t for v in value.values() for t in tensors_in(v)]
    return []


def as_leaves(value):
    """The same value with every tensor a contiguous leaf of its own."""
    if torch.is_tensor(value):
        leaf = value.detach().contiguous().clone()
        return leaf.requires_grad_(value.requires_grad)
    if isinstance(value, (list, tuple)):
        return [as_leaves(v) for v in value]
    if isinstance(value, dict):
        return {k: as_leaves(v) for k, v in value.items()}
    return value


def edges(dtype):
    """Calls beside op_db's: signed zeros, ties, infinities, NaN, and logits of any size."""
    def t(values):
        return torch.tensor(values, dtype=dtype, requires_grad=True)
    inf, nan = float('inf'), float('nan')
    line = [-inf, -1e30, -100., -3., -1., -1e-3, -1e-30, -0., 0., 1e-30, 1e-3, 1., 3., 100., 1e30, inf]
    for op in ['abs', 'exp', 'log', 'log1p', 'sqrt', 'neg', 'sign', 'tanh', 'sigmoid', 'erf', 'isnan', 'logical_not',
               'nn.functional.relu', 'nn.functional.leaky_relu', 'nn.functional.elu', 'nn.functional.gelu',
               'nn.functional.silu', 'nn.functional.softplus', 'nn.functional.selu', 'nn.functional.celu',
               'nn.functional.hardtanh', 'nn.functional.relu6', 'nn.functional.hardsigmoid',
               'nn.functional.hardswish', 'nn.functional.mish', 'nn.functional.softsign',
               'nn.functional.logsigmoid']:
        yield op, [t(line)], {}
        yield op, [t([nan, 1.])], {}
    yield 'clamp', [t(line), -1., 3.], {}
    for op in ['add', 'sub', 'mul', 'div', 'pow', 'maximum', 'minimum', 'eq', 'ne', 'lt', 'le', 'gt', 'ge']:
        yield op, [t([[v] for v in line]), t(line)], {}
        yield op, [t([nan, 1., nan]), t([1., nan, nan])], {}
    rows = [[[a, a + 1., a + 1.]] for a in [0., 1., -1., 100., -100., 1e4, -1e4, 1e6, 1e7, 1e30, -1e30]]
    rows += [[[3e38, 3e38]], [[-3e38, 0.]], [[0., 0., 0.]], [[-inf, 0., 1.]], [[-inf, -inf, 0.]]]
    for row in rows:
        for op in ['softmax', 'log_softmax', 'logsumexp']:
            yield op, [t(row), -1], {}
        for label in [0, len(row[0]) - 1]:
            yield 'nn.functional.cross_entropy', [t(row), torch.tensor([label])], {}
    rows = [[1., 1., 1.], [0., 0.], [-2., 5., 5., -2.], [1e4, 1e4 + 1, 1e4 + 2], [-inf, 1., inf], [nan, 1., 2.]]
    for row in [[row] for row in rows]:
        for op in ['amax', 'amin', 'sum', 'mean', 'argmax', 'argmin', 'var', 'std']:
            yield op, [t(row), 1], {}


def run(writer, name, op, dtype, values, kwargs, source):
    values, kwargs = as_leaves(values), as_leaves(kwargs)
    # Before the call, which may change an argument in place.
    written = writer.value(values), writer.value(kwargs)
    outputs = tensors_in(op(*values, **kwargs))
    if len(outputs) == 0:
        return
    leaves = [t for t in tensors_in([values, kwargs]) if t.requires_grad]
    through = [y for y in outputs if y.requires_grad]
    generator = torch.Generator().manual_seed(0)
    seeds = [torch.randn(y.shape, generator=generator, dtype=y.dtype) if y.requires_grad else None for y in outputs]
    grads = None
    if len(leaves) > 0 and len(through) > 0:
        found = torch.autograd.grad(through, leaves, [s for s in seeds if s is not None], allow_unused=True)
        grads = [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found)]
    # Which tensors have a gradient stands in the order in which values() meets them.
    needs = [t.requires_grad for t in tensors_in([values, kwargs])]
    writer.line({
        'op': name, 'dtype': str(dtype).removeprefix('torch.'), 'source': source,
        'args': written[0], 'kwargs': written[1], 'needs': needs,
        'outputs': writer.value(outputs), 'seeds': writer.value(seeds), 'grads': writer.value(grads),
    })


def samples_of(info, dtype):
    """Every sample once, by its generator: plain ones, then the reference ones, which hold the extremes."""
    for source, generate in [('sample', info.sample_inputs), ('reference', info.reference_inputs)]:
        if source == 'reference' and info.reference_inputs_func is None:
            continue
        try:
            torch.manual_seed(0)
            random.seed(0)
            for sample in generate('cpu', dtype, requires_grad=info.supports_autograd):
                if sum(t.numel() for t in tensors_in([sample.input, sample.args, sample.kwargs])) <= MOST_ELEMENTS:
                    yield source, [sample.input, *sample.args], sample.kwargs
        except ValueError:
            # Some reference generators of this version ask for gradients of integers. The samples
            # before that remain.
            continue


def errors_of(info):
    return [] if info.error_inputs_func is None else list(info.error_inputs('cpu'))


def main(folder, ops):
    writer = Writer(folder)
    known = {f'{o.name}.{o.variant_test_name}' if o.variant_test_name else o.name: o for o in op_db}
    for name in ops:
        info = known[name]
        left = {'unwritable': 0, 'refused': 0}
        for dtype in (torch.float32, torch.float64):
            for source, values, kwargs in samples_of(info, dtype):
                try:
                    run(writer, name, info.op, dtype, values, kwargs, source)
                except Unwritable:
                    left['unwritable'] += 1
                except RuntimeError:
                    # PyTorch cannot differentiate some of its own samples, such as clamp with
                    # bounds that are broadcast.
                    left['refused'] += 1
        for error in errors_of(info):
            sample = error.sample_input
            try:
                args, kwargs = writer.value([sample.input, *sample.args]), writer.value(sample.kwargs)
                writer.line({'op': name, 'dtype': 'float32', 'source': 'error', 'args': args, 'kwargs': kwargs,
                             'error': error.error_regex})
            except Unwritable:
                left['unwritable'] += 1
        for source, count in left.items():
            if count > 0:
                writer.line({'op': name, 'source': source, 'count': count})
    for dtype in (torch.float32, torch.float64):
        for name, values, kwargs in edges(dtype):
            if name in ops:
                run(writer, name, known[name].op, dtype, values, kwargs, 'edge')
    writer.close()


if __name__ == '__main__':
    main(sys.argv[1], json.load(sys.stdin)['ops'])
