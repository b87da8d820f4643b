"""Tells the version of torch and the library that it multiplies matrices with, as one JSON line."""
import json
import re

import torch


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


if __name__ == '__main__':
    print(json.dumps({'version': torch.__version__, 'blas': blas()}))
