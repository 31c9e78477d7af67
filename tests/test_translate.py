import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from saved_run import fake_run, make_config, save_images, save_run, smooth_images

from gans.errors import UserError
from gans.image.large_image import Enlarged, LargeImage, everything, section
from gans.inference import translate as module
from gans.inference.image_files import read_image
from gans.inference.translate import Network, translate
from gans.tasks import inpaint

WEIGHTS = np.array([0.299, 0.587, 0.114])


def paint(image, latent):
    """Chroma that varies over the image, and with the noise."""
    ramp = jnp.linspace(-0.6, 0.6, image.shape[1])[None, :, None, None]
    if latent is not None:
        ramp = ramp + 0.3 * latent[:, :1, None, None]
    gray = image[..., :1]
    return jnp.concatenate([gray + ramp, gray, gray - 2 * ramp], axis=-1)


def say_a_quarter(image, latent):
    return jnp.full((*image.shape[:3], 3), 0.25)


def run_of(tmp_path, task, make, latent=0):
    return fake_run(tmp_path / 'run', make_config(task, tmp_path, latent=latent), make)


@pytest.fixture
def use(monkeypatch, tmp_path):
    """Makes `translate` find a run with a generator of ours."""

    def install(task, latent=0):
        trained = run_of(tmp_path, task, paint, latent)
        monkeypatch.setattr(module, 'load_run', lambda folder: trained)
        return trained

    return install


def colours(height, width, seed=0):
    """Soft colours with detail, uint8."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((width, height))
    return np.clip(np.asarray(soft).astype(int) + rng.integers(-20, 21, (height, width, 1)), 0, 255).astype(np.uint8)


def luma(rgb):
    return np.asarray(rgb, np.float64)[..., :3] @ WEIGHTS


def write_each_mode(folder, height=53, width=87):
    """One file per kind of image."""
    folder.mkdir(parents=True)
    rgb = colours(height, width)
    image = Image.fromarray(rgb)
    ramp = Image.fromarray(np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8))
    image.save(folder / 'rgb.png')
    image.convert('L').save(folder / 'gray.png')
    image.convert('1').save(folder / 'bits.png')
    image.convert('P', palette=Image.Palette.ADAPTIVE).save(folder / 'palette.png')
    image.convert('P', palette=Image.Palette.ADAPTIVE).save(folder / 'clear_palette.png', transparency=3)
    image.convert('LA').save(folder / 'gray_alpha.png')
    with_alpha = image.copy()
    with_alpha.putalpha(ramp)
    for ending in ('png', 'webp', 'tif'):
        with_alpha.save(folder / f'alpha_{ending}.{ending}', **({'lossless': True} if ending == 'webp' else {}))
    deep = (luma(rgb) * 257).astype(np.uint16) + 3
    Image.fromarray(deep).save(folder / 'deep.png')
    Image.fromarray(deep).save(folder / 'deep.tiff')
    image.save(folder / 'dots.bmp')
    image.save(folder / 'CAPITALS.PNG')
    for turn in (3, 6, 8):
        exif = Image.Exif()
        exif[0x0112] = turn
        image.save(folder / f'turned_{turn}.png', exif=exif)
    with_alpha.save(folder / 'turned_alpha.png', exif=exif)
    Image.fromarray(deep).save(folder / 'deep_turned.png', exif=exif)
    return folder


MODES = (
    'rgb.png gray.png bits.png palette.png clear_palette.png gray_alpha.png alpha_png.png alpha_webp.webp '
    'alpha_tif.tif deep.png deep.tiff dots.bmp CAPITALS.PNG turned_3.png turned_6.png turned_8.png '
    'turned_alpha.png deep_turned.png'
).split()


def upright(path):
    """The straightforward reading: (RGB without any compositing, alpha or None), upright."""
    from PIL import ImageOps

    with Image.open(path) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith('I;16'):
            gray = np.asarray(image) / 257
            return np.stack([gray] * 3, axis=-1), None
        alpha = None
        if 'transparency' in image.info or image.mode in ('RGBA', 'LA', 'PA'):
            alpha = np.asarray(image.convert('RGBA').getchannel('A'))
        return np.asarray(image.convert('RGBA').convert('RGB')), alpha


@pytest.fixture(scope='module')
def colorized(tmp_path_factory):
    """Every mode through the colorizer, in one call: (inputs, outputs, what was said)."""
    base = tmp_path_factory.mktemp('modes')
    trained = run_of(base, 'colorize', paint)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, 'load_run', lambda folder: trained)
        text = translate('run', write_each_mode(base / 'in'), base / 'out')
    return base / 'in', base / 'out', text


@pytest.mark.parametrize('name', MODES)
def test_colorizing_keeps_luma_alpha_size_and_name(colorized, name):
    source, target, _ = colorized
    rgb, alpha = upright(source / name)
    result, result_alpha = upright(target / name)
    assert result.shape == rgb.shape
    # Rounding moves each channel by half a level at most, and the weights sum to one; 16 bits are rounded first.
    assert np.abs(luma(result) - luma(rgb)).max() <= (1.01 if name.startswith('deep') else 0.51)
    if name != 'bits.png':  # black and white have no room for colour at their luma
        assert np.ptp(result.astype(int), axis=-1).max() > 40
    assert (alpha is None) == (result_alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(alpha, result_alpha)
    with Image.open(target / name) as image:
        assert image.getexif().get(0x0112, 1) == 1


def test_every_mode_was_there(colorized):
    source, target, text = colorized
    assert sorted(p.name for p in target.iterdir()) == sorted(p.name for p in source.iterdir()) == sorted(MODES)
    assert text.startswith(f'{len(MODES)} of {len(MODES)} images')
    assert '16 bits per value became 8' in text


@pytest.mark.parametrize('size', [(1, 1), (3, 200), (64, 64), (131, 65), (30, 31)])
def test_colorizing_any_size(use, tmp_path, size):
    use('colorize')
    save_images(tmp_path / 'in', [colours(*size)])
    translate('run', tmp_path / 'in' / '00.png', tmp_path / 'out')
    result = np.asarray(Image.open(tmp_path / 'out' / '00.png'))
    assert result.shape == (*size, 3)
    assert np.abs(luma(result) - luma(colours(*size))).max() <= 0.51


def test_chroma_lies_where_the_network_put_it(use, tmp_path):
    """The painter's red minus green is a ramp from top to bottom, whatever the image's size and proportions."""
    use('colorize')
    gray = np.full((150, 300, 3), 128, np.uint8)
    save_images(tmp_path / 'in', [gray])
    translate('run', tmp_path / 'in', tmp_path / 'out')
    result = np.asarray(Image.open(tmp_path / 'out' / '00.png')).astype(float)
    # 300 x 150 fits into 64 x 64 as 64 x 32: rows 16 to 48 of the ramp.
    ramp = np.linspace(-0.6, 0.6, 64)[16:48]
    wanted = np.interp((np.arange(150) + 0.5) / 150 * 32, np.arange(32) + 0.5, ramp) * 127.5
    np.testing.assert_allclose((result[..., 0] - result[..., 1]).mean(axis=1)[5:-5], wanted[5:-5], atol=1.5)
    assert np.ptp(result, axis=1).max() <= 1, 'no columns'


def whole(network, image):
    """What a network makes of a float image [H, W, C], at once."""
    window = everything(image.shape)
    return network(image.__getitem__, window)(0)[window]


def test_a_image_of_the_trained_size_is_seen_as_it_is(tmp_path):
    network = Network(run_of(tmp_path, 'colorize', paint))
    image = np.random.default_rng(0).uniform(-1, 1, (64, 64, 1)).astype(np.float32)
    np.testing.assert_allclose(whole(network, image)[..., 1], image[..., 0], atol=1e-6)


def test_what_is_left_free_is_filled_with_the_image(tmp_path):
    """A network that says the mean of what it sees."""
    network = Network(run_of(tmp_path, 'colorize', lambda x, _: jnp.ones((*x.shape[:3], 3)) * x.mean()))
    for size in ((20, 90), (300, 40), (1, 7)):
        output = whole(network, np.full((*size, 1), 0.8, np.float32))
        assert output.shape == (*size, 3)
        np.testing.assert_allclose(output, 0.8, atol=1e-5)


# Inpainting.


def hole(height, width):
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 5 : width // 2] = 255
    mask[-6:-2, -9:-1] = 255
    return mask


def save_mask(path, mask):
    Image.fromarray(mask).save(path.with_name(f'{path.stem}_mask.png'))


@pytest.fixture(scope='module')
def inpainted(tmp_path_factory):
    base = tmp_path_factory.mktemp('modes')
    source = write_each_mode(base / 'in')
    for path in list(source.iterdir()):
        save_mask(path, hole(*upright(path)[0].shape[:2]))
    trained = run_of(base, 'inpaint', say_a_quarter)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, 'load_run', lambda folder: trained)
        text = translate('run', source, base / 'out')
    return source, base / 'out', text


@pytest.mark.parametrize('name', MODES)
def test_inpainting_changes_nothing_outside_the_mask(inpainted, name):
    source, target, _ = inpainted
    rgb, alpha = upright(source / name)
    result, result_alpha = upright(target / name)
    inside = hole(*rgb.shape[:2]) > 0
    np.testing.assert_array_equal(result[~inside], rgb[~inside])
    filled = np.rint(1.25 * 127.5)
    np.testing.assert_allclose(result[inside], filled, atol=0.6)
    assert (alpha is None) == (result_alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(alpha, result_alpha)


def test_inpainting_passes_masks_over(inpainted):
    source, target, text = inpainted
    assert sorted(p.name for p in target.iterdir()) == sorted(MODES)
    assert 'passed over' not in text


def test_gray_stays_gray(inpainted):
    _, target, _ = inpainted
    modes = {name: Image.open(target / name).mode for name in ('gray.png', 'gray_alpha.png', 'deep.png', 'rgb.png')}
    assert modes == {'gray.png': 'L', 'gray_alpha.png': 'LA', 'deep.png': 'I;16', 'rgb.png': 'RGB'}


def test_a_jpeg_becomes_png_to_keep_its_pixels(use, tmp_path):
    use('inpaint')
    (tmp_path / 'in').mkdir()
    Image.fromarray(colours(70, 90)).save(tmp_path / 'in' / 'a.jpg')
    save_mask(tmp_path / 'in' / 'a.jpg', hole(70, 90))
    text = translate('run', tmp_path / 'in', tmp_path / 'out')
    assert 'Became PNG' in text and [p.name for p in (tmp_path / 'out').iterdir()] == ['a.png']
    outside = hole(70, 90) == 0
    before, after = upright(tmp_path / 'in' / 'a.jpg')[0], upright(tmp_path / 'out' / 'a.png')[0]
    np.testing.assert_array_equal(before[outside], after[outside])
    assert (before[~outside] != after[~outside]).any()


class Record:
    """A network that notes what it is shown."""

    shape, variants = (64, 64), 1

    def __init__(self):
        self.seen = []

    def __call__(self, look, window):
        self.seen.append(look(window))
        return lambda variant: Enlarged(np.zeros((1, 1, 3), np.float32), window)


def test_inpainting_shows_sections_with_the_hole_filled():
    rgb = np.full((400, 500, 3), 200, np.uint8)
    mask = np.zeros((400, 500), np.uint8)
    mask[10:30, 10:30] = mask[200:300, 300:360] = 255
    rgb[mask > 0] = 7  # must not be seen
    network = Record()
    (result,) = inpaint.paint(0.4, network, LargeImage(Image.fromarray(rgb)), mask > 0)
    assert [s.shape[:2] for s in network.seen] == [(64, 64), (250, 250)]
    for seen in network.seen:
        np.testing.assert_allclose(seen, 200 / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(np.unique(np.asarray(result.image)[mask > 0]), 128)


def test_a_mask_of_many_parts_is_shown_once():
    mask = np.zeros((90, 90), np.uint8)
    mask[10:80:6, 10:80:6] = 255
    network = Record()
    (result,) = inpaint.paint(0.4, network, LargeImage(Image.new('RGB', (90, 90), (9, 9, 9))), mask > 0)
    assert len(network.seen) == 1
    np.testing.assert_array_equal((np.asarray(result.image) == 128).all(axis=-1), mask > 0)


@pytest.mark.parametrize(
    'place',
    [
        (slice(0, 5), slice(0, 5)),
        (slice(90, 100), slice(290, 300)),
        (slice(0, 100), slice(40, 60)),
        (slice(50, 51), slice(0, 300)),
    ],
)
@pytest.mark.parametrize('shape', [(64, 64), (64, 128), (256, 256)])
def test_sections_hold_their_place_inside_the_image(place, shape):
    around = section(place, (100, 300), shape, 0.4)
    for inner, outer, most in zip(place, around, (100, 300), strict=True):
        assert 0 <= outer.start <= inner.start < inner.stop <= outer.stop <= most


# Masks.


@pytest.mark.parametrize(
    ('mask', 'sentence'),
    [
        (None, r"a\.png' has no mask: paint white .* '.*a_mask\.png'"),
        (np.zeros((40, 50), np.uint8), 'has nothing white'),
        (np.full((40, 50), 255, np.uint8), 'is white all over'),
        (np.full((50, 40), 255, np.uint8), r"has 40x50 pixels but '.*a\.png' has 50x40"),
    ],
)
def test_bad_masks_are_explained(use, tmp_path, mask, sentence):
    use('inpaint')
    (tmp_path / 'in').mkdir()
    Image.fromarray(colours(40, 50)).save(tmp_path / 'in' / 'a.png')
    if mask is not None:
        save_mask(tmp_path / 'in' / 'a.png', mask)
    with pytest.raises(UserError, match=sentence):
        translate('run', tmp_path / 'in', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('mode', ['L', '1', 'RGB', 'RGBA', 'P'])
def test_masks_of_any_mode(tmp_path, mode):
    mask = hole(40, 50)
    if mode == 'RGBA':  # white strokes on nothing
        image = Image.new('RGBA', (50, 40), (255, 255, 255, 0))
        image.putalpha(Image.fromarray(mask))
    else:
        image = Image.fromarray(mask).convert(mode)
    image.save(tmp_path / 'a_mask.png')
    whole = LargeImage(Image.fromarray(colours(40, 50)))
    found = module.read_mask(tmp_path / 'a.png', whole, [tmp_path / 'a_mask.png'])
    np.testing.assert_array_equal(found, mask > 0)


def test_the_threshold_is_one_half(tmp_path):
    Image.fromarray(np.array([[127, 128]], np.uint8)).save(tmp_path / 'a_mask.png')
    image = LargeImage(Image.new('RGB', (2, 1)))
    found = module.read_mask(tmp_path / 'a.png', image, [tmp_path / 'a_mask.png'])
    np.testing.assert_array_equal(found, [[False, True]])


# Files and folders.


def test_folders_keep_their_paths_and_pass_other_files_over(use, tmp_path):
    use('colorize')
    save_images(tmp_path / 'in' / 'deep' / 'deeper', [colours(9, 9)])
    (tmp_path / 'in' / 'notes.txt').write_text('not an image')
    (tmp_path / 'in' / '.hidden').write_text('')
    Image.fromarray(colours(8, 8)).save(tmp_path / 'in' / 'no_ending', 'PNG')
    out = tmp_path / 'in' / 'out'  # inside the input
    for _ in range(2):
        text = translate('run', tmp_path / 'in', out)
        assert text.startswith('2 of 2 images') and "Passed over, not an image: 'notes.txt'." in text
    found = sorted(p.relative_to(out).as_posix() for p in out.rglob('*') if p.is_file())
    assert found == ['deep/deeper/00.png', 'no_ending.png']


@pytest.mark.parametrize(('name', 'kind'), [('a.gif', 'GIF'), ('a.pgm', 'PPM'), ('a.ico', 'ICO')])
def test_formats_that_cannot_hold_it_become_png(use, tmp_path, name, kind):
    use('colorize')
    (tmp_path / 'in').mkdir()
    Image.fromarray(colours(32, 32)).convert('L').save(tmp_path / 'in' / name, kind)
    text = translate('run', tmp_path / 'in', tmp_path / 'out')
    assert 'Became PNG' in text and f"{name}'" in text
    assert Image.open(tmp_path / 'out' / 'a.png').size == (32, 32)


def test_ink_jpegs_and_large_jpegs_keep_their_name(use, tmp_path):
    use('colorize')
    (tmp_path / 'in').mkdir()
    Image.fromarray(colours(90, 60)).convert('CMYK').save(tmp_path / 'in' / 'a.JPG', 'JPEG')
    translate('run', tmp_path / 'in', tmp_path / 'out')
    with Image.open(tmp_path / 'out' / 'a.JPG') as image:
        assert (image.format, image.mode, image.size) == ('JPEG', 'RGB', (60, 90))


def test_a_profile_is_kept_where_it_means_something(use, tmp_path):
    from PIL import ImageCms

    use('colorize')
    (tmp_path / 'in').mkdir()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    image = Image.fromarray(colours(9, 9))
    image.save(tmp_path / 'in' / 'a.png', icc_profile=profile)
    image.convert('L').save(tmp_path / 'in' / 'b.png', icc_profile=profile)
    translate('run', tmp_path / 'in', tmp_path / 'out')
    assert Image.open(tmp_path / 'out' / 'a.png').info['icc_profile'] == profile
    assert 'icc_profile' not in Image.open(tmp_path / 'out' / 'b.png').info


def test_variants_differ_and_come_back(use, tmp_path):
    use('colorize', latent=3)
    save_images(tmp_path / 'in', [colours(20, 30)])
    for out in ('one', 'two'):
        translate('run', tmp_path / 'in', tmp_path / out, 3)
    names = ['00_1.png', '00_2.png', '00_3.png']
    assert sorted(p.name for p in (tmp_path / 'one').iterdir()) == names
    contents = [(tmp_path / 'one' / name).read_bytes() for name in names]
    assert len(set(contents)) == 3
    assert contents == [(tmp_path / 'two' / name).read_bytes() for name in names]
    translate('run', tmp_path / 'in', tmp_path / 'more', 4)
    assert contents == [(tmp_path / 'more' / name).read_bytes() for name in names], 'however many are drawn'


def test_one_bad_image_does_not_stop_the_others(use, tmp_path):
    use('colorize')
    folder = save_images(tmp_path / 'in', [colours(20, 30), colours(20, 30), colours(20, 30)])
    (folder / '01.png').write_bytes((folder / '01.png').read_bytes()[:200])
    with pytest.raises(UserError, match=r"01\.png' is damaged(.|\n)*2 of 3 images"):
        translate('run', folder, tmp_path / 'out')
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == ['00.png', '02.png']


def test_bad_requests_are_explained(use, tmp_path):
    use('colorize')
    folder = save_images(tmp_path / 'in', [colours(20, 30)])
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'broken.png').write_text('no image')
    cases = [
        ((tmp_path / 'none', tmp_path / 'out'), 'There is no .*none'),
        ((tmp_path / 'empty', tmp_path / 'out'), 'There are no images'),
        ((tmp_path / 'broken.png', tmp_path / 'out'), 'not an image that Pillow can read'),
        ((folder, folder), 'would be overwritten'),
        ((folder / '00.png', folder), 'would be overwritten'),
        ((folder, folder / '00.png'), 'no folder: give a folder as --output'),
        ((folder, tmp_path / 'out', 0), '--variants=0: give 1 to 10000'),
        ((folder, tmp_path / 'out', 10**9), 'give 1 to 10000'),
        ((folder, tmp_path / 'out', 4), 'has no noise'),
        ((folder, tmp_path / 'broken.png' / 'out'), 'Cannot write'),
    ]
    for arguments, sentence in cases:
        with pytest.raises(UserError, match=sentence):
            translate('run', *arguments)
    assert sorted(p.name for p in folder.iterdir()) == ['00.png']


def test_two_images_of_one_result_are_refused(use, tmp_path):
    use('colorize')
    folder = save_images(tmp_path / 'in', [colours(20, 30)])
    Image.fromarray(colours(20, 30)).convert('P').save(folder / '00.gif')
    with pytest.raises(UserError, match=r"00\.gif' and '.*00\.png' would both become"):
        translate('run', folder, tmp_path / 'out')


def test_an_input_is_never_replaced(use, tmp_path):
    use('colorize')
    folder = save_images(tmp_path / 'in', [colours(20, 30)])
    save_images(folder / 'in', [colours(10, 10)])
    before = (folder / '00.png').read_bytes()
    (tmp_path / 'link').symlink_to(folder, target_is_directory=True)
    with pytest.raises(UserError, match='would be overwritten'):
        translate('run', folder, tmp_path / 'link')
    with pytest.raises(UserError, match='is one of the images to translate'):
        translate('run', tmp_path / 'in', tmp_path)  # its in/00.png would become 00.png's neighbour in/00.png
    assert (folder / '00.png').read_bytes() == before


def test_masks_and_long_values_are_no_input(use, tmp_path):
    use('inpaint')
    save_mask(tmp_path / 'a.png', hole(20, 30))
    with pytest.raises(UserError, match='is a mask: give the image'):
        translate('run', tmp_path / 'a_mask.png', tmp_path / 'out')
    Image.fromarray(np.ones((20, 30), np.float32)).save(tmp_path / 'a.tif')
    with pytest.raises(UserError, match='values of 32 bits of a kind that cannot be kept'):
        translate('run', tmp_path / 'a.tif', tmp_path / 'out')


def test_tasks_that_do_not_translate_are_refused(use, tmp_path, monkeypatch):
    trained = use('colorize')
    unused = trained.game._replace(task=trained.game.task._replace(on_files=None))
    monkeypatch.setattr(module, 'load_run', lambda folder: trained._replace(game=unused))
    with pytest.raises(UserError, match="trained for 'colorize', which has no use on image files: it cannot translate"):
        translate('run', save_images(tmp_path / 'in', [colours(9, 9)]), tmp_path / 'out')


def test_a_checkpoint_alone_is_enough(tmp_path):
    """The real verb on a real network, after the training images are gone."""
    data = save_images(tmp_path / 'data', smooth_images(4))
    run = save_run(tmp_path / 'run', make_config('inpaint', data))
    data.rename(tmp_path / 'gone')
    save_images(tmp_path / 'in', [colours(70, 100)])
    save_mask(tmp_path / 'in' / '00.png', hole(70, 100))
    translate(run, tmp_path / 'in', tmp_path / 'out')
    before, after = (np.asarray(read_image(tmp_path / folder / '00.png')[0].image) for folder in ('in', 'out'))
    changed = (before != after).any(axis=-1)
    assert changed[hole(70, 100) > 0].mean() > 0.9
    assert not changed[hole(70, 100) == 0].any()
