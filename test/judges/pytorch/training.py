"""Runs PyTorch's optimizers, gradient clipping and schedules on seeded parameters and gradients.

Each line of FOLDER/calls.jsonl is one optimizer in one type, with its parameters after every step,
or one schedule with its rates.
usage: training.py FOLDER < '{"steps": 20, "optimizers": [...], "schedules": [...]}'
"""
import json
import sys
import warnings

import torch

from tensors import Writer

warnings.filterwarnings('ignore')
SHAPES = [(4, 3), (5,), (), (2, 3, 2)]


def norm_type(written):
    return float('inf') if written == 'Infinity' else written


def optimize(writer, number, run, steps, dtype):
    generator = torch.Generator().manual_seed(number)
    # A part of NAdam's state has the default type.
    torch.set_default_dtype(dtype)

    def random(shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    params = [random(shape).requires_grad_() for shape in SHAPES]
    initial = writer.value(params)
    groups = [{'params': params}]
    if run['second'] is not None:
        groups = [{'params': params[:2]}, {'params': params[2:], **run['second']}]
    optimizer = getattr(torch.optim, run['torch'])(groups, **run['options'])
    history = []
    for step in range(steps):
        # Some elements have no slope, some steps have steep ones, and one parameter is left out
        # once.
        grads = [random(p.shape) * (100. if step % 7 == 3 else 1.) for p in params]
        for g in grads:
            g[torch.rand(g.shape, generator=generator) < 0.1] = 0
        if step == 5:
            grads[1] = None
        for p, g in zip(params, grads):
            p.grad = None if g is None else g.clone()
        given = writer.value(grads)
        norm = None
        if run['clip'] is not None:
            norm = torch.nn.utils.clip_grad_norm_(params, run['clip']['maxNorm'], norm_type(run['clip']['normType']))
        optimizer.step()
        history.append({'grads': given, 'norm': writer.value(norm), 'params': writer.value(params)})
    writer.line({'kind': 'optimizer', 'number': number, 'dtype': str(dtype).removeprefix('torch.'),
                 'initial': initial, 'history': history})


def schedule(writer, number, run, steps):
    optimizer = torch.optim.SGD([{'params': [torch.zeros(1)], 'lr': lr} for lr in run['rates']], lr=1., momentum=0.5)
    made = [getattr(torch.optim.lr_scheduler, name)(optimizer, **options) for name, options in run['torch']]
    if len(made) > 1:
        made = [torch.optim.lr_scheduler.SequentialLR(optimizer, made, milestones=run['milestones'])]
    rates, momenta = [], []

    def read():
        rates.append([group['lr'] for group in optimizer.param_groups])
        momenta.append([group['momentum'] for group in optimizer.param_groups])

    read()
    for step in range(steps):
        optimizer.step()
        made[0].step(*(run['metrics'][step:step + 1] if run['torch'][0][0] == 'ReduceLROnPlateau' else []))
        read()
    writer.line({'kind': 'schedule', 'number': number, 'rates': rates, 'momenta': momenta})


def main(folder, request):
    writer = Writer(folder)
    for number, run in enumerate(request['optimizers']):
        for dtype in (torch.float64, torch.float32):
            optimize(writer, number, run, request['steps'], dtype)
    for number, run in enumerate(request['schedules']):
        schedule(writer, number, run, request['steps'])
    writer.close()


if __name__ == '__main__':
    main(sys.argv[1], json.load(sys.stdin))
