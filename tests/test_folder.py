"""Folders and zips as people have them: nested, untidy, with a few bad files."""

import concurrent.futures
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gans.data import files
from gans.data.source import split
from gans.data.sources import folder
from gans.errors import UserError

SHAPE = (6, 8)


def image(number, size=SHAPE):
    return np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)


def save(root, name, number, size=SHAPE):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image(number, size)).save(path, 'PNG')
    return path


def write(root, name, content):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def open_it(path, shape=SHAPE, **options):
    return folder.open_source(shape, 0, str(path), **options)


def zipped(root, to):
    """Packs a folder in the reverse order of its names: a zip has an order of its own."""
    with zipfile.ZipFile(to, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a folder/', b'')
        for path in sorted(root.rglob('*'), reverse=True):
            if path.is_file():
                archive.write(path, path.relative_to(root).as_posix())
    return to


@pytest.fixture
def untidy(tmp_path):
    """Five images, and what else lies about."""
    root = tmp_path / 'untidy'
    for number, name in enumerate(['B.PNG', 'a/2.jpeg', 'a/10.png', 'c/d/deep.webp', 'no extension']):
        save(root, name, number)
    for name in [
        '.DS_Store',
        '.hidden.png',
        '.git/x.png',
        '__MACOSX/a/._2.jpeg',
        '__MACOSX/2.jpeg',
        'a/Thumbs.db',
        'labels.csv',
        'README.md',
        'LICENSE',
        'c/notes.TXT',
        'c/desktop.ini',
    ]:
        write(root, name, b'no image')
    return root


def test_images_are_found_at_any_depth_in_the_order_of_their_paths(untidy):
    source = open_it(untidy)
    names = [Path(name).relative_to(untidy).as_posix() for name in source.names]
    assert names == ['B.PNG', 'a/10.png', 'a/2.jpeg', 'c/d/deep.webp', 'no extension']
    for i, number in enumerate([0, 2, 1, 3, 4]):
        assert source[i].dtype == np.uint8 and np.array_equal(source[i], image(number))
    assert source.where == f"folder '{untidy}': 5 images (6 other files passed over)"


def test_a_zip_is_like_its_folder(untidy, tmp_path):
    unpacked = open_it(untidy)
    packed = open_it(zipped(untidy, tmp_path / 'x.zip'))
    assert packed.where.startswith(f"zip '{tmp_path / 'x.zip'}': 5 images") and len(packed) == len(unpacked) == 5
    for i in range(5):
        assert np.array_equal(packed[i], unpacked[i]) and packed.key(i) == unpacked.key(i)
    assert packed.names[1] == f'{tmp_path / "x.zip"}/a/10.png'


@pytest.mark.parametrize('kind', ['folder', 'zip'])
def test_threads_read_the_right_images(tmp_path, kind):
    root = tmp_path / 'many'
    for number in range(20):
        save(root, f'{number:02}.png', number)
    source = open_it(root if kind == 'folder' else zipped(root, tmp_path / 'x.zip'))
    order = np.random.default_rng(0).integers(0, 20, 400).tolist()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for i, read in zip(order, pool.map(source.__getitem__, order), strict=True):
            assert np.array_equal(read, image(i))


def test_copies_have_one_key_and_fall_on_one_side(tmp_path):
    for number in range(60):
        for copy in ('first', 'second'):
            save(tmp_path, f'{copy}/{number if copy == "first" else 99 - number:02}.png', number)
    source = open_it(tmp_path)
    assert len({source.key(i) for i in range(120)}) == 60
    train_ids, test_ids = split(source)
    assert len(test_ids) and not {source.key(i) for i in train_ids} & {source.key(i) for i in test_ids}
    before = {source.key(i) for i in test_ids}
    for number in range(100, 130):
        save(tmp_path, f'0 new/{number}.png', number)
    source = open_it(tmp_path)
    assert before <= {source.key(i) for i in split(source)[1]}


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    save(tmp_path, 'birds/a.png', 0)
    assert len(open_it('~/birds')) == 1


def test_names_are_sorted_alike_on_machines_that_decompose_accents(tmp_path):
    for number, name in enumerate(['e\u0301.png', 'z.png', '\u00e8.png']):  # e + acute; z; e grave in one piece
        save(tmp_path, name, number)
    source = open_it(tmp_path)
    assert [Path(name).name for name in source.names] == ['z.png', '\u00e8.png', '\u00e9.png']
    assert np.array_equal(source[2], image(0))


def test_links_to_folders_are_followed_once(tmp_path):
    save(tmp_path / 'elsewhere', 'b.png', 1)
    save(tmp_path / 'root', 'a.png', 0)
    (tmp_path / 'root' / 'link').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'root' / 'loop').symlink_to(tmp_path / 'root')
    assert [Path(name).name for name in open_it(tmp_path / 'root').names] == ['a.png', 'b.png']


def test_fit_and_upscale_reach_the_decoder(tmp_path):
    save(tmp_path, 'a.png', 0, (12, 32))
    squeezed, cropped = (open_it(tmp_path, fit=how)[0] for how in ('resize', 'crop'))
    assert squeezed.shape == cropped.shape == (6, 8, 3) and not np.array_equal(squeezed, cropped)
    assert open_it(tmp_path, (24, 24), upscale=True)[0].shape == (24, 24, 3)
    with pytest.raises(UserError, match="no fit 'squeeze'"):
        open_it(tmp_path, fit='squeeze')


def test_small_images_are_found_at_opening(tmp_path):
    save(tmp_path, 'a.png', 0)
    save(tmp_path, 'b.png', 1, (5, 8))
    with pytest.raises(UserError, match=r"b.png' has 8x5 pixels .*--config.size.*upscale=True"):
        open_it(tmp_path)
    source = open_it(tmp_path, skip_bad=True)
    assert len(source) == 1 and '1 bad ones skipped' in source.where


def test_turned_images_are_measured_as_they_are_shown(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored as 6 x 8, shown as 8 x 6
    Image.fromarray(image(0, SHAPE)).save(tmp_path / 'a.png', exif=exif)
    assert open_it(tmp_path, (8, 6))[0].shape == (8, 6, 3)
    with pytest.raises(UserError, match='6x8 pixels'):
        open_it(tmp_path, (6, 8))


@pytest.mark.parametrize('kind', ['folder', 'zip'])
def test_bad_files_are_named_or_skipped(untidy, tmp_path, kind):
    write(untidy, 'a/0 broken.jpg', b'not a jpeg at all')
    write(untidy, 'photo.heic', b'unknown to Pillow')
    path = untidy if kind == 'folder' else zipped(untidy, tmp_path / 'x.zip')
    with pytest.raises(UserError, match=r"a/0 broken.jpg' is not an image.*\(2 of the 7 files have problems.\)"):
        open_it(path)
    source = open_it(path, skip_bad=True)
    assert len(source) == 5 and '2 bad ones skipped' in source.where
    assert np.array_equal(source[2], image(1))


def test_cut_off_images_are_named_when_read_and_skipped_at_opening(tmp_path):
    save(tmp_path, 'a.png', 0)
    whole = save(tmp_path, 'b.png', 1, (64, 64)).read_bytes()
    write(tmp_path, 'b.png', whole[: len(whole) // 2])
    source = open_it(tmp_path)
    with pytest.raises(UserError, match="b.png' is damaged or cut off"):
        source[1]
    with pytest.raises(UserError, match='replace it or remove it, and begin anew'):  # no run goes on with other images
        source[1]
    assert len(open_it(tmp_path, skip_bad=True)) == 1


def test_a_zip_without_its_end_is_told_from_what_is_none(tmp_path):
    save(tmp_path / 'in', 'a.png', 0)
    whole = zipped(tmp_path / 'in', tmp_path / 'x.zip').read_bytes()
    with pytest.raises(UserError, match='is a .zip without its end, which lists the files: fetch it again'):
        open_it(write(tmp_path, 'x.zip', whole[:-30]))


def test_damage_inside_a_zip_is_named(tmp_path):
    root = tmp_path / 'root'
    save(root, 'a.png', 0)
    save(root, 'b.png', 1)
    path = zipped(root, tmp_path / 'x.zip')
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo('b.png').header_offset + 80
    content = bytearray(path.read_bytes())
    content[at : at + 8] = bytes(8)
    path.write_bytes(content)
    with pytest.raises(UserError, match="x.zip/b.png' cannot be read"):
        open_it(path)
    assert len(open_it(path, skip_bad=True)) == 1


def test_only_bad_files_is_an_error_even_when_skipping(tmp_path):
    write(tmp_path, 'a.png', b'')
    with pytest.raises(UserError, match="a.png' is not an image"):
        open_it(tmp_path, skip_bad=True)


def test_places_without_images_get_a_sentence(tmp_path):
    with pytest.raises(UserError, match="there is no '.*/missing': give"):
        open_it(tmp_path / 'missing')
    with pytest.raises(UserError, match="there are no images in '.*': give"):
        open_it(tmp_path)
    write(tmp_path, 'sub/labels.csv', b'a,b')
    with pytest.raises(UserError, match='only other files, such as sub/labels.csv'):
        open_it(tmp_path)
    with pytest.raises(UserError, match='neither a folder nor a .zip'):
        open_it(write(tmp_path, 'x.tar', b'tar'))
    with pytest.raises(UserError, match='neither a folder nor a .zip'):
        open_it(write(tmp_path, 'x.zip', b'PK and no more'))
    (tmp_path / 'none').mkdir()
    with pytest.raises(UserError, match='there are no images'):
        open_it(zipped(tmp_path / 'none', tmp_path / 'empty.zip'))


def test_a_zip_with_a_password_gets_a_sentence(tmp_path):
    save(tmp_path / 'root', 'a.png', 0)
    path = zipped(tmp_path / 'root', tmp_path / 'x.zip')
    content = bytearray(path.read_bytes())
    for signature, offset in ((b'PK\x01\x02', 8), (b'PK\x03\x04', 6)):
        at = 0
        while (at := content.find(signature, at)) >= 0:
            content[at + offset] |= 1  # the flag that says: encrypted
            at += 4
    path.write_bytes(content)
    with pytest.raises(UserError, match='a.png. cannot be unpacked .*password'):
        open_it(path)


def test_missing_permissions_get_a_sentence(tmp_path, monkeypatch):
    """Root may read everything, so the refusal is acted."""
    save(tmp_path, 'sub/a.png', 0)

    def refuse(path, *_, **__):
        raise PermissionError(13, 'Permission denied', str(path))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, 'open', refuse)
        with pytest.raises(UserError, match="sub/a.png' may not be read"):
            open_it(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(folder.os, 'scandir', refuse)
        with pytest.raises(UserError, match='may not be read'):
            open_it(tmp_path)


def test_a_file_that_disappears_is_named(tmp_path):
    gone = save(tmp_path, 'a.png', 0)
    source = open_it(tmp_path)
    gone.unlink()
    with pytest.raises(UserError, match="a.png' is gone"):
        source[0]
