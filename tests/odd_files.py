"""Files that Pillow cannot write: TIFFs with any tags, ICC profiles, PNGs without pixels."""

import struct
import zlib
from pathlib import Path

import numpy as np

_TYPES = {'u2': 3, 'u4': 4, 'f4': 11, 'f8': 12}
_FORMATS = {'u': 1, 'i': 2, 'f': 3}


def tiff(path: Path, values: np.ndarray, photometric: int | None = None, bits: int | None = None, **tags) -> Path:
    """Writes [H, W] or [H, W, C] of any type as an uncompressed little-endian TIFF.

    `bits` are those of a sample if not all of its bytes (12: packed); `tags` are numbers by name: `smin`, `smax`.
    """
    height, width = values.shape[:2]
    channels = values.shape[2] if values.ndim == 3 else 1
    data = values.astype(values.dtype.newbyteorder('<')).tobytes()
    if bits == 12:
        data = bytes(int(f'{a:03x}{b:03x}'[i : i + 2], 16) for a, b in values.reshape(-1, 2) for i in (0, 2, 4))
    entries = {
        256: ('u4', [width]),
        257: ('u4', [height]),
        258: ('u2', [bits or values.itemsize * 8] * channels),
        259: ('u2', [1]),
        262: ('u2', [(2 if channels >= 3 else 1) if photometric is None else photometric]),
        273: ('u4', [8]),
        277: ('u2', [channels]),
        278: ('u4', [height]),
        279: ('u4', [len(data)]),
        339: ('u2', [_FORMATS[values.dtype.kind]] * channels),
    }
    entries |= {338: ('u2', [0] * (channels - 3))} if channels > 3 else {}
    entries |= {number: ('f8', [tags[name]]) for name, number in (('smin', 340), ('smax', 341)) if name in tags}
    data += b'\0' * (len(data) % 2)
    directory = 8 + len(data)
    beyond = directory + 2 + 12 * len(entries) + 4
    table, more = b'', b''
    for number, (kind, numbers) in sorted(entries.items()):
        packed = np.array(numbers, f'<{kind}').tobytes()
        if len(packed) > 4:
            packed, more = struct.pack('<I', beyond + len(more)), more + packed
        table += struct.pack('<HHI', number, _TYPES[kind], len(numbers)) + packed.ljust(4, b'\0')
    head = b'II*\0' + struct.pack('<I', directory)
    path.write_bytes(head + data + struct.pack('<H', len(entries)) + table + b'\0\0\0\0' + more)
    return path


def swapped_profile() -> bytes:
    """An RGB profile that is sRGB but for red and green, which it exchanges."""
    from PIL import ImageCms

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    return srgb.replace(b'rXYZ', b'----').replace(b'gXYZ', b'rXYZ').replace(b'----', b'gXYZ')


def linear_gray_profile() -> bytes:
    """A profile for grays that are proportional to light."""
    white = b'XYZ \0\0\0\0' + struct.pack('>3i', *(round(x * 65536) for x in (0.9642, 1.0, 0.8249)))
    return _profile(b'GRAY', b'XYZ ', {b'wtpt': white, b'kTRC': b'curv\0\0\0\0\0\0\0\0'})


def ink_profile() -> bytes:
    """A profile for CMYK in which cyan ink alone is seen, as black."""
    matrix = struct.pack('>9i', *(65536 if i % 4 == 0 else 0 for i in range(9)))
    ramp = bytes(range(256))
    lattice = b''.join(bytes((0 if k >= 8 else 255, 128, 128)) for k in range(16))  # the first input varies slowest
    table = b'mft1\0\0\0\0' + bytes((4, 3, 2, 0)) + matrix + ramp * 4 + lattice + ramp * 3
    white = b'XYZ \0\0\0\0' + struct.pack('>3i', *(round(x * 65536) for x in (0.9642, 1.0, 0.8249)))
    return _profile(b'CMYK', b'Lab ', {b'wtpt': white, b'A2B0': table}, kind=b'prtr')


def _profile(space, connection, tags, kind=b'scnr'):
    start = 128 + 4 + 12 * len(tags)
    table, data = struct.pack('>I', len(tags)), b''
    for name, content in tags.items():
        content = content.ljust(-(-len(content) // 4) * 4, b'\0')
        table += name + struct.pack('>II', start + len(data), len(content))
        data += content
    illuminant = struct.pack('>3i', *(round(x * 65536) for x in (0.9642, 1.0, 0.8249)))
    size = struct.pack('>I', start + len(data))
    head = size + b'\0\0\0\0' + struct.pack('>I', 0x02100000) + kind + space + connection
    head = head.ljust(36, b'\0') + b'acsp'
    return head.ljust(68, b'\0') + illuminant.ljust(60, b'\0') + table + data


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it has so many pixels and has none."""
    header = b'IHDR' + width.to_bytes(4, 'big') + height.to_bytes(4, 'big') + bytes([8, 2, 0, 0, 0])
    chunks = [header, b'IDAT', b'IEND']
    whole = [(len(chunk) - 4).to_bytes(4, 'big') + chunk + zlib.crc32(chunk).to_bytes(4, 'big') for chunk in chunks]
    return b'\x89PNG\r\n\x1a\n' + b''.join(whole)
