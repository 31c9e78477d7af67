"""What the web page does, without a browser and without Gradio: bytes in, the bytes of the command line out."""

import io
import os
import signal
import socket
import struct
import threading
import zipfile
import zlib

import numpy as np
import pytest
from command_line import main
from PIL import Image
from saved_run import CONFIGS, make_config, save_images, save_run, smooth_images

from gans.app import app, latents, serving, storage
from gans.app.guard import holds_outside, names_outside
from gans.app.limits import Limits, Turns
from gans.app.markup import comparison, image
from gans.app.page import answering, plain, titles
from gans.app.photo_tab import hole
from gans.app.photos import PhotoTool, small, stretch
from gans.app.storage import temporary
from gans.config.load import load
from gans.errors import UserError
from gans.image.large_image import LargeImage
from gans.latent.edits import edits_text, read_edits
from gans.run.trained import load_run


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp('images') / 'all', smooth_images(8))


@pytest.fixture(scope='module')
def runs(tmp_path_factory, images):
    """Untrained: a colorizer with noise, an inpainter, a generator."""
    place = tmp_path_factory.mktemp('runs')
    save_run(place / 'colors', make_config('colorize', images, latent=4))
    save_run(place / 'holes', make_config('inpaint', images))
    save_run(place / 'noise', load(f'{CONFIGS}/began.py:tiny').unlock())
    return place


@pytest.fixture
def kept():
    with temporary() as found:
        yield found


def tool(runs, name, kept, **limits):
    limits = Limits(**limits)
    return PhotoTool(load_run(runs / name), kept, limits, Turns(limits.seconds))


def photos(folder):
    """A photo of each kind that cameras and scanners write."""
    folder.mkdir()
    colours = Image.fromarray(smooth_images(1, 90)[0]).crop((0, 0, 90, 60))
    turned = Image.Exif()
    turned[0x0112], turned[0x010F] = 6, 'Camera'
    colours.save(folder / 'turned.jpg', exif=turned)
    Image.fromarray(np.arange(60 * 90, dtype=np.uint16).reshape(60, 90) * 10).save(folder / 'deep.png')
    colours.convert('L').save(folder / 'gray.tif')
    colours.putalpha(colours.convert('L'))
    colours.save(folder / 'alpha.webp', lossless=True)
    colours.convert('RGB').convert('CMYK').save(folder / 'inks.jpg')
    return folder


def test_a_dropped_photo_gives_the_bytes_of_translate(tmp_path, runs, kept):
    folder = photos(tmp_path / 'photos')
    ended = main(
        '--mode=translate', f'--workdir={runs / "colors"}', f'--input={folder}', f'--output={tmp_path / "out"}',
        '--variants=2',
    )  # fmt: skip
    assert ended.code == 0, ended
    colorizer = tool(runs, 'colors', kept)
    for path in sorted(folder.iterdir()):
        made = colorizer.translate(path, None, 2)
        for result in made.results:
            assert result.read_bytes() == (tmp_path / 'out' / result.name).read_bytes(), result
        shown = [np.asarray(Image.open(one)) for one in (made.before, *made.after)]
        assert {one.shape for one in shown} == {(90, 60, 3) if path.stem == 'turned' else (60, 90, 3)}
        assert path.name != 'inks.jpg' or 'CMYK became RGB' in made.notes[0]
    assert len(list((tmp_path / 'out').iterdir())) == 10
    with pytest.raises(UserError, match='makes 1 to 8'):
        colorizer.translate(path, None, 9)


def test_a_painted_hole_is_filled_and_all_else_stays(tmp_path, runs, kept, images):
    inpainter = tool(runs, 'holes', kept)
    painted = np.zeros((32, 32), bool)
    painted[8:16, 4:12] = True
    result = np.asarray(Image.open(inpainter.translate(images / '00.png', painted, 1).results[0]))
    before, mask = np.asarray(Image.open(images / '00.png')), stretch(painted, (64, 64))
    assert np.array_equal(result[~mask], before[~mask]) and (result[mask] != before[mask]).any()
    (tmp_path / 'in').mkdir()
    Image.fromarray(before).save(tmp_path / 'in/00.png')
    Image.fromarray(mask).save(tmp_path / 'in/00_mask.png')
    main(
        '--mode=translate', f'--workdir={runs / "holes"}', f'--input={tmp_path / "in"}', f'--output={tmp_path / "out"}'
    )  # fmt: skip
    assert np.array_equal(result, np.asarray(Image.open(tmp_path / 'out/00.png')))
    for mask, words in ((None, 'Nothing is painted'), (painted & False, 'Nothing'), (painted | True, 'All of the')):
        with pytest.raises(UserError, match=words):
            inpainter.translate(images / '00.png', mask, 1)


def test_layers_of_the_editor_are_the_hole():
    layer = np.zeros((2, 3, 4), np.uint8)
    layer[0, 1] = 255
    assert hole({'layers': [layer, np.zeros_like(layer)]}).tolist() == [[False, True, False], [False, False, False]]
    assert hole(None) is None and hole({'layers': []}) is None


def test_previews_have_at_most_1024_pixels_on_a_side():
    assert small(LargeImage(Image.new('L', (3000, 30), 7))).shape == (10, 1024, 3)
    assert small(LargeImage(Image.new('RGB', (5, 3000)))).shape == (1024, 2, 3)


def bomb(width, height):
    """A PNG of a few bytes that says how large it is."""

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(b'')) + chunk(b'IEND', b'')


def bad_uploads(folder):
    """(name, what its sentence says) of files that are no photos."""
    folder.mkdir()
    (folder / 'text.png').write_text('no image')
    (folder / 'bomb.png').write_bytes(bomb(60_000, 60_000))
    (folder / 'wide.png').write_bytes(bomb(9000, 9000))
    (folder / 'script.eps').write_bytes(b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n')
    with zipfile.ZipFile(folder / 'photos.zip', 'w') as archive:
        archive.writestr('a.png', b'')
    whole = io.BytesIO()
    Image.fromarray(smooth_images(1)[0]).save(whole, 'PNG')
    (folder / 'cut.png').write_bytes(whole.getvalue()[:2000])
    (folder / 'heavy.png').write_bytes(bytes(2**20 + 1))
    return {
        'text.png': 'no image',
        'bomb.png': 'million pixels',
        'wide.png': '9000 x 9000 pixels',
        'script.eps': 'no image',
        'photos.zip': 'no image',
        'cut.png': 'cut.png',
        'heavy.png': '1.0 MiB',
    }


def test_a_bad_upload_is_one_sentence(tmp_path, runs, kept):
    colorizer = tool(runs, 'colors', kept, megabytes=1)
    for name, words in bad_uploads(tmp_path / 'bad').items():
        for use in (colorizer.show, lambda path: colorizer.translate(path, None, 1)):
            *nothing, told = answering(tmp_path, (None,), use)(tmp_path / 'bad' / name)
            assert nothing == [None] and words in told and 'alert' in told, (name, told)
            assert 'Traceback' not in told and 'terminal' not in told and str(tmp_path) not in told, told


def test_of_an_animation_the_first_frame_is_taken_and_that_is_told(tmp_path, runs, kept):
    first, second = (Image.fromarray(one) for one in smooth_images(2))
    first.save(tmp_path / 'moves.gif', save_all=True, append_images=[second])
    made = tool(runs, 'colors', kept).translate(tmp_path / 'moves.gif', None, 1)
    assert any('only the first became an image' in sentence for sentence in made.notes)


def test_notes_name_no_place_of_temporary_files(tmp_path):
    told = answering(tmp_path, (), lambda: ((), [f"16 bits became 8: '{tmp_path}/a/b/c.png'."]))()[-1]
    assert 'c.png' in told and str(tmp_path) not in told


def test_a_run_that_is_given_twice_is_refused(runs, kept):
    for twice in ([runs / 'colors'] * 2, [runs / 'colors', runs / '..' / runs.name / 'colors']):
        with pytest.raises(UserError, match='more than once as --workdir'):
            app.open_tools([str(one) for one in twice], kept, Limits())


def test_what_is_no_mistake_of_the_visitor_is_told_to_the_terminal(tmp_path, capsys):
    def fails():
        raise ZeroDivisionError('secret')

    *_, told = answering(tmp_path, (), fails)()
    assert 'terminal' in told and 'secret' not in told and 'ZeroDivisionError: secret' in capsys.readouterr().err
    assert plain(f"'{tmp_path}/a/b/c.png' is bad.", tmp_path) == "'c.png' is bad."


def test_a_turn_waits_and_ends_in_time():
    times = iter([0, 5, 11])
    with pytest.raises(UserError, match='more than 10 seconds'), Turns(10, lambda: next(times)).turn() as check:
        check()
        check()
    turns = Turns(0.01)
    with turns.turn(), pytest.raises(UserError, match='Others have used'), turns.turn():
        pass
    with turns.turn():
        pass
    with pytest.raises(UserError, match='max_seconds=0'):
        Limits(seconds=0).check()


def test_old_files_go_and_at_the_end_all(tmp_path):
    with temporary() as kept:
        (kept.new() / 'old.png').write_bytes(b'1')
        later = storage.Storage(kept.folder, lambda: 4e12)
        later.new()
        assert not list(kept.folder.rglob('*.png')) and kept.folder.stat().st_mode & 0o77 == 0
    assert not kept.folder.exists()


@pytest.fixture(scope='module')
def generator(runs):
    found = latents.LatentTool(load_run(runs / 'noise'), Turns(60))
    found.warm_up()
    return found


def test_samples_walks_and_edits_are_those_of_explore(tmp_path, runs, generator):
    edits = latents.keep({'old': {1: 0.1}}, ' a grin ', latents.as_edit([1.5, 0, None, -2]))
    assert edits == {'old': {1: 0.1}, 'a grin': {0: 1.5, 3: -2.0}}
    (tmp_path / 'edits.yaml').write_text(edits_text(edits))
    assert read_edits(tmp_path / 'edits.yaml', 16) == generator.read_edits(tmp_path / 'edits.yaml') == edits
    ended = main(
        '--mode=explore', f'--workdir={runs / "noise"}', f'--output={tmp_path}', '--draw=samples,walks,edits',
        '--seeds=7,8', '--frames=3', f'--edits={tmp_path / "edits.yaml"}',
    )  # fmt: skip
    assert ended.code == 0, ended
    drawn = {path.stem: np.load(path) for path in tmp_path.glob('*.npz')}
    assert np.array_equal(drawn['samples']['images'], generator.samples(7, count=2))
    assert np.array_equal(drawn['walk_linear']['images'][0], generator.walk([7, 8], 3, arc=False))
    assert np.array_equal(drawn['walk_spherical']['images'][0], generator.walk([7, 8], 3, arc=True))
    assert np.array_equal(drawn['edit_a grin']['images'][0, -1], generator.moved(7, edits['a grin']))
    assert generator.truncates, np.ptp(drawn['samples']['images'])
    assert (generator.samples(7, 0.5, 2) != drawn['samples']['images']).any()
    assert len(generator.walk([1, 2, 3], 4, arc=False)) == 7
    assert generator.moved(None, {}).shape == (*load_run(runs / 'noise').game.size, 3)


@pytest.mark.parametrize(
    'call, words',
    [
        (lambda g: g.samples(None), 'A seed is'),
        (lambda g: g.samples(2**32), 'A seed is'),
        (lambda g: g.samples(1.5), 'A seed is'),
        (lambda g: g.samples(float('inf')), 'A seed is'),
        (lambda g: g.samples(0, 0), 'truncation of 0'),
        (lambda g: g.walk([1], 3, False), '2 to 8 seeds'),
        (lambda g: g.walk([1, 2], 1, False), '2 to 24 images'),
        (lambda g: latents.as_seeds('1, x'), 'no list of seeds'),
        (lambda g: latents.as_edit([float('nan')]), 'no number'),
        (lambda g: latents.keep({}, '../x', {0: 1}), 'Give the edit a name'),
        (lambda g: latents.keep({}, 'x', {}), 'All sliders are at 0'),
        (lambda g: latents.keep({str(i): {0: 1} for i in range(50)}, 'x', {0: 1}), 'At most 50'),
    ],
)
def test_wrong_numbers_and_names_are_one_sentence(generator, call, words):
    with pytest.raises(UserError, match=words):
        call(generator)


def test_nothing_from_elsewhere_is_fetched():
    assert names_outside('/gradio_api/file=http://example.com/a.png') and names_outside('/gradio_api/proxy=https://a/b')
    assert not names_outside('/gradio_api/file=/tmp/a.png') and not names_outside('/config')
    assert holds_outside(b'{"data": [{"path": "HTTP://10.0.0.1/", "meta": {}}]}')
    assert not holds_outside(b'{"data": [{"path": "/tmp/a.png", "url": "http://127.0.0.1:7860/a"}]}')
    assert not holds_outside(b'') and not holds_outside(b'{')


def test_names_of_runs_and_texts_of_images_are_whole_and_harmless(tmp_path):
    found = titles([tmp_path / 'a/run', tmp_path / 'b/run', tmp_path / 'c'])
    assert found == ['a/run', 'b/run', 'c']
    made = comparison(tmp_path / 'a b.jpg', tmp_path / '1.jpg', 2, 3)
    assert 'alt="Variant 2 of 3."' in made and 'type="range"' in made and 'a%20b.jpg' in made
    assert '&quot;&lt;' in image(tmp_path / 'a b.png', '"<script>') and 'a%20b.png' in image(tmp_path / 'a b.png', '')


def test_ports_and_hosts(tmp_path):
    with serving.take_port('127.0.0.1', None) as first, serving.take_port('127.0.0.1', 0) as second:
        numbers = [one.getsockname()[1] for one in (first, second)]
        assert 7860 <= numbers[0] < numbers[1] and serving.address_of(first) == f'http://127.0.0.1:{numbers[0]}'
        ended = main('--mode=app', f'--workdir={tmp_path}', f'--port={numbers[0]}')
        assert ended.code == 2 and ended.err.strip() == (
            f'Port {numbers[0]} is in use: give another --port, or none for the first free one.'
        )
    for host in ('203.0.113.1', 'no such host'):
        ended = main('--mode=app', f'--workdir={tmp_path}', f'--host={host}')
        assert ended.code == 2 and 'no address of this machine' in ended.err
    with socket.socket(socket.AF_INET6) as six:
        if six.connect_ex(('::1', 1)) != 99:
            with serving.take_port('::1', None) as found:
                assert serving.address_of(found).startswith('http://[::1]:')


def test_without_gradio_or_a_run_there_is_one_sentence(tmp_path, monkeypatch):
    ended = main('--mode=app', f'--workdir={tmp_path / "none"}')
    assert ended.code == 2 and ended.err.startswith('There is no run folder')
    ended = main('--mode=app', f'--workdir={tmp_path}')
    assert ended.code == 2 and len(ended.err.splitlines()) == 1 and 'Traceback' not in ended.err
    monkeypatch.setattr(serving.importlib.util, 'find_spec', lambda name: None)
    ended = main('--mode=app', f'--workdir={tmp_path}')
    assert (ended.code, ended.err) == (2, '--mode=app needs Gradio: pip install -r requirements-app.txt.\n')


def test_a_signal_ends_the_page_and_nothing_else(runs, monkeypatch):
    def arrives(address):
        os.kill(os.getpid(), signal.SIGTERM)  # SIGINT is ignored where the tests run in the background of a script
        threading.Event().wait(5)

    monkeypatch.setattr(app, 'wait', arrives)
    before = signal.getsignal(signal.SIGTERM)
    ended = main('--mode=app', f'--workdir={runs / "colors"}')
    assert ended.code == 143 and ended.err == 'Stopped by SIGTERM.\n', ended
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_host_that_others_reach_is_told(tmp_path):
    ended = main('--mode=app', f'--workdir={tmp_path}', '--host=0.0.0.0')
    assert ended.code == 2 and 'it has no password' in ended.err
