"""Writes tensors and calls for the TypeScript side: one JSON object a line, the tensors' bytes in a file beside."""
import json
import math
import os

import torch

# How each type is stored. Types that are not here cannot be passed on.
STORED = {
    torch.float32: ('float32', torch.float32),
    torch.float64: ('float64', torch.float64),
    torch.int64: ('int32', torch.int32),
    torch.int32: ('int32', torch.int32),
    torch.bool: ('bool', torch.uint8),
}


class Unwritable(Exception):
    """A value that the format cannot hold."""


class Writer:
    def __init__(self, folder):
        self.lines = open(os.path.join(folder, 'calls.jsonl'), 'w')
        self.bytes = open(os.path.join(folder, 'tensors.bin'), 'wb')

    def tensor(self, t):
        if t.dtype not in STORED or t.layout != torch.strided:
            raise Unwritable(f'{t.dtype} {t.layout}')
        name, dtype = STORED[t.dtype]
        flat = t.detach().to(dtype).contiguous().reshape(-1)
        if t.dtype == torch.int64 and not torch.equal(flat.to(torch.int64), t.detach().reshape(-1)):
            raise Unwritable('an int64 outside of int32')
        # Every array begins at a multiple of 8 bytes, as typed arrays ask for.
        self.bytes.write(b'\0' * (-self.bytes.tell() % 8))
        offset = self.bytes.tell()
        self.bytes.write(flat.numpy().tobytes())
        return {'dtype': name, 'shape': list(t.shape), 'offset': offset}

    def value(self, v):
        """A tensor, a number, a string, a type, or a list or dictionary of these."""
        if torch.is_tensor(v):
            return {'$': 'tensor', **self.tensor(v)}
        if v is None or isinstance(v, (bool, int, str)):
            return v
        if isinstance(v, float):
            return v if math.isfinite(v) else {'$': 'number', 'value': str(v)}
        if isinstance(v, torch.dtype):
            return {'$': 'dtype', 'value': str(v).removeprefix('torch.')}
        if isinstance(v, (torch.memory_format, torch.layout, torch.device)):
            return {'$': 'other', 'value': str(v)}
        if isinstance(v, (list, tuple)):
            return [self.value(x) for x in v]
        if isinstance(v, dict):
            return {k: self.value(x) for k, x in v.items()}
        raise Unwritable(type(v).__name__)

    def line(self, entry):
        self.lines.write(json.dumps(entry, allow_nan=False) + '\n')

    def close(self):
        self.lines.close()
        self.bytes.close()
