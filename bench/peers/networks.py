"""The data and the networks of the workloads on PyTorch (bench/data.ts, bench/draw.ts, bench/workloads.ts)."""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

folder = os.environ.get('BENCH_DATA', 'bench/results/data')
batch = int(os.environ.get('BATCH', '0'))


def draw(place):
    """The numbers of an array that is in no file, by the rule of bench/draw.ts, in the same bits."""
    numbers = np.empty(place['size'], np.float32)
    step = 1 << 20
    for start in range(0, place['size'], step):
        part = numbers[start:start + step]
        x = np.arange(place['offset'] + start, place['offset'] + start + len(part), dtype=np.uint32)
        x = (x ^ (x >> 16)) * np.uint32(0x7feb352d)
        x = (x ^ (x >> 15)) * np.uint32(0x846ca68b)
        x = x ^ (x >> 16)
        if 'chance' in place:
            part[:] = x < place['chance'] * 2 ** 32
        else:
            part[:] = ((x >> 8) / np.float64(2 ** 23) - 1) * np.float64(np.float32(place['bound']))
    return numbers


def active(x):
    return F.relu(x, inplace=True)


class Arrays:
    """The arrays of a workload, each read or drawn when it is asked for."""

    def __init__(self, workload):
        with open('%s/%s.json' % (folder, workload)) as f:
            manifest = json.load(f)
        self.lr, self.places = manifest['lr'], manifest['arrays']
        self.file = np.fromfile('%s/%s.bin' % (folder, workload), '<f4')

    def __contains__(self, name):
        return name in self.places

    def __getitem__(self, name):
        place = self.places[name]
        if 'bound' in place or 'chance' in place:
            values = draw(place)
        else:
            values = self.file[place['offset']:place['offset'] + place['size']]
        values = values.reshape(place['shape'])
        if batch > 0 and name in ('x', 'y'):
            values = values[np.arange(batch) % len(values)]
        return values


def images(a, channels_last):
    t = torch.from_numpy(np.ascontiguousarray(a.transpose(0, 3, 1, 2)))
    return t.to(memory_format=torch.channels_last) if channels_last else t


def layer(kind, arrays, name, **options):
    """[kh, kw, in, out] or, transposed, [kh, kw, out, in] to torch's [out, in, kh, kw] and [in, out, kh, kw]."""
    weight = torch.from_numpy(np.ascontiguousarray(arrays[name + '.weight'].transpose(3, 2, 0, 1)))
    first, second, size, _ = weight.shape
    inputs, outputs = (second, first) if kind is torch.nn.Conv2d else (first, second)
    made = kind(inputs, outputs, size, padding=size // 2, **options)
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
        h, where1 = self.pool(active(self.conv1(x)))
        h, where2 = self.pool(active(self.conv2(h)))
        h = active(self.conv3(h))
        h = self.dropout(active(self.deconv2(self.unpool(h, where2))))
        return self.deconv1(self.unpool(h, where1))


class Autoencoder(torch.nn.Module):
    def __init__(self, arrays):
        super().__init__()
        self.conv1 = layer(torch.nn.Conv2d, arrays, 'conv1')
        self.conv2 = layer(torch.nn.Conv2d, arrays, 'conv2')
        self.deconv2 = layer(torch.nn.ConvTranspose2d, arrays, 'deconv2', stride=2, output_padding=1)
        self.deconv1 = layer(torch.nn.ConvTranspose2d, arrays, 'deconv1', stride=2, output_padding=1)

    def forward(self, x):
        h = F.max_pool2d(active(self.conv1(x)), 2)
        h = F.max_pool2d(active(self.conv2(h)), 2)
        return self.deconv1(active(self.deconv2(h)))


class OddAutoencoder(torch.nn.Module):
    def __init__(self, arrays):
        super().__init__()
        for name in ('conv1', 'conv2', 'conv3', 'deconv2', 'deconv1'):
            setattr(self, name, layer(torch.nn.Conv2d, arrays, name))
        self.pool = torch.nn.MaxPool2d(2, return_indices=True)
        self.unpool = torch.nn.MaxUnpool2d(2)

    def forward(self, x):
        a1 = active(self.conv1(x))
        h, where1 = self.pool(a1)
        a2 = active(self.conv2(h))
        h, where2 = self.pool(a2)
        h = active(self.conv3(h))
        h = active(self.deconv2(self.unpool(h, where2, output_size=a2.shape[2:])))
        return self.deconv1(self.unpool(h, where1, output_size=a1.shape[2:]))


class Cedn(torch.nn.Module):
    """The library's Cedn: the encoder of VGG16, whose pools are the places that no convolution has."""

    def __init__(self, arrays, rate):
        super().__init__()
        self.features = torch.nn.ModuleDict(
            {str(i): layer(torch.nn.Conv2d, arrays, 'features.%d' % i)
             for i in range(31) if 'features.%d.weight' % i in arrays})
        for name in ('conv6', 'deconv6', 'deconv5', 'deconv4', 'deconv3', 'deconv2', 'deconv1', 'pred'):
            setattr(self, name, layer(torch.nn.Conv2d, arrays, name))
        self.pool = torch.nn.MaxPool2d(2, return_indices=True)
        self.unpool = torch.nn.MaxUnpool2d(2)
        self.dropout = torch.nn.Dropout(rate)

    def forward(self, x):
        h, places = x, []
        for i in range(31):
            if str(i) in self.features:
                h = active(self.features[str(i)](h))
            elif i in (4, 9, 16, 23, 30):
                h, where = self.pool(h)
                places.append(where)
        h = active(self.deconv6(active(self.conv6(h))))
        for deconv in (self.deconv5, self.deconv4, self.deconv3, self.deconv2, self.deconv1):
            h = self.dropout(active(deconv(self.unpool(h, places.pop()))))
        return self.pred(h)


def make_step(workload, channels_last, rate):
    arrays = Arrays(workload)
    x = images(arrays['x'], channels_last)
    y = images(arrays['y'], channels_last) if 'y' in arrays else x
    if workload in ('w3', 'odd'):
        net = Autoencoder(arrays) if workload == 'w3' else OddAutoencoder(arrays)
        criterion = torch.nn.MSELoss()
    elif workload == 'w5':
        net = Cedn(arrays, rate)
        criterion = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(10.0))
    else:
        net = EncoderDecoder(arrays, rate)
        criterion = torch.nn.BCEWithLogitsLoss(reduction='sum')
    if channels_last:
        net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), lr=arrays.lr)

    def step():
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
