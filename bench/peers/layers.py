"""The layers of bench/layers.ts on PyTorch, on one thread, in the faster of both memory layouts.

Prints one JSON line per layer.
usage: layers.py
"""
import json
import os
import time

import numpy as np
import torch

torch.set_num_threads(1)
# A fifth of the budget for each layer, as in bench/layers.ts, shared by two memory layouts.
budget = float(os.environ.get('BUDGET', '3000')) / 1e3 / 10
clock = time.perf_counter


def values(seed, channels):
    numbers = (np.arange(8 * 96 * 96 * channels, dtype=np.int64) * 7919 + seed) % 1009 / 504.5 - 1
    return torch.from_numpy(numbers.astype(np.float32).reshape(8, 96, 96, channels).transpose(0, 3, 1, 2).copy())


def time_layer(forward, inputs, layout):
    x = [values(i, 16).to(memory_format=layout).requires_grad_() for i in range(inputs)]
    g = values(5, 16 * inputs).to(memory_format=layout)
    parameters = list(forward.parameters()) if isinstance(forward, torch.nn.Module) else []

    def once():
        for t in x + parameters:
            t.grad = None
        before = clock()
        forward(*x).backward(g)
        return (clock() - before) * 1e3

    for _ in range(5):
        once()
    times, start = [], clock()
    while len(times) < 5 or clock() - start < budget:
        times.append(once())
    return float(np.median(times)), min(times)


class ChannelNorm(torch.nn.LayerNorm):
    """LayerNorm over channels of images that lie as [N, H, W, C]."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


layers = [
    ('relu', torch.relu, 1),
    ('sigmoid', torch.sigmoid, 1),
    ('concat', lambda *x: torch.cat(x, 1), 2),
    ('BatchNorm2d', torch.nn.BatchNorm2d(16), 1),
    ('GroupNorm, 4 groups', torch.nn.GroupNorm(4, 16), 1),
    ('LayerNorm', ChannelNorm(16), 1),
]
for name, forward, inputs in layers:
    timings = {kind: time_layer(forward, inputs, layout) for kind, layout in
               (('nchw', torch.contiguous_format), ('channels-last', torch.channels_last))}
    best = min(timings, key=lambda kind: timings[kind][0])
    print(json.dumps({'layer': name, 'ms': timings[best][0], 'min_ms': timings[best][1], 'mode': best}))
