"""The workloads on PyTorch. Prints one JSON line.

A step is timed by the rules of bench/timing.ts. A first step and at least two more, for a quarter
of the budget, warm up. Then steps run until the budget is used.
usage: pytorch.py WORKLOAD THREADS nchw|channels-last [--check]
"""
import json
import os
import resource
import sys
import time

launched = float(os.environ.get('T0', time.time() * 1e9)) / 1e9
import numpy as np  # noqa: E402
import torch  # noqa: E402

from blas import blas  # noqa: E402
from networks import make_step  # noqa: E402

workload, threads, layout = sys.argv[1], int(sys.argv[2]), sys.argv[3]
channels_last = layout == 'channels-last'
torch.set_num_threads(threads)
budget = float(os.environ.get('BUDGET', '3000')) / 1e3


def first_losses():
    fresh = make_step(workload, channels_last, 0.0)
    return [fresh() for _ in range(3)]


if '--check' in sys.argv:
    print(json.dumps({'check': first_losses()}))
    sys.exit()

clock = time.perf_counter
torch.manual_seed(7)
step = make_step(workload, channels_last, 0.5)
began = time.time()
loss0 = step()
first = time.time()
warm, n = clock(), 0
while (n < 2 or clock() - warm < budget / 4) and clock() - warm < budget:
    step()
    n += 1
times, start = [], clock()
while len(times) < 3 or clock() - start < budget:
    before = clock()
    last = step()
    times.append((clock() - before) * 1e3)
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
# As in bench/measure.ts, two networks of w5 do not fit.
check = [] if workload == 'w5' else first_losses()
print(json.dumps({
    'peer': 'PyTorch', 'version': torch.__version__, 'workload': workload, 'threads': threads, 'mode': layout,
    'steps': len(times),
    'median_ms': round(float(np.median(times)), 3), 'min_ms': round(min(times), 3),
    'first_step_ms': round((first - began) * 1e3, 1),
    'launch_to_first_ms': round((first - launched) * 1e3, 1), 'rss_mb': round(rss), 'loss0': loss0, 'loss_last': last,
    'check': check, 'blas': blas(),
}))
