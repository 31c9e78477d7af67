"""The verb `explore`: a linear generator, of which everything is known in closed form, and small runs of every kind."""

import re
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from generators import generator_config
from PIL import Image
from saved_run import Fake, fake_run, make_config, save_images, save_run, smooth_images
from test_families import family

from gans.core.sampling import paint
from gans.errors import UserError
from gans.image import files, grids, ops
from gans.latent import explore as module
from gans.latent import inversion, space
from gans.latent.drawings import Painter
from gans.latent.explore import Wishes, explore
from gans.objectives import began
from gans.run.trained import load_run

WEIGHTS = np.random.default_rng(0).uniform(-0.1, 0.1, (5, 16 * 16 * 3)).astype(np.float32)
EDITS = '{grin: {3: +2, 1: -1}, lips: {1: 0.5}}'


def linear(latent):
    """Latents [N, 5] -> images: within [-1, 1] for all that is drawn here."""
    return 0.1 + (latent @ WEIGHTS).reshape(-1, 16, 16, 3)


def stored(points):
    """What a linear generator's images are in a file."""
    made = 0.1 + (np.asarray(points, np.float64) @ WEIGHTS).reshape(*np.shape(points)[:-1], 16, 16, 3)
    return np.round((np.clip(made, -1, 1) + 1) * 127.5).astype(np.uint8)


def run_of(tmp_path, make=linear, judge=lambda images: images.mean((1, 2, 3)), **changes):
    trained = fake_run(tmp_path / 'run', generator_config(**changes), lambda image, latent: make(latent))
    return trained._replace(game=trained.game._replace(disc=Fake(lambda image, latent: judge(image))))


@pytest.fixture
def use(monkeypatch, tmp_path):
    """Makes `explore` find such a run; returns a function that explores it: (numbers by drawing, folder, text)."""

    def go(*how, **wishes):
        trained = run_of(tmp_path, *how)
        monkeypatch.setattr(module, 'load_run', lambda folder: trained)
        if 'edits' in wishes:
            (tmp_path / 'edits.yaml').write_text(wishes['edits'])
            wishes['edits'] = str(tmp_path / 'edits.yaml')
        text = explore('run', tmp_path / 'out', Wishes(**wishes))
        numbers = {path.stem: dict(np.load(path)) for path in (tmp_path / 'out').glob('*.npz')}
        return numbers, tmp_path / 'out', text

    return go


def close(a, b):
    """Equal up to one level: the device rounds in float32."""
    np.testing.assert_allclose(a.astype(int), b.astype(int), atol=1)


def shown(path):
    return np.asarray(Image.open(path))


def frames_of(path):
    with Image.open(path) as image:
        found = []
        for i in range(image.n_frames):
            image.seek(i)
            assert image.info['duration'] == 120  # longer where equal frames follow each other
            found.append(np.asarray(image.convert('RGB')))
    return np.stack(found)


def test_a_seed_is_one_latent_whatever_else_is_drawn(use):
    many = use(draw=['samples'], count=20)[0]['samples']
    some = use(draw=['samples'], seeds=['7', '3'])[0]['samples']
    np.testing.assert_array_equal(some['latents'], many['latents'][[7, 3]])
    np.testing.assert_array_equal(some['seeds'], [7, 3])
    assert np.abs(many['latents']).max() <= 1 and len(np.unique(many['latents'][:, 0])) == 20
    close(many['images'], stored(many['latents']))
    assert many['images'].shape == (20, 16, 16, 3) and many['latents'].dtype == np.float32


def test_by_default_all_that_needs_no_more_than_a_run_is_drawn(use):
    numbers, folder, text = use()
    assert sorted(numbers) == ['directions', 'mean', 'samples', 'walk_linear', 'walk_spherical']
    assert numbers['samples']['images'].shape[0] == 64
    assert numbers['walk_linear']['images'].shape == (7, 9, 16, 16, 3)
    assert numbers['directions']['images'].shape == (5, 9, 16, 16, 3)
    moving = ['directions', 'walk_linear', 'walk_spherical']
    wanted = [f'{n}.{e}' for n in numbers for e in ('png', 'npz')] + [f'{n}.gif' for n in moving]
    assert sorted(path.name for path in folder.iterdir()) == sorted(wanted)
    assert [line.partition(':')[0] for line in text.splitlines()[1:-1]] == [
        'samples.{png,npz}',
        'mean.{png,npz}',
        'walk_linear.{png,gif,npz}',
        'walk_spherical.{png,gif,npz}',
        'directions.{png,gif,npz}',
    ]
    assert 'all root eigenvalues 0.5774: the order of the directions says nothing' in text


def test_images_show_the_numbers(use):
    numbers, folder, _ = use(edits=EDITS, arithmetic='0-1+2', count=5, frames=3)
    for name, columns in (('samples', 3), ('walk_linear', 3), ('directions', 3), ('edit_grin', 3)):
        made = numbers[name]['images']
        sample_grid = grids.grid(made.reshape(-1, 16, 16, 3), columns)
        np.testing.assert_array_equal(shown(folder / f'{name}.png'), sample_grid)
    np.testing.assert_array_equal(shown(folder / 'mean.png'), numbers['mean']['images'])
    close(numbers['mean']['images'], stored(np.zeros(5)))
    sample_grid = grids.montage(list(numbers['arithmetic']['images'][:, None]), ['0', '- 1', '+ 2', '='])
    np.testing.assert_array_equal(shown(folder / 'arithmetic.png'), sample_grid)


def test_walks_go_from_seed_to_seed(use):
    numbers, folder, _ = use(draw=['samples', 'walks'], seeds=['4', '0', '9'], frames=5)
    ends = numbers['samples']['latents']
    for name, walk in (('walk_linear', space.lerp), ('walk_spherical', space.slerp)):
        points = numbers[name]['latents']
        wanted = [walk(a, b, 5) for a, b in zip(ends[:-1], ends[1:], strict=True)]
        np.testing.assert_allclose(points, wanted, atol=1e-6)
        np.testing.assert_array_equal(numbers[name]['seeds'], [4, 0, 9])
        close(numbers[name]['images'], stored(points))
        frames, made = frames_of(folder / f'{name}.gif'), numbers[name]['images']
        assert len(frames) == 2 * 4 + 1
        chain = np.stack([*made[0, :-1], *made[1]])
        assert np.abs(frames.astype(int) - chain).mean() < 0.5


def test_directions_pass_through_the_mean(use):
    numbers = use(draw=['directions'], directions=['3', '0'], reach=2.0, frames=5)[0]['directions']
    root = np.sqrt(1 / 3)
    wanted = np.zeros((2, 5, 5))
    wanted[0, :, 3] = wanted[1, :, 0] = root * np.linspace(-2, 2, 5)
    np.testing.assert_allclose(numbers['latents'], wanted, atol=1e-6)
    np.testing.assert_allclose(numbers['eigenvalues'], [1 / 3] * 2)
    np.testing.assert_allclose(numbers['coefficients'], np.linspace(-2, 2, 5))
    np.testing.assert_array_equal(numbers['directions'], [3, 0])


def test_edits_morph_every_seed(use):
    numbers, folder, text = use(draw=['samples', 'edits'], edits=EDITS, apply=['lips', 'grin+lips'], count=3, frames=4)
    assert sorted(numbers) == ['edit_grin+lips', 'edit_lips', 'samples']
    both, seeds = numbers['edit_grin+lips'], numbers['samples']['latents']
    wanted = np.repeat(seeds[:, None], 4, axis=1)
    wanted[..., 1], wanted[..., 3] = (np.sqrt(1 / 3) * k * np.linspace(0, 1, 4) for k in (-0.5, 2))
    np.testing.assert_allclose(both['latents'], wanted, atol=1e-6)
    np.testing.assert_array_equal(both['directions'], [1, 3])
    np.testing.assert_array_equal(both['coefficients'], [-0.5, 2])
    close(both['images'], stored(wanted))
    frames = frames_of(folder / 'edit_grin+lips.gif')
    assert len(frames) == 4
    sample_grids = np.stack([grids.grid(frame, 2) for frame in both['images'].swapaxes(0, 1)])
    assert frames.shape == sample_grids.shape and np.abs(frames.astype(int) - sample_grids).mean() < 1.2
    assert 'rows from neutral to grin+lips (-0.5 along 1, +2 along 3), seeds 0 to 2' in text


def test_sums_are_those_of_the_seeds_means(use):
    numbers, _, text = use(draw=['samples', 'arithmetic'], arithmetic='0,1-2+3,4,5', count=6)
    seeds, found = numbers['samples']['latents'], numbers['arithmetic']
    means = [seeds[:2].mean(axis=0), seeds[2], seeds[3:].mean(axis=0)]
    wanted = np.stack([*means, means[0] - means[1] + means[2]])
    np.testing.assert_allclose(found['latents'], wanted, atol=1e-6)
    close(found['images'], stored(wanted))
    np.testing.assert_array_equal(found['signs'], [1, -1, 1])
    np.testing.assert_array_equal(found['seeds'], range(6))
    np.testing.assert_array_equal(found['terms'], [0, 0, 1, 2, 2, 2])
    assert 'mean latents of the seeds 0,1 - 2 + 3,4,5, and their sum' in text


KNOWN = np.array([[0.5, -0.9, 0.1, 0.8, -0.3], [-1.0, 0.2, 0.7, 0.0, 1.3], [0.0, 0.0, 0.0, 0.0, 0.1]], np.float32)


def encoder(images):
    """The linear generator's inverse, but for half of it: not what a search would find."""
    codes = (images.reshape(len(images), -1) - 0.1) @ np.linalg.pinv(WEIGHTS)
    return {'code': codes / 2, 'image': images}


@pytest.mark.parametrize('how', ['search', 'encoder', 'search despite an encoder'])
def test_known_latents_are_found(use, how, tmp_path):
    place = save_images(tmp_path / 'in', stored(KNOWN))
    judge = [encoder] if 'encoder' in how else []
    numbers, folder, text = use(
        linear, *judge, draw=['find'], input=str(place), search=how == 'search despite an encoder'
    )
    found = numbers['find']
    np.testing.assert_allclose(found['latents'], KNOWN / (2 if how == 'encoder' else 1), atol=0.01)
    np.testing.assert_array_equal(found['originals'], stored(KNOWN))
    close(found['images'], stored(found['latents']))
    for end, other in (('', found['images']), ('_of_mean', np.stack([stored(np.zeros(5))] * 3))):
        off = found['originals'].astype(float) - other
        np.testing.assert_allclose(found[f'l1{end}'], np.abs(off).mean((1, 2, 3)), atol=0.05)
        np.testing.assert_allclose(found[f'rmse{end}'], np.sqrt((off**2).mean((1, 2, 3))), atol=0.05)
    assert (found['rmse'] < found['rmse_of_mean'] * 0.6)[:2].all()
    sample_grid = grids.montage([found['originals'], found['images']], ['original', 'found'])
    np.testing.assert_array_equal(shown(folder / 'find.png'), sample_grid)
    assert ("the discriminator's encoder" in text) == (how == 'encoder')
    name = re.escape(str(place / '01.png'))
    line = rf"  '{name}': L1 {found['l1'][1]:.1f}, RMSE .*; the mean latent's image: L1 {found['l1_of_mean'][1]:.1f}"
    assert re.search(line, text)


def test_one_image_is_cut_to_the_runs_proportions(use, tmp_path):
    wide = np.zeros((32, 96, 3), np.uint8)
    wide[:, 24:72] = 200
    save_images(tmp_path / 'in', [wide])
    found = use(draw=['find'], input=str(tmp_path / 'in' / '00.png'))[0]['find']
    np.testing.assert_array_equal(found['originals'], np.full((1, 16, 16, 3), 200))
    assert list(found['names']) == [str(tmp_path / 'in' / '00.png')]


def test_a_image_is_searched_for_by_itself(tmp_path):
    """What else is searched for does not matter: the same latent comes out alone."""
    game, mean, images = run_of(tmp_path).game, np.zeros(5, np.float32), ops.to_float(stored(KNOWN))
    state = run_of(tmp_path).state
    together = inversion.searcher(game, mean, 0.5)(state, images)
    alone = inversion.searcher(game, mean, 0.5)(state, images[1:2])
    np.testing.assert_allclose(together[1:2], alone, atol=1e-4)


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """Real networks in real checkpoints: a BEGAN that knows its codes, an averaged generator, a colorizer."""
    base = tmp_path_factory.mktemp('runs')
    mean, mix = np.arange(5.0), np.random.default_rng(1).normal(size=(5, 5))
    codes = began.Codes(jnp.int32(100), jnp.asarray(mean, jnp.float32), jnp.asarray(mix @ mix.T, jnp.float32))
    carry = began.Memory(jnp.float32(0.1), codes)
    with_codes = family('began', **{'schedules.residual': 0.5, 'task.distribution': 'normal'})
    return {
        'began': save_run(base / 'began', with_codes, carry=carry),
        'averaged': save_run(base / 'averaged', generator_config(ema=0.9)),
        'colorize': save_run(base / 'colorize', make_config('colorize', save_images(base / 'data', smooth_images(8)))),
    }


def test_a_began_is_explored_by_its_codes(runs, tmp_path):
    place = save_images(tmp_path / 'in', smooth_images(2, 16))
    (tmp_path / 'edits.yaml').write_text(EDITS)
    wishes = Wishes(count=3, frames=3, edits=str(tmp_path / 'edits.yaml'), arithmetic='0-1+2', input=str(place))
    text = explore(runs['began'], tmp_path / 'out', wishes)
    codes = load_run(runs['began']).state.carry.codes
    with np.load(tmp_path / 'out' / 'mean.npz') as mean:
        np.testing.assert_allclose(mean['latents'], codes.mean, rtol=1e-6)
        floor = 1e-4 * np.trace(codes.cov) / 5
        wanted = np.sort(np.linalg.eigvalsh(np.asarray(codes.cov, np.float64)))[::-1] + floor
        np.testing.assert_allclose(mean['eigenvalues'], wanted, rtol=1e-4)
        roots = np.sqrt(wanted)
    assert f'began: step 3, latents of 5 numbers, root eigenvalues {roots[0]:.4g} to {roots[-1]:.4g}.' in text
    with np.load(tmp_path / 'out' / 'find.npz') as find:
        run = load_run(runs['began'])
        codes = inversion.encode(run.game, run.state, ops.to_float(find['originals']))
        np.testing.assert_allclose(find['latents'], codes, atol=1e-4)
    assert "found by the discriminator's encoder" in text
    with np.load(tmp_path / 'out' / 'walk_spherical.npz') as walk:
        ends, centre = Painter(run).latents([0, 1]), np.asarray(run.state.carry.codes.mean)
        np.testing.assert_allclose(walk['latents'][0], space.slerp(*ends, 3, centre), rtol=1e-4)
    assert len(list((tmp_path / 'out').iterdir())) == 5 * 3 + 4 * 2, text


def test_the_averaged_generator_is_shown(runs):
    run = load_run(runs['averaged'])
    points = Painter(run).latents([0, 1])
    averaged = ops.to_uint8(paint(run.game, run.state, {'latent': points}))
    close(Painter(run).images(points), np.asarray(averaged))
    bare = run._replace(state=run.state.replace(gen=run.state.gen.replace(ema=())))
    assert np.abs(Painter(bare).images(points).astype(int) - averaged.astype(int)).max() > 5


def test_a_generator_that_is_shown_a_image_is_not_explored(runs, tmp_path):
    with pytest.raises(UserError, match="trained for 'colorize', whose generator is shown an image: only runs of"):
        explore(runs['colorize'], tmp_path / 'out', Wishes())
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('wishes', 'expected'),
    [
        (dict(draw=['sampels']), r"--draw names 'sampels' \(did you mean 'samples'\?\): choose from samples, mean"),
        (dict(draw=['edits']), '--draw=edits needs --edits'),
        (dict(draw=['find']), '--draw=find needs --input'),
        (dict(draw=['mean'], arithmetic='0'), '--arithmetic is given, but --draw does not name arithmetic'),
        (dict(apply=['grin']), '--apply means nothing without --edits'),
        (dict(search=True), '--search means nothing without --input'),
        (dict(frames=1), '--frames=1 is no walk'),
        (dict(reach=0.0), '--reach=0.0 goes nowhere'),
        (dict(reach=float('nan')), '--reach=nan goes nowhere'),
        (dict(seeds=['1'], count=1), '--seeds says which and --count how many'),
        (dict(count=0), '--count=0 asks for no sample'),
        (dict(seeds=['1']), 'A walk needs two ends'),
        (dict(seeds=['1', '-2']), "--seeds has '-2': give whole numbers from 0 to"),
        (dict(directions=['1', '5']), "--directions has '5': give whole numbers from 0 to 4"),
        (dict(edits='{grin: {9: 1}}'), 'the direction 9 in grin: give whole numbers from 0 to 4'),
        (dict(edits=EDITS, apply=['grim']), "did you mean 'grin'"),
        (dict(arithmetic='0-'), 'a sign without seeds'),
        (dict(input='/nowhere/at all'), "There is no '/nowhere/at all': give an image or a folder"),
    ],
)
def test_mistakes_are_one_sentence_before_anything_is_drawn(wishes, expected, use, tmp_path):
    with pytest.raises(UserError, match=expected) as caught:
        use(**wishes)
    assert '\n' not in str(caught.value) and not (tmp_path / 'out').exists()


def test_places_that_cannot_be_written_are_explained(use, tmp_path):
    (tmp_path / 'out').write_text('')
    with pytest.raises(UserError, match="out' is a file, no folder: give a folder as --output"):
        use()
    with pytest.raises(UserError, match='Cannot write .*file/a.gif'):
        (tmp_path / 'file').write_text('')
        files.save_gif(tmp_path / 'file' / 'a.gif', np.zeros((2, 3, 3, 3), np.uint8))


def test_an_input_that_is_no_image_is_explained(use, tmp_path):
    (tmp_path / 'notes.md').write_text('no image')
    with pytest.raises(UserError, match="notes.md' is not an image that Pillow can read"):
        use(input=str(tmp_path / 'notes.md'))


def test_every_wish_is_a_flag(runs, tmp_path):
    words = f'--mode=explore --workdir={runs["began"]} --draw=directions,arithmetic --directions=1,0 --reach=2.5'
    words = [sys.executable, 'main.py', *words.split(), '--frames=3', '--arithmetic=-1+2']
    done = subprocess.run([*words, f'--output={tmp_path / "out"}'], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f'All in {tmp_path / "out"}.' in done.stdout
    with np.load(tmp_path / 'out' / 'directions.npz') as found:
        np.testing.assert_array_equal(found['directions'], [1, 0])
        np.testing.assert_allclose(found['coefficients'], [-2.5, 0, 2.5])
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr == '--mode=explore needs --output.\n'


PAIRS = {'task.latent': 2}  # latents of two numbers


def pairs(latent):
    """The first number is how bright the left half is, the second the right one."""
    left, right = (jnp.broadcast_to(latent[:, k, None, None, None], (len(latent), 16, 8, 3)) for k in (0, 1))
    return jnp.concatenate([left, right], axis=2)


@pytest.fixture
def use_pairs(monkeypatch, tmp_path):
    def go(changes=PAIRS, **wishes):
        trained = run_of(tmp_path, pairs, **changes)
        monkeypatch.setattr(module, 'load_run', lambda folder: trained)
        return explore('run', tmp_path / 'out', Wishes(**wishes))

    return go


def halves(images):
    """[..., 2] of uint8 [..., 16, 16, 3]: the brightness of the left and of the right half, from -1 to 1."""
    return np.stack([images[..., 0, 0, 0], images[..., 0, 15, 0]], axis=-1) / 127.5 - 1


def test_a_manifold_is_a_square_of_latents(use_pairs, tmp_path):
    text = use_pairs(draw=['manifold'])
    assert 'manifold.{png,npz}: 20 x 20 latents, from -0.9 to 0.9 of the range of the noise.' in text
    with np.load(tmp_path / 'out' / 'manifold.npz') as found:
        at = np.linspace(-0.9, 0.9, 20)
        np.testing.assert_allclose(found['places'], at)
        for i, j in ((0, 0), (0, 19), (19, 0), (7, 12)):  # the first number to the right, the second downwards
            np.testing.assert_allclose(found['latents'][i, j], [at[j], at[i]], atol=1e-6)
        assert found['images'].shape == (20, 20, 16, 16, 3)
        np.testing.assert_allclose(halves(found['images']), found['latents'], atol=0.005)
        sample_grid = found['images'].swapaxes(1, 2).reshape(320, 320, 3)
    np.testing.assert_array_equal(shown(tmp_path / 'out' / 'manifold.png'), sample_grid)


def test_its_side_and_span_may_be_chosen(use_pairs, tmp_path):
    use_pairs(draw=['manifold'], side=3, span=1.0)
    with np.load(tmp_path / 'out' / 'manifold.npz') as found:
        np.testing.assert_allclose(found['latents'][0], [[-1, -1], [0, -1], [1, -1]], atol=1e-6)


def test_normal_noise_is_spread_evenly_in_probability(use_pairs, tmp_path):
    use_pairs(PAIRS | {'task.distribution': 'normal'}, draw=['manifold'], side=5, span=0.8)
    with np.load(tmp_path / 'out' / 'manifold.npz') as found:
        wanted = scipy.stats.norm.ppf([0.1, 0.3, 0.5, 0.7, 0.9])
        np.testing.assert_allclose(found['latents'][2], np.stack([wanted, 0 * wanted], axis=-1), atol=1e-5)


def test_the_rules_of_the_game_place_the_latents(tmp_path):
    trained = run_of(tmp_path, pairs, **PAIRS)
    rules = trained.game.objective._replace(map_latent=lambda carry, latent: 1 + 0.5 * latent)
    painter = Painter(trained._replace(game=trained.game._replace(objective=rules)))
    np.testing.assert_allclose(painter.spread(np.array([[-1.0, 0.4]])), [[0.5, 1.2]], atol=1e-6)


def test_a_manifold_is_drawn_where_latents_are_pairs_and_nowhere_else(use_pairs, use, tmp_path):
    text = use_pairs(count=2, frames=2, side=2)
    assert 'manifold.{png,npz}: 2 x 2 latents' in text
    with pytest.raises(UserError, match='--draw=manifold needs a generator of latents of 2 numbers, .*run has 5'):
        use(draw=['samples', 'manifold'])


@pytest.mark.parametrize(
    ('changes', 'wishes', 'expected'),
    [
        ({}, dict(side=1), '--side=1 is no manifold: give at least 2'),
        ({}, dict(span=0.0), '--span=0.0 is no part of the range'),
        ({}, dict(span=1.01), '--span=1.01 is no part of the range'),
        ({}, dict(span=float('nan')), '--span=nan is no part of the range'),
        ({'task.distribution': 'normal'}, dict(span=1.0), '--span=1.0 .* .below 1 where the noise is normal'),
    ],
)
def test_manifolds_that_cannot_be_drawn_are_refused(changes, wishes, expected, use_pairs, tmp_path):
    with pytest.raises(UserError, match=expected):
        use_pairs(PAIRS | changes, **wishes)
    assert not (tmp_path / 'out').exists()


def test_rows_between_random_ends_are_walks(use):
    """Figure 15 of the thesis: both ends of a row are samples, between them a straight line in equal steps."""
    numbers, _, _ = use(draw=['samples', 'walks'], seeds=[str(k) for k in range(5)], frames=20)
    rows, ends = numbers['walk_linear']['latents'], numbers['samples']['latents']
    assert rows.shape == (4, 20, 5)
    np.testing.assert_allclose(rows[:, 0], ends[:-1], atol=1e-6)
    np.testing.assert_allclose(rows[:, -1], ends[1:], atol=1e-6)
    np.testing.assert_allclose(np.diff(rows, axis=1), np.repeat(rows[:, 1:2] - rows[:, :1], 19, axis=1), atol=1e-6)
