"""Training on files that anybody may have made, through the command line: what comes out, and in which sentence."""

import gzip
import logging
import os
import random
import socket
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from command_line import config, main
from odd_files import swapped_profile, tiff
from PIL import Image

from gans.data import cache, source
from gans.data.cache import keep
from gans.data.sources.folder import open_source
from gans.image.grids import tiles

SIDE = 32
SHORT = ('--config.devices=1', '--config.steps=1', '--config.log.grids=1')


@pytest.fixture(autouse=True)
def own_log():
    """Training adds a handler for log.txt to the root logger, which outlives it in this process."""
    before = list(logging.getLogger().handlers)
    yield
    for handler in set(logging.getLogger().handlers) - set(before):
        logging.getLogger().removeHandler(handler)
        handler.close()


def train(place, run, *more):
    return main(
        config('colorize:tiny'), '--config.data.source=folder', f'--config.data.folder.path={place}',
        f'--workdir={run}', *SHORT, *more,
    )  # fmt: skip


def asked(place, *more):
    """The answer of a dry run, which opens the images."""
    return main(
        config('colorize:tiny'), '--config.data.source=folder', f'--config.data.folder.path={place}', '--dry_run',
        '--config.devices=1', *more,
    )  # fmt: skip


def mnist(place, *more):
    return main(
        config('mnist:tiny'), '--config.data.source=mnist', f'--config.data.mnist.path={place}', '--dry_run',
        '--config.devices=1', *more,
    )  # fmt: skip


def originals(run):
    """The held-out images that a run shows before its first step, uint8 [N, H, W, 3]."""
    rows = tiles(np.asarray(Image.open(run / 'samples' / 'step_000000.png')), (SIDE, SIDE))
    return rows[-1]


def log_of(run):
    return (run / 'log.txt').read_text()


def plant(folder, count=12, first=0):
    """Noise, all different."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        noise = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        Image.fromarray(noise).save(folder / f'{number:03}.png')
    return folder


def with_corner(values, corner):
    """The same, but for one value."""
    values = values.copy()
    values[0, 0] = corner
    return values


@pytest.mark.parametrize('white, over', [(1.0, 1.0005), (255.0, 255.4)])
def test_what_float_and_deep_files_show_is_what_was_in_them(tmp_path, white, over):
    """All files are of one gray, 102 of 255, but for a corner that overshoots."""
    folder = tmp_path / 'in'
    folder.mkdir()
    gray = np.full((SIDE, SIDE), 0.4)
    for i in range(6):
        tiff(folder / f'{i}.tif', with_corner(np.float32(gray * white), over - i / 1e4))
        tiff(folder / f'deep {i}.tif', with_corner(np.uint16(gray * 65535), i))
        tiff(folder / f'12 {i}.tif', with_corner(np.uint16(gray * 4095), i), bits=12)
        tiff(folder / f'inverse {i}.tif', with_corner(np.uint16(0.6 * 65535 + 0 * gray), i), photometric=0)
    done = train(folder, tmp_path / 'run', '--config.data.held_out=0.9', '--config.log.grid_images=24')
    assert done.code == 0, done.err
    shown = originals(tmp_path / 'run')
    assert len(shown) >= 18 and (np.abs(np.median(shown, axis=(1, 2, 3)) - 102) <= 1).all()
    assert "24 with more than 8 bits per channel, reduced to 8 ('" in log_of(tmp_path / 'run')


def test_values_that_may_mean_anything_are_refused_by_name(tmp_path):
    gray = np.full((SIDE, SIDE), 0.4, np.float32)
    odd = {
        'nan': (with_corner(gray, np.nan), '1 of 1024 values that are no numbers'),
        'hdr': (with_corner(gray, 17.5), 'floats from 0.4 to 17.5'),
        'signed': (np.int16(gray * 100), 'signed integers of 16 bits'),
        'long': (np.uint32(gray * 255), 'integers of 32 bits'),
        'signed bytes': (np.int8(gray * 100), 'signed values'),
    }
    for name, (values, words) in odd.items():
        folder = plant(tmp_path / name, 3)
        tiff(folder / f'{name}.tif', values)
        answer = asked(folder)
        assert answer.code == 2 and f"{folder}/{name}.tif'" in answer.err and words in answer.err, answer.err
        assert len(answer.err.strip().splitlines()) == 1
    left = asked(tmp_path, '--config.data.folder.skip_bad=True')
    assert left.code == 0 and f"15 images (5 bad ones skipped ('{tmp_path}/hdr/hdr.tif'))" in left.out
    # Neighbours that cannot both be right.
    both = plant(tmp_path / 'both', 2)
    tiff(both / 'unit.tif', gray)
    tiff(both / 'whole.tif', np.rint(gray * 250))
    answer = asked(both)
    assert answer.code == 2 and "unit.tif' has values from 0 to 1 but" in answer.err and 'from 0 to 255' in answer.err


def test_what_files_carry_is_applied_or_told(tmp_path):
    """Images of pure red, one way or another: in the end all are red."""
    folder = tmp_path / 'in'
    folder.mkdir()
    red, green = (Image.new('RGB', (SIDE, SIDE), colour) for colour in ((255, 0, 0), (0, 255, 0)))
    for i in range(8):
        red.putpixel((0, 0), (255, i, 0))
        green.putpixel((0, 0), (i, 255, 0))
        red.save(folder / f'pages {i}.tif', save_all=True, append_images=[green.copy(), green.copy()])
        red.save(folder / f'film {i}.gif', save_all=True, append_images=[green])
        green.save(folder / f'profile {i}.png', icc_profile=swapped_profile())
        deep = np.uint16(np.asarray(red)) * 257
        tiff(folder / f'deep {i}.tif', deep)
        tiff(folder / f'extra {i}.tif', np.concatenate([np.asarray(red), np.asarray(green)[..., :2]], axis=-1))
    run = tmp_path / 'run'
    done = train(folder, run, '--config.data.held_out=0.9', '--config.log.grid_images=40')
    assert done.code == 0, done.err
    shown = np.median(originals(run), axis=(1, 2))
    assert len(shown) >= 30 and (np.abs(shown - (255, 0, 0)) <= 2).all()
    for words in (
        "16 with more than one frame, page or layer, of which the first is used (layers: merged) ('",
        "8 with an ICC profile other than sRGB, converted to sRGB ('",
        "8 with more than 8 bits per channel, reduced to 8 ('",
        "8 with extra channels, left out ('",
    ):
        assert words in log_of(run)
    assert f"'{folder}/film 0.gif'" in log_of(run)


def plant_irregular(folder):
    os.mkfifo(folder / 'pipe.png')
    (folder / 'endless.png').symlink_to('/dev/zero')
    (folder / 'itself.png').symlink_to('itself.png')
    (folder / 'nowhere.png').symlink_to('gone.png')
    (folder / 'up').symlink_to('..')
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(folder)  # a socket's path may have 107 bytes
        listening.bind('socket.png')
        os.chdir(here)


def test_what_is_no_regular_file_is_passed_over_and_named(tmp_path):
    folder = plant(tmp_path / 'in', 8)
    plant(tmp_path, 2)  # beside it, which `up` leads to
    plant_irregular(folder)
    done = train(folder, tmp_path / 'run')
    assert done.code == 0, done.err
    for words in (
        "8 images (no regular files: 'endless.png' (a device), 'itself.png' (a link that leads nowhere or to itself)",
        "'nowhere.png' (a link that leads nowhere or to itself), 'pipe.png' (a named pipe (FIFO))",
        "'socket.png' (a socket), and 1 more",
    ):
        assert words in log_of(tmp_path / 'run'), log_of(tmp_path / 'run')
    for place, words in (('pipe.png', 'a named pipe'), ('endless.png', 'a device'), ('socket.png', 'a socket')):
        answer = asked(folder / place)
        assert answer.code == 2 and words in answer.err
        answer = mnist(folder / place)
        assert answer.code == 2 and words in answer.err


def test_a_fifo_that_takes_a_file_s_place_hangs_nothing(tmp_path, monkeypatch):
    """Between listing and reading, and between looking and opening."""
    folder = plant(tmp_path / 'in', 4)
    victim = folder / '002.png'

    def swap():
        victim.unlink()
        os.mkfifo(victim)

    opened = os.open

    def open_late(path, *arguments, **options):
        if os.fspath(path) == str(victim) and victim.is_file():
            swap()
        return opened(path, *arguments, **options)

    monkeypatch.setattr(os, 'open', open_late)
    answer = asked(folder)
    assert answer.code == 2 and "002.png' is a named pipe (FIFO), not a regular file" in answer.err


def zip_of(path, contents, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, 'w', compression) as archive:
        for name, content in contents:
            archive.writestr(name, content)
    return path


def pngs(folder, names):
    return [(name, path.read_bytes()) for name, path in zip(names, sorted(folder.glob('*.png')), strict=False)]


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_zips_are_read_whatever_is_in_them(tmp_path):
    plant(tmp_path / 'in', 8)
    names = ['/etc/a.png', '../b.png', 'c.png', 'C.png', 'd\n\x1b[31m.png', 'e.png', 'same.png', 'same.png']
    path = zip_of(tmp_path / 'odd.zip', pngs(tmp_path / 'in', names))
    link = zipfile.ZipInfo('link.png')
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr(link, b'/etc/passwd')
        with archive.open(zipfile.ZipInfo('long.png'), 'w', force_zip64=True) as file:
            file.write((tmp_path / 'in' / '000.png').read_bytes())
    done = train(path, tmp_path / 'run')
    assert done.code == 0, done.err
    assert "8 images (no regular files: 'link.png' (a link), 1 names more than once" in log_of(tmp_path / 'run')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['in', 'odd.zip', 'run']
    # A name that would colour the terminal is shown, not sent.
    zip_of(tmp_path / 'names.zip', [('d\n\x1b[31m.png', b'no image')])
    answer = asked(tmp_path / 'names.zip')
    assert answer.code == 2 and '\x1b' not in answer.err and r'd\n\x1b[31m.png' in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_names_that_are_no_utf_8_are_named(tmp_path):
    folder = plant(tmp_path / 'in', 6)
    name = os.fsencode(folder) + b'/\xff\n.png'
    with open(name, 'wb') as file:
        file.write(b'no image')
    answer = asked(folder)
    assert answer.code == 2 and r"\udcff\n.png' is not an image" in answer.err
    done = train(folder, tmp_path / 'run', '--config.data.folder.skip_bad=True')
    assert (
        done.code == 0
        and r"1 bad ones skipped ('" in log_of(tmp_path / 'run')
        and r'\udcff' in log_of(tmp_path / 'run')
    )


class Zeros:
    """`size` bytes of nothing for zipfile to pack, without having them."""

    def __init__(self, size):
        self.left = size

    def read(self, count):
        count = min(count, self.left)
        self.left -= count
        return bytes(count)


def bomb(path, size, declared=None, compression=zipfile.ZIP_DEFLATED):
    """A zip with zeros in it, which may declare less."""
    with zipfile.ZipFile(path, 'w', compression) as archive, archive.open('a.png', 'w', force_zip64=True) as file:
        zeros = Zeros(size)
        while chunk := zeros.read(2**20):
            file.write(chunk)
    if declared is not None:
        content = bytearray(path.read_bytes())
        at = content.rfind(b'PK\x01\x02')
        content[at + 24 : at + 28] = struct.pack('<I', declared)
        path.write_bytes(content)
    return path


def peak_of(function):
    """(what it returns, the most MiB that Python had in use meanwhile)."""
    tracemalloc.start()
    try:
        return function(), tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    'declared, compression',
    [(None, zipfile.ZIP_DEFLATED), (1000, zipfile.ZIP_DEFLATED), (None, zipfile.ZIP_LZMA), (2**26, zipfile.ZIP_BZIP2)],
)
def test_zips_are_not_unpacked_further_than_the_limit(tmp_path, declared, compression):
    path = bomb(tmp_path / 'bomb.zip', 2**28, declared, compression)
    assert path.stat().st_size < 2**19
    answer, peak = peak_of(lambda: asked(path, '--config.data.max_bytes=8000000'))
    assert answer.code == 2 and 'a.png' in answer.err
    assert ('--config.data.max_bytes' in answer.err) == (declared != 1000)
    assert peak < 120


def test_the_limits_hold_for_every_source_and_may_change_in_a_run(tmp_path):
    folder = plant(tmp_path / 'in', 8)
    run = tmp_path / 'run'
    assert train(folder, run).code == 0
    packed = zip_of(tmp_path / 'in.zip', pngs(folder, 'abcdefgh'))
    for place in (folder, packed):
        for limit, words in (('max_bytes=3000', 'more than 3,000 bytes'), ('max_pixels=1000', '32x32 pixels')):
            answer = train(place, tmp_path / 'none', f'--config.data.{limit}')
            assert answer.code == 2 and words in answer.err and f'--config.data.{limit.split("=")[0]}' in answer.err
    assert not (tmp_path / 'none').exists()
    gone_on = train(folder, run, '--config.steps=2', '--config.data.max_bytes=4000', '--config.data.max_pixels=1024')
    assert gone_on.code == 0, gone_on.err
    for limit in ('max_bytes', 'max_pixels'):
        assert asked(folder, f'--config.data.{limit}=0').code == 2


def test_large_files_are_held_by_one_thread_at_a_time(tmp_path):
    folder = plant(tmp_path / 'in', 8)
    for path in folder.glob('*.png'):
        with open(path, 'r+b') as file:
            file.truncate(2**24 + 2**20)
    (folder / 'last.png').write_bytes(b'no image')
    answer, peak = peak_of(lambda: asked(folder))
    assert answer.code == 2 and "last.png' is not an image" in answer.err and '(1 of' not in answer.err
    assert peak < 3 * 17


def test_a_header_of_many_pixels_is_refused_before_decoding(tmp_path):
    folder = plant(tmp_path / 'in', 3)
    with open(folder / 'wide.pgm', 'wb') as file:
        file.write(b'P5 100000 100000 255\n')
    answer, peak = peak_of(lambda: asked(folder))
    assert answer.code == 2 and "wide.pgm' has more than 178,956,970 pixels" in answer.err and peak < 64
    assert '--config.data.max_pixels' in answer.err


def test_the_files_of_mnist_keep_the_limits(tmp_path):
    with gzip.open(tmp_path / 'train-images-idx3-ubyte.gz', 'wb') as file:
        file.write(bytes((0, 0, 8, 3)) + struct.pack('>3I', 2**18, 28, 28))
        for _ in range(2**8):
            file.write(bytes(2**20))
    limit = '--config.data.max_bytes=8000000'
    answer, peak = peak_of(lambda: mnist(tmp_path, limit))
    assert answer.code == 2 and 'more than 8,000,000 bytes (unpacked)' in answer.err and peak < 64
    assert len(answer.err.strip().splitlines()) == 1
    # An array that declares more than there is: numpy would make room for it.
    header = str({'descr': '|u1', 'fortran_order': False, 'shape': (2**40, 28, 28)}).ljust(117) + '\n'
    npy = b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode()
    answer, peak = peak_of(lambda: mnist(zip_of(tmp_path / 'wide.npz', [('x_train.npy', npy)])))
    assert answer.code == 2 and 'damaged or cut off (its length is not what it says)' in answer.err and peak < 64
    np.savez(
        tmp_path / 'large.npz', x_train=np.arange(2**16).repeat(256).astype('<u2').view(np.uint8).reshape(-1, 16, 16)
    )
    answer = mnist(tmp_path / 'large.npz', limit)
    assert answer.code == 2 and "large.npz/x_train' has more than 8,000,000 bytes" in answer.err
    answer = mnist(tmp_path / 'large.npz', '--config.data.max_pixels=255')
    assert answer.code == 2 and '16x16 pixels' in answer.err


@pytest.mark.parametrize('how', ['gone', 'another', 'cut off'])
def test_files_that_change_while_training_goes_on_are_named(tmp_path, monkeypatch, how):
    folder = plant(tmp_path / 'in', 8)
    parted = source.split

    def part_and_change(images, held_out):
        for path in folder.glob('*.png'):
            if how == 'gone':
                path.unlink()
            elif how == 'cut off':
                path.write_bytes(path.read_bytes()[:100])
            else:
                plant(folder, 8, first=100)
                for i, other in enumerate(sorted(folder.glob('1*.png'))):
                    other.rename(folder / f'{i:03}.png')
                break
        return parted(images, held_out)

    monkeypatch.setattr('gans.run.experiment.split', part_and_change)
    monkeypatch.setattr('gans.run.experiment._remembered', lambda images: images)
    answer = train(folder, tmp_path / 'run')
    assert answer.code == 2 and f"'{folder}/00" in answer.err
    assert {'gone': 'is gone', 'another': 'has changed', 'cut off': 'has changed'}[how] in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_the_decoded_cache_never_shows_another_image(tmp_path, monkeypatch):
    """A is open, B makes room for itself by removing A, A ends, A is opened again; then its file is damaged."""
    a, b = plant(tmp_path / 'a', 12), plant(tmp_path / 'b', 12, first=50)
    folder = tmp_path / 'cache'
    monkeypatch.setenv('GANS_DECODED', str(folder))
    monkeypatch.setattr(cache, '_DISK', 12 * SIDE * SIDE * 3 + 2000)
    held = keep(open_source((SIDE, SIDE), 0, str(a)), folder)
    held.gather(np.arange(12))
    assert train(b, tmp_path / 'b_run').code == 0
    assert len(list(folder.glob('*.images'))) == 1
    del held
    planted = {np.asarray(Image.open(path)).tobytes() for path in a.glob('*.png')}
    for run in ('again', 'damaged'):
        assert train(a, tmp_path / run).code == 0
        shown = originals(tmp_path / run)
        assert len(shown) and all(image.tobytes() in planted for image in shown)
        (kept,) = folder.glob('*.images')
        kept.write_bytes(random.Random(0).randbytes(kept.stat().st_size))
