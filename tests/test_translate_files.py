"""`--mode=translate` with what people really have on their disks: through main.py, looking at files and sentences."""

import contextlib
import os
import re
import resource
import socket
import struct
import subprocess
import sys
import zlib

import jax.numpy as jnp
import numpy as np
import pytest
from command_line import ROOT, main
from PIL import Image, ImageCms
from saved_run import fake_run, make_config, save_images, smooth_images

from gans.image import compose, files, large_image
from gans.inference import image_files
from gans.inference import translate as module

RGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()


def tint(image, latent):
    """The image, or what of it is gray, with a little more red; and with noise another amount."""
    more = 0.2 if latent is None else 0.2 + 0.1 * latent[:, :1, None, None]
    return jnp.broadcast_to(image[..., :1], (*image.shape[:3], 3)) + more * jnp.array([1.0, 0.0, 0.0])


@pytest.fixture
def use(monkeypatch, tmp_path):
    """Makes `--mode=translate` find a run with a generator of ours."""

    def install(task, latent=0):
        trained = fake_run(tmp_path / 'run', make_config(task, tmp_path, latent=latent), tint)
        monkeypatch.setattr(module, 'load_run', lambda folder: trained)

    return install


def translate(source, target, *more):
    return main('--mode=translate', '--workdir=run', f'--input={os.fspath(source)}', f'--output={target}', *more)


def flower(seed=0, size=48):
    return Image.fromarray(smooth_images(1, size, seed)[0])


def box(size=(48, 48)):
    mask = Image.new('L', size)
    mask.paste(255, (10, 12, 30, 28))
    return mask


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file())


# Folders.


def test_a_folder_with_everything_in_it(use, tmp_path):
    """Links, pipes, sockets, devices, other files, strange names; and the results of the first call inside."""
    use('colorize')
    source, elsewhere = tmp_path / 'in', tmp_path / 'elsewhere'
    names = ['a.png', '-rf.png', '100 %s.png', 'new\nline\x1b[31m.png', 'e\N{COMBINING ACUTE ACCENT}.png']
    names += ['\N{LATIN SMALL LETTER E WITH ACUTE}.png', os.fsdecode(b'bad\xff.png'), 251 * 'n' + '.jpg']
    source.mkdir()
    for i, name in enumerate(names):
        flower(i).save(os.path.join(source, name))
    save_images(elsewhere / 'deep', smooth_images(1))
    (source / 'linked').symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / 'deep' / 'back').symlink_to(elsewhere, target_is_directory=True)
    os.mkfifo(source / 'pipe.jpg')
    os.mkfifo(source / 'pipe')
    (source / 'zero.png').symlink_to('/dev/zero')
    (source / 'self.png').symlink_to('self.png')
    (source / 'nowhere.png').symlink_to('gone.png')
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(source):
        listening.bind('socket.png')
    for i in range(12):
        (source / f'notes{i:02d}.txt').write_text('no image')
    (source / '.hidden.png').write_text('')
    out = source / 'out'
    for _ in range(2):
        code, said, err = translate(source, out)
        assert (code, err) == (0, '')
        assert said.startswith('9 of 9 images (9 files) written to ')
        assert files_in(out) == sorted([*names, 'linked/deep/00.png'])
    assert '\x1b' not in said and r'new\nline\x1b[31m.png' not in said, 'nothing to tell of it'
    text = {line.partition(':')[0]: line for line in said.splitlines()}
    assert text['Passed over, not an image'].endswith("'notes08.txt', 'notes09.txt' and 2 more.")
    assert text['Passed over, a named pipe (FIFO)'].endswith(": 'pipe', 'pipe.jpg'.")
    assert text['Passed over, a device'].endswith(": 'zero.png'.")
    assert text['Passed over, a socket'].endswith(": 'socket.png'.")
    assert "'nowhere.png'" in said and "'self.png'" in said


def test_a_photograph_that_pillow_cannot_read_is_no_file_beside_the_images(use, tmp_path):
    use('colorize')
    save_images(tmp_path / 'in', smooth_images(2))
    (tmp_path / 'in/IMG_1.HEIC').write_bytes(b'\0\0\0\x18ftypheic' + bytes(200))
    code, said, err = translate(tmp_path / 'in', tmp_path / 'out')
    assert code == 2 and "IMG_1.HEIC' is not an image that Pillow can read: convert it to PNG or JPEG" in err
    assert '2 of 3 images' in err and files_in(tmp_path / 'out') == ['00.png', '01.png']


def test_the_name_of_an_image_is_no_folder_for_results(use, tmp_path):
    use('colorize')
    save_images(tmp_path / 'in', smooth_images(1))
    code, _, err = translate(tmp_path / 'in/00.png', tmp_path / 'b.png')
    assert code == 2 and "b.png' is the name of an image: give a folder for the results." in err
    assert not (tmp_path / 'b.png').exists()


def test_strange_names_are_printed_as_escapes(use, tmp_path):
    use('colorize')
    (tmp_path / 'in').mkdir()
    for name in ('new\nline\x1b[31m.gif', os.fsdecode(b'bad\xff.gif')):
        flower().save(os.path.join(tmp_path / 'in', name))
    (tmp_path / 'in' / 'cut\r.png').write_bytes(b'\x89PNG')
    code, _, err = translate(tmp_path / 'in', tmp_path / 'out')
    assert code == 2 and err.isascii() and set(re.findall(r'[^ -~]', err)) == {'\n'}
    assert r'new\nline\x1b[31m.gif' in err and r'bad\udcff.gif' in err and r'cut\r.png' in err
    assert len(files_in(tmp_path / 'out')) == 2, 'what could be done is done'


@pytest.mark.parametrize('kind', ['device', 'pipe', 'nowhere', 'itself', 'long', 'nobody'])
def test_an_input_that_is_no_file_is_refused_at_once(use, tmp_path, kind):
    use('colorize')
    places = {name: tmp_path / f'{name}.png' for name in ('pipe', 'nowhere', 'itself')}
    places |= {'device': '/dev/zero', 'long': 'x' * 300, 'nobody': '~there-is-no-such-user/x.png'}
    os.mkfifo(places['pipe'])
    places['nowhere'].symlink_to('gone.png')
    places['itself'].symlink_to('itself.png')
    code, out, err = translate(places[kind], tmp_path / 'out')
    assert (code, out, err.count('\n')) == (2, '', 1) and str(places[kind]) in err
    told = {
        'itself': 'cannot be a path (Too many levels of symbolic links): give another.',
        'long': 'cannot be a path (File name too long): give another.',
        'nobody': 'and there is no such home folder: write it out.',
    }
    assert told.get(kind, 'give an image or a folder of images as --input.') in err


@pytest.mark.parametrize('kind', ['pipe', 'nowhere', 'file'])
def test_an_output_that_is_no_folder_is_refused(use, tmp_path, kind):
    use('colorize')
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'nowhere').symlink_to('gone')
    (tmp_path / 'file').write_text('precious')
    code, _, err = translate(save_images(tmp_path / 'in', smooth_images(1)), tmp_path / kind)
    assert (code, err.count('\n')) == (2, 1) and 'no folder: give a folder as --output' in err
    assert (tmp_path / 'file').read_text() == 'precious'


def test_too_many_pixels_are_refused_before_they_are_decoded(use, tmp_path, monkeypatch):
    use('colorize')
    monkeypatch.setattr(image_files, 'MOST_PIXELS', 48 * 48 - 1)
    flower().save(tmp_path / 'a.png')
    code, _, err = translate(tmp_path / 'a.png', tmp_path / 'out')
    assert code == 2 and 'has more than 2,303 pixels, the most that are read' in err
    monkeypatch.undo()
    use('colorize')
    write_png(tmp_path / 'b.png', 20_000, 10_000, 1, 0, zlib.compress(bytes(2501 * 10_000)))
    code, _, err = translate(tmp_path / 'b.png', tmp_path / 'out')
    assert code == 2 and 'has more than 178,956,970 pixels, the most that are read' in err


# Masks.


def test_masks_of_any_format_are_masks(use, tmp_path):
    use('inpaint')
    source = tmp_path / 'in'
    source.mkdir()
    endings = ['.png', '.PNG', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.bmp', '.gif', '']
    for i, ending in enumerate(endings):
        flower(i).save(source / f'p{i}.png')
        box().save(source / f'p{i}_mask{ending}', 'PNG' if not ending else None)
    flower().save(source / 'two.png')
    box().save(source / 'two_mask.png')
    box().save(source / 'two_mask.jpg')
    box().save(source / 'alone_mask.webp')
    flower().save(source / 'none.png')
    code, _, err = translate(source, tmp_path / 'out')
    assert code == 2
    assert files_in(tmp_path / 'out') == [f'p{i}.png' for i in range(len(endings))]
    assert f"'{source}/none.png' has no mask: paint white what is to be filled, and put it at" in err
    assert f"'{source}/two.png' has 2 masks, 'two_mask.jpg' and 'two_mask.png': leave one." in err
    assert f'10 of 12 images (10 files) written to {tmp_path}/out.' in err
    assert "Passed over, a mask without its image: 'alone_mask.webp'." in err
    inside = np.asarray(box()) > 0
    for i in range(len(endings)):
        before, after = (np.asarray(Image.open(folder / f'p{i}.png')) for folder in (source, tmp_path / 'out'))
        changed = (before != after).any(axis=-1)
        assert changed[inside].all() and not changed[~inside].any()
    code, out, _ = translate(source / 'p2.png', tmp_path / 'one')
    assert code == 0 and out.startswith('1 of 1 images')
    code, _, err = translate(source / 'p2_mask.jpg', tmp_path / 'one')
    assert code == 2 and 'is a mask: give the image that it belongs to' in err


# Names.


def test_names_as_long_as_can_be(use, tmp_path):
    """What _1 or .png makes too long is cut at a whole character; two names that differ in what is cut stay two."""
    use('colorize', latent=2)
    source = tmp_path / 'in'
    source.mkdir()
    stems = [122 * '\N{LATIN SMALL LETTER E WITH ACUTE}' + 'abcdef' + end for end in '12']  # 251 bytes
    for stem in stems:
        flower().save(source / f'{stem}.jpg')
    flower().save(source / (255 * 'x'), 'PNG')
    assert translate(source, tmp_path / 'plain').code == 0
    plain = files_in(tmp_path / 'plain')
    assert plain[:1] == [plain[0]] and re.fullmatch('x{242}~[0-9a-f]{8}.png', plain[0]) and len(plain[0]) == 255
    assert plain[1:] == [f'{stem}.jpg' for stem in stems]
    code, out, _ = translate(source, tmp_path / 'two', '--variants=2')
    names = files_in(tmp_path / 'two')
    assert code == 0 and out.startswith('3 of 3 images (6 files)') and len(names) == 6
    assert all(len(os.fsencode(name)) <= 255 for name in names)
    assert all(re.fullmatch('(x+|\N{LATIN SMALL LETTER E WITH ACUTE}+)~[0-9a-f]{8}_[12].(jpg|png)', n) for n in names)
    code, again, _ = translate(source, tmp_path / 'two', '--variants=2')
    assert code == 0 and files_in(tmp_path / 'two') == names, 'the same names in every call'


def test_files_are_written_whole_under_the_longest_names(tmp_path):
    path = tmp_path / (251 * 'x' + '.png')
    files.save_png(path, np.zeros((4, 4, 3), np.uint8))
    assert files_in(tmp_path) == [path.name]


# What files carry.


def write_png(path, width, height, bits, colour, packed):
    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits, colour, 0, 0, 0))
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', packed) + chunk(b'IEND', b''))


def write_deep_png(path, image):
    """RGB of 16 bits."""
    values = np.asarray(image).astype('>u2') * 257
    packed = zlib.compress(b''.join(b'\0' + row.tobytes() for row in values))
    write_png(path, image.width, image.height, 16, 2, packed)


def write_deep_tiff(path, image):
    """RGB of 16 bits, in one strip."""
    values = (np.asarray(image).astype('<u2') * 257).tobytes()
    tags = [(256, 3, 1, image.width), (257, 3, 1, image.height), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, 1, 14), (277, 3, 1, 3), (278, 3, 1, image.height), (279, 4, 1, len(values))]
    directory = struct.pack('<H', len(tags)) + b''.join(struct.pack('<HHII', *tag) for tag in tags) + bytes(4)
    head = struct.pack('<2sHI', b'II', 42, 14 + len(values))
    path.write_bytes(head + struct.pack('<HHH', 16, 16, 16) + values + directory)


def photograph():
    """What a camera says: on its side, when, where, with what."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0132] = 6, 'Maker', '2020:01:02 03:04:05'
    exif[0x8769] = {0x829A: (1, 125), 0xA002: 48, 0xA003: 32}
    exif[0x8825] = {1: 'N'}
    return exif.tobytes()


def write_all_that_files_carry(folder):
    folder.mkdir()
    image, others = flower(), [flower(i) for i in (1, 2)]
    write_deep_png(folder / 'deep.png', image)
    write_deep_tiff(folder / 'deep.tif', image)
    image.save(folder / 'three.tif', save_all=True, append_images=others)
    image.save(folder / 'moving.webp', save_all=True, append_images=others, lossless=True)
    image.save(folder / 'moving.png', save_all=True, append_images=others)
    image.convert('CMYK').save(folder / 'inks.tif')
    to_lab = ImageCms.buildTransform(ImageCms.createProfile('sRGB'), ImageCms.createProfile('LAB'), 'RGB', 'LAB')
    lab = ImageCms.applyTransform(image, to_lab)
    lab.info.clear()
    lab.save(folder / 'lab.tif')
    about = dict(exif=photograph(), dpi=(300, 150), icc_profile=RGB_PROFILE)
    for name in ('photo.jpg', 'photo2.png', 'photo3.webp', 'photo4.tif'):
        image.resize((48, 32)).save(folder / name, **about)
    image.save(folder / 'dots.bmp', dpi=(300, 300))
    image.save(folder / 'comment.jpg', comment='by me')
    image.convert('L').save(folder / 'wrong_profile.png', icc_profile=RGB_PROFILE)
    return folder


FRAMES = 'Of several frames, pages or sizes in the file only the first became an image'


def told(said, folder):
    """{sentence: the names it is about}."""
    lines = [line.replace(f'{folder}/', '') for line in said.splitlines() if f": '{folder}/" in line]
    return {line[: line.index(": '")]: set(re.findall("'([^']*)'", line[line.index(": '") :])) for line in lines}


def test_what_a_file_carries_is_kept_or_told(use, tmp_path):
    use('colorize')
    source = write_all_that_files_carry(tmp_path / 'in')
    code, said, _ = translate(source, tmp_path / 'out')
    assert code == 0 and files_in(tmp_path / 'out') == files_in(source)
    assert told(said, source) == {
        '16 bits per value became 8': {'deep.png', 'deep.tif'},
        FRAMES: {'three.tif', 'moving.webp', 'moving.png'},
        'CMYK became RGB': {'inks.tif'},
        'LAB became RGB': {'lab.tif'},
        'Left out: ICC profile': {'wrong_profile.png'},
        'Left out: texts or XMP': {'comment.jpg'},
    }
    for name in ('photo.jpg', 'photo2.png', 'photo3.webp', 'photo4.tif'):
        with Image.open(tmp_path / 'out' / name) as image:
            exif = image.getexif()
            assert image.size == (32, 48), 'upright'
            assert 0x0112 not in exif and (exif[0x010F], exif[0x0132]) == ('Maker', '2020:01:02 03:04:05')
            assert exif.get_ifd(0x8769) == {0x829A: (1, 125)} and exif.get_ifd(0x8825) == {1: 'N'}
            assert image.info['icc_profile'] == RGB_PROFILE
            if not name.endswith('.webp'):
                np.testing.assert_allclose([float(n) for n in image.info['dpi']], (150, 300), atol=0.1)
    with Image.open(tmp_path / 'out' / 'dots.bmp') as image:
        np.testing.assert_allclose(image.info['dpi'], (300, 300), atol=0.1)


def test_inpainting_keeps_what_is_outside_or_says_so(use, tmp_path):
    use('inpaint')
    source = write_all_that_files_carry(tmp_path / 'in')
    for path in list(source.iterdir()):
        size = (32, 48) if path.name.startswith('photo') else (48, 48)
        box(size).save(path.with_name(f'{path.stem}_mask.png'))
    (source / 'deep.tif').rename(source / 'deeper.tif')
    box().save(source / 'deeper_mask.png')
    code, _, err = translate(source, tmp_path / 'out')
    refused = {'deep.png', 'deeper.tif'}
    assert (
        code == 2
        and set(files_in(tmp_path / 'out'))
        == {p.name.replace('.jpg', '.png') for p in source.iterdir() if '_mask' not in p.name} - refused
    )
    for name in refused:
        assert f"'{source}/{name}' has colours of 16 bits per value, which cannot be kept outside the mask:" in err
    assert told(err, source) == {
        FRAMES: {'three.tif', 'moving.webp', 'moving.png'},
        'Became PNG, since the format of the file cannot hold the result': {'photo.jpg', 'comment.jpg'},
        'CMYK became RGB': {'inks.tif'},
        'LAB became RGB': {'lab.tif'},
        'Left out: ICC profile': {'wrong_profile.png'},
        'Left out: texts or XMP': {'comment.jpg'},
    }


def test_twelve_bits_are_kept(use, tmp_path):
    """A scanner's TIFF: white is 4095, and what is filled in has that scale too."""
    use('inpaint')
    values = np.tile(np.linspace(0, 4095, 48).astype(np.uint16), (48, 1))
    packed = b''.join(bytes((a >> 4, (a & 15) << 4 | b >> 8, b & 255)) for a, b in values.reshape(-1, 2).tolist())
    tags = [(256, 3, 1, 48), (257, 3, 1, 48), (258, 3, 1, 12), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]
    tags += [(277, 3, 1, 1), (278, 3, 1, 48), (279, 4, 1, len(packed))]
    directory = struct.pack('<H', len(tags)) + b''.join(struct.pack('<HHII', *tag) for tag in tags) + bytes(4)
    (tmp_path / 'a.tif').write_bytes(struct.pack('<2sHI', b'II', 42, 8 + len(packed)) + packed + directory)
    box().save(tmp_path / 'a_mask.png')
    assert translate(tmp_path / 'a.tif', tmp_path / 'out').code == 0
    result, inside = np.asarray(Image.open(tmp_path / 'out' / 'a.tif')), np.asarray(box()) > 0
    np.testing.assert_array_equal(result[~inside], values[~inside])
    # The mean of the border, and a luma of 0.299 * 0.2 / 2 more.
    assert result[inside].mean() == pytest.approx(values[inside].mean() + 122, abs=200)


def test_a_negative_of_sixteen_bits_is_read_as_what_it_shows(use, tmp_path):
    """A TIFF whose white is zero: the result shows the same image."""
    use('inpaint')
    values = np.tile(np.linspace(0, 65535, 48).astype(np.uint16), (48, 1))
    Image.fromarray(values).save(tmp_path / 'a.tif', tiffinfo={262: 0})
    content = (tmp_path / 'a.tif').read_bytes()
    entry = struct.pack('<HHI', 262, 3, 1)
    assert content.count(entry) == 1
    (tmp_path / 'a.tif').write_bytes(content.replace(entry + b'\1', entry + b'\0'))
    box().save(tmp_path / 'a_mask.png')
    assert translate(tmp_path / 'a.tif', tmp_path / 'out').code == 0
    result, inside = np.asarray(Image.open(tmp_path / 'out' / 'a.tif')), np.asarray(box()) > 0
    np.testing.assert_array_equal(result[~inside], 65535 - values[~inside])


@pytest.mark.parametrize(
    ('name', 'kind'), [('a.jpg', 'transparency'), ('a.bmp', 'transparency'), ('a.webp', '16 bits')]
)
def test_a_file_that_is_not_what_its_name_says(use, tmp_path, name, kind):
    use('inpaint')
    image = flower()
    image.putalpha(box())
    if kind == '16 bits':
        image = Image.fromarray(np.full((48, 48), 1000, np.uint16))
    image.save(tmp_path / name, 'PNG')
    box().save(tmp_path / 'a_mask.png')
    code, out, err = translate(tmp_path / name, tmp_path / 'out')
    if name == 'a.jpg':
        assert code == 0 and files_in(tmp_path / 'out') == ['a.png']
    else:
        assert (code, out) == (2, '') and f'its format cannot hold {kind}' in err and not (tmp_path / 'out').exists()


# Disks.


def test_a_write_that_fails_half_way_leaves_nothing(use, tmp_path):
    """A limit on the size of files, so that the system itself refuses, in the middle of a PNG and of a JPEG."""
    use('colorize')
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    source = save_images(tmp_path / 'in', [noise, *smooth_images(1, 16)])
    Image.fromarray(noise).save(source / 'b.jpg', quality=95)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        code, _, err = translate(source, tmp_path / 'out')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == 2 and '1 of 3 images (1 files)' in err
    for name in ('00.png', 'b.jpg'):
        assert f"Cannot write '{tmp_path}/out/{name}' (the file would be larger than allowed" in err
    assert files_in(tmp_path / 'out') == ['01.png']


def test_a_full_disk_ends_the_call(use, tmp_path, monkeypatch):
    """/dev/full in the place of every file but the first: the others would fail too."""
    use('colorize')
    source = save_images(tmp_path / 'in', smooth_images(4))
    whole_file = image_files.whole_file
    monkeypatch.setattr(
        image_files,
        'whole_file',
        lambda path: whole_file(path) if path.name == '00.png' else contextlib.nullcontext('/dev/full'),
    )
    code, _, err = translate(source, tmp_path / 'out')
    assert code == 2 and err.splitlines() == [
        f"Cannot write '{tmp_path}/out/01.png' (the disk is full: free some space).",
        f'1 of 4 images (1 files) written to {tmp_path}/out.',
    ]
    assert files_in(tmp_path / 'out') == ['00.png']


def test_a_result_is_there_whole_or_not_at_all(use, tmp_path, monkeypatch):
    use('colorize')
    source = save_images(tmp_path / 'in', smooth_images(2))
    save = Image.Image.save

    def interrupted(image, file, *rest, **options):
        save(image, file, *rest, **options)
        if saved:
            file.flush()
            raise KeyboardInterrupt
        saved.append(file)

    saved = []
    monkeypatch.setattr(Image.Image, 'save', interrupted)
    with pytest.raises(KeyboardInterrupt):
        module.translate('run', source, tmp_path / 'out')
    assert files_in(tmp_path / 'out') == ['00.png']


# Memory.


@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'L', 'LA', 'I;16'])
@pytest.mark.parametrize('task', ['colorize', 'inpaint'])
def test_strips_make_no_difference(use, tmp_path, monkeypatch, task, mode):
    """An image in windows of four rows is what it is in one go, up to a rounding here and there."""
    use(task, latent=2)
    soft = flower(3, 150).resize((211, 157))
    image = soft.convert(mode.replace('I;16', 'L'))
    if 'A' in mode:
        image.putalpha(flower(4, 150).convert('L').resize((211, 157)))
    if mode == 'I;16':
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 250 + 77)
    image.save(tmp_path / 'a.png')
    mask = box((211, 157))
    mask.paste(255, (0, 100, 211, 157))
    mask.paste(0, (50, 110, 120, 140))
    mask.save(tmp_path / 'a_mask.png')
    results = []
    for window in (2**30, 1000):
        monkeypatch.setattr(large_image, 'WINDOW', window)
        assert translate(tmp_path / 'a.png', tmp_path / str(window), '--variants=2').code == 0
        results.append([np.asarray(Image.open(tmp_path / str(window) / f'a_{k}.png')).astype(int) for k in (1, 2)])
    off = np.abs(np.subtract(*results))
    assert off.max() <= (257 if mode == 'I;16' and task == 'inpaint' else 1) and (off > 0).mean() < 1e-3
    assert (results[0][0] != results[0][1]).any()


def test_a_image_is_what_it_is_as_a_whole(use, tmp_path, monkeypatch):
    """The colours, worked out in floats over the whole image; the file is opened once."""
    use('colorize')
    opened, image_open = [], Image.open
    monkeypatch.setattr(Image, 'open', lambda file: opened.append(file) or image_open(file))
    rgb = np.asarray(flower(5, 300).resize((611, 400)))
    Image.fromarray(rgb).save(tmp_path / 'a.png')
    assert translate(tmp_path / 'a.png', tmp_path / 'out').code == 0
    assert len(opened) == 1
    gray = compose.luma(rgb / 127.5 - 1)
    small = Image.fromarray(gray[..., 0]).resize((64, 42), Image.Resampling.LANCZOS)
    shown = np.asarray(small)[..., None] + 0.2 * np.array([1.0, 0, 0])
    planes = [Image.fromarray(p.astype(np.float32)) for p in np.moveaxis(np.clip(shown, -9, 9), -1, 0)]
    colours = np.stack([np.asarray(p.resize((611, 400), Image.Resampling.BICUBIC)) for p in planes], axis=-1)
    wanted = compose.quantise(compose.keep_luma(gray, colours)).astype(int)
    assert np.abs(np.asarray(Image.open(tmp_path / 'out' / 'a.png')) - wanted).max() <= 1


MEMORY = """
import resource, sys
from pathlib import Path
import jax.numpy as jnp
from PIL import Image
from command_line import main
from saved_run import fake_run, make_config
from gans.inference import translate

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

folder, peaks = Path(sys.argv[1]), []
for size in ((64, 64), (4000, 3000)):
    image, mask = Image.radial_gradient('L').resize(size).convert('RGB'), Image.new('L', size)
    mask.paste(255, (size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2))
    for name, made in (('a.png', image), ('b.jpg', image), ('a_mask.png', mask), ('b_mask.png', mask)):
        made.save(folder / name)
    del image, mask, made
    for task in ('colorize', 'inpaint'):
        run = fake_run(folder, make_config(task, folder, latent=0), lambda x, _: jnp.repeat(x[..., :1], 3, -1))
        translate.load_run = lambda folder: run
        for name in ('a.png', 'b.jpg'):
            done = main('--mode=translate', '--workdir=run', f'--input={folder / name}', f'--output={folder / "out"}')
            assert done.code == 0, done.err
    peaks.append(peak())
print((peaks[1] - peaks[0]) / 12e6)
"""


def test_memory_is_at_most_twelve_bytes_per_pixel(tmp_path):
    """Colorizing and inpainting a PNG and a JPEG of 12 million pixels, above what one of 64 x 64 takes."""
    done = subprocess.run(
        [sys.executable, '-c', MEMORY, str(tmp_path)],
        env=os.environ | {'PYTHONPATH': f'{ROOT}:{ROOT / "tests"}'},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= 12
