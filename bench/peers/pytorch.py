"""The workloads on PyTorch. Prints one JSON line.

A step is timed by the rules of bench/measure.ts. A first step and at least two more, for a quarter
of the budget, warm up. Then steps run until the budget is used.
usage: pytorch.py WORKLOAD THREADS nchw|channels-last
"""
import json
import os
import re
import resource
import sys
import time

launched = float(os.environ.get('T0', time.time() * 1e9)) / 1e9
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

workload, threads, layout = sys.argv[1], int(sys.argv[2]), sys.argv[3]
channels_last = layout == 'channels-last'
torch.set_num_threads(threads)
budget = float(os.environ.get('BUDGET', '3000')) / 1e3
folder = os.environ.get('BENCH_DATA', 'bench/results/data')


def blas():
    """The library that torch multiplies matrices with.

    It is the one mapped into this process, else the one torch was built with. numpy may bring its own.
    """
    torch.ones(64, 64) @ torch.ones(64, 64)
    found = set()
    try:
        with open('/proc/self/maps') as maps:
            for line in maps:
                path = line.split(maxsplit=5)[-1].strip()
                is_blas = re.search(r'lib\w*blas|libmkl|libblis|libatlas', path)
                if is_blas and not re.search(r'numpy|scipy|cublas|cblas_', path):
                    found.add(path)
    except OSError:
        pass
    # A plain libblas beside another library is the one that torch was linked with.
    plain = [p for p in found if re.search(r'lib[cf]?blas\.so', p) and not re.search(r'openblas|mkl|blis|atlas', p)]
    if plain:
        return 'reference BLAS (%s)' % sorted(plain)[0]
    for name, pattern in (('OpenBLAS', 'openblas'), ('MKL', 'mkl'), ('BLIS', 'blis'), ('ATLAS', 'atlas')):
        hits = sorted(p for p in found if pattern in p)
        if hits:
            return '%s (%s)' % (name, hits[0])
    built = re.search(r'BLAS_INFO=(\w+)', torch.__config__.show())
    if torch.backends.mkl.is_available():
        return 'MKL (built in)'
    if built and 'open' in built.group(1):
        return 'OpenBLAS (built in)'
    return built.group(1) if built else 'unknown'


def load():
    with open('%s/%s.json' % (folder, workload)) as f:
        manifest = json.load(f)
    data = np.fromfile('%s/%s.bin' % (folder, workload), '<f4')
    arrays = {k: data[a['offset']:a['offset'] + a['size']].reshape(a['shape']) for k, a in manifest['arrays'].items()}
    return manifest['lr'], arrays


def images(a):
    t = torch.from_numpy(np.ascontiguousarray(a.transpose(0, 3, 1, 2)))
    return t.to(memory_format=torch.channels_last) if channels_last else t


def layer(kind, arrays, name, **options):
    """[kh, kw, in, out] or, transposed, [kh, kw, out, in] to torch's [out, in, kh, kw] and [in, out, kh, kw]."""
    weight = torch.from_numpy(np.ascontiguousarray(arrays[name + '.weight'].transpose(3, 2, 0, 1)))
    first, second = weight.shape[:2]
    inputs, outputs = (second, first) if kind is torch.nn.Conv2d else (first, second)
    made = kind(inputs, outputs, 3, padding=1, **options)
    made.weight.data.copy_(weight)
    made.bias.data.copy_(torch.from_numpy(arrays[name + '.bias']))
    return made


class EncoderDecoder(torch.nn.Module):
    def __init__(self, arrays, rate):
        super().__init__()
        for name in ('conv1', 'conv2', 'conv3'):
            setattr(self, name, layer(torch.nn.Conv2d, arrays, name))
        for name in ('deconv2', 'deconv1'):
            setattr(self, name, layer(torch.nn.ConvTranspose2d, arrays, name))
        self.pool = torch.nn.MaxPool2d(2, return_indices=True)
        self.unpool = torch.nn.MaxUnpool2d(2)
        self.dropout = torch.nn.Dropout(rate)

    def forward(self, x):
        h, where1 = self.pool(F.relu(self.conv1(x)))
        h, where2 = self.pool(F.relu(self.conv2(h)))
        h = F.relu(self.conv3(h))
        h = self.dropout(F.relu(self.deconv2(self.unpool(h, where2))))
        return self.deconv1(self.unpool(h, where1))


class Autoencoder(torch.nn.Module):
    def __init__(self, arrays):
        super().__init__()
        self.conv1 = layer(torch.nn.Conv2d, arrays, 'conv1')
        self.conv2 = layer(torch.nn.Conv2d, arrays, 'conv2')
        self.deconv2 = layer(torch.nn.ConvTranspose2d, arrays, 'deconv2', stride=2, output_padding=1)
        self.deconv1 = layer(torch.nn.ConvTranspose2d, arrays, 'deconv1', stride=2, output_padding=1)

    def forward(self, x):
        h = F.max_pool2d(F.relu(self.conv1(x)), 2)
        h = F.max_pool2d(F.relu(self.conv2(h)), 2)
        return self.deconv1(F.relu(self.deconv2(h)))


def make_step(rate):
    lr, arrays = load()
    x = images(arrays['x'])
    if workload == 'w3':
        net, y, criterion = Autoencoder(arrays), x, torch.nn.MSELoss()
    else:
        net, y = EncoderDecoder(arrays, rate), images(arrays['y'])
        criterion = torch.nn.BCEWithLogitsLoss(reduction='sum')
    if channels_last:
        net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)

    def step():
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


clock = time.perf_counter
torch.manual_seed(7)
step = make_step(0.5)
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
fresh = make_step(0.0)
print(json.dumps({
    'peer': 'PyTorch', 'version': torch.__version__, 'workload': workload, 'threads': threads, 'mode': layout,
    'steps': len(times),
    'median_ms': round(float(np.median(times)), 3), 'min_ms': round(min(times), 3),
    'first_step_ms': round((first - began) * 1e3, 1),
    'launch_to_first_ms': round((first - launched) * 1e3, 1), 'rss_mb': round(rss), 'loss0': loss0, 'loss_last': last,
    'check': [fresh() for _ in range(3)], 'blas': blas(),
}))
