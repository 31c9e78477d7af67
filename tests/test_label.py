"""The verb `label`: its files, and what is in the HTML file; labels that people write."""

import base64
import fnmatch
import hashlib
import html
import json
import os
import re
import shlex
import shutil
import tomllib
from html.parser import HTMLParser

import numpy as np
import pytest
from command_line import ROOT, main
from generators import generator_config
from odd_files import png_header
from PIL import Image
from runs_on_disk import contents, refused
from saved_run import make_config, save_images, save_run, smooth_images

from gans.errors import UserError
from gans.labelling.label import write_marking
from gans.labelling.labels_file import CLASSES, read_labels
from gans.web.documents import as_json, document


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return save_run(tmp_path_factory.mktemp('run') / '00000-generator', generator_config())


@pytest.fixture(scope='module')
def labelled(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp('labelled') / 'out'
    done = main('--mode=label', f'--workdir={run}', f'--output={folder}', '--count=19', '--seed=5')
    assert done.code == 0, done.err
    return folder, done


def test_a_run_is_named_from_inside_too(run, tmp_path, monkeypatch):
    monkeypatch.chdir(run)
    done = main('--mode=label', '--workdir=.', f'--output={tmp_path / "out"}', '--count=2')
    page = (tmp_path / 'out/label.html').read_text()
    assert all(f'2 samples of {run.name}, step' in text for text in (done.out, page))


def test_held_out_images_that_have_moved_are_found_where_they_are_said_to_be(tmp_path):
    images = save_images(tmp_path / 'images', smooth_images(12))
    run = save_run(tmp_path / 'run', make_config('colorize', images))
    images.rename(tmp_path / 'moved')
    words = ('--mode=label', f'--workdir={run}', f'--output={tmp_path / "out"}', '--count=1')
    done = main(*words)
    assert done.code == 2 and 'If they have moved, some verbs take their new place as --input' in done.err
    assert main(*words, f'--input={tmp_path / "moved"}').code == 0 and (tmp_path / 'out/000000.png').is_file()


class Elements(HTMLParser):
    """The elements of a document: (name, attributes), and the text in each script and style."""

    def __init__(self, text):
        super().__init__()
        self.found, self.code = [], []
        self._in = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag in ('script', 'style'):
            self._in = (tag, dict(attrs))
            self.code.append([*self._in, ''])

    def handle_endtag(self, tag):
        self._in = None

    def handle_data(self, data):
        if self._in:
            self.code[-1][2] += data


# Samples


def test_samples_are_files_that_follow_from_the_seed(run, labelled, tmp_path):
    folder, done = labelled
    assert {path.name for path in folder.iterdir()} == {'label.html', *(f'{i:06d}.png' for i in range(19))}
    for words in ('19 samples of 00000-generator, step 3, seed 5', f'{folder}/label.html', '--mode=classify'):
        assert words in done.out
    main('--mode=label', f'--workdir={run}', f'--output={tmp_path}', '--count=2', '--seed=5')
    for name in ('000000.png', '000001.png'):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
        assert np.asarray(Image.open(folder / name)).shape == (16, 16, 3)
    assert (folder / '000000.png').read_bytes() != (folder / '000001.png').read_bytes()


def test_once_more_changes_nothing_and_other_samples_are_refused(run, labelled):
    folder, _ = labelled
    before = contents(folder)
    assert main('--mode=label', f'--workdir={run}', f'--output={folder}', '--count=19', '--seed=5').code == 0
    assert contents(folder) == before
    for words in (['--count=19', '--seed=6'], ['--count=18', '--seed=5']):
        done = main('--mode=label', f'--workdir={run}', f'--output={folder}', *words)
        refused(done, 'is no image of these samples', 'choose another folder')
    assert contents(folder) == before


def test_samples_that_were_rounded_otherwise_are_kept(run, labelled, tmp_path):
    again = shutil.copytree(labelled[0], tmp_path / 'again')
    pixels = np.array(Image.open(again / '000001.png'))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(again / '000001.png')
    kept = (again / '000001.png').read_bytes()
    words = ('--mode=label', f'--workdir={run}', f'--output={again}', '--count=19', '--seed=5')
    assert main(*words).code == 0 and (again / '000001.png').read_bytes() == kept
    Image.fromarray(pixels[:-1]).save(again / '000001.png')
    refused(main(*words), "000001.png' is no image of these samples")


def test_what_cannot_be_a_sample_is_told_and_kept(run, tmp_path):
    words = ('--mode=label', f'--workdir={run}', f'--output={tmp_path}', '--count=1')
    path = tmp_path / '000000.png'
    path.write_bytes(png_header(40_000, 40_000))
    refused(main(*words), 'is no image of these samples')
    assert path.read_bytes() == png_header(40_000, 40_000)
    path.unlink()
    os.mkfifo(path)
    refused(main(*words), 'a named pipe')


def test_the_command_that_is_printed_is_one_for_a_shell(run, tmp_path):
    folder = tmp_path / "it's here [1]"
    done = main('--mode=label', f'--workdir={run}', f'--output={folder}', '--count=1')
    assert f'--labels={folder}/labels.csv' in shlex.split(done.out.splitlines()[-1]), done


@pytest.mark.parametrize('count', [0, -1])
def test_no_sample_at_all_is_refused(run, tmp_path, count):
    done = main('--mode=label', f'--workdir={run}', f'--output={tmp_path / "new"}', f'--count={count}')
    refused(done, f'--count={count}')
    assert not (tmp_path / 'new').exists()


def test_a_file_in_place_of_the_folder_is_refused(run, tmp_path):
    (tmp_path / 'file').write_text('mine')
    refused(main('--mode=label', f'--workdir={run}', f'--output={tmp_path / "file"}'), 'is a file')
    assert (tmp_path / 'file').read_text() == 'mine'


def test_a_folder_in_the_way_of_a_file_is_told(run, tmp_path):
    (tmp_path / 'label.html').mkdir()
    done = main('--mode=label', f'--workdir={run}', f'--output={tmp_path}', '--count=1')
    refused(done, 'label.html', 'a folder is in its way')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['000000.png', 'label.html']


# The HTML file


def test_the_html_file_holds_all_images_and_requests_nothing(labelled):
    folder, _ = labelled
    text = (folder / 'label.html').read_text()
    elements = Elements(text)
    for tag, attributes in elements.found:
        assert not {'src', 'href', 'srcset', 'action'} & attributes.keys(), (tag, attributes)
    assert not re.search(r'https?:|@import|url\(|fetch\(|XMLHttpRequest|import\(', text)
    (_, _, style), (_, kind, data), (_, _, script) = elements.code
    assert kind == {'type': 'application/json', 'id': 'data'}
    data = json.loads(data)
    assert [image['file'] for image in data['images']] == [f'{i:06d}.png' for i in range(19)]
    for image in data['images']:
        begins, _, encoded = image['source'].partition(',')
        assert begins == 'data:image/png;base64'
        assert base64.b64decode(encoded) == (folder / image['file']).read_bytes()
    policy = next(a['content'] for t, a in elements.found if a.get('http-equiv') == 'Content-Security-Policy')
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for rule, code in (('style-src', style), ('script-src', script)):
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in policy


def test_the_script_finds_the_elements_that_it_uses_and_all_have_names(labelled):
    elements = Elements((labelled[0] / 'label.html').read_text())
    script = elements.code[-1][2]
    ids = [attributes['id'] for _, attributes in elements.found if 'id' in attributes]
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"element\('(\w+)'\)", script)) | {'good', 'bad', 'back', 'next'}
    assert len(used) > 12 and used <= set(ids)
    assert ('html', {'lang': 'en'}) in elements.found
    assert any(attributes.get('name') == 'viewport' for _, attributes in elements.found)
    assert all('alt' in attributes for tag, attributes in elements.found if tag == 'img')
    assert all('aria-label' in attributes for tag, attributes in elements.found if tag == 'progress')
    assert any(attributes.get('role') == 'status' for _, attributes in elements.found)
    assert 'prefers-color-scheme: dark' in elements.code[0][2]


def test_what_a_browser_keeps_belongs_to_names_and_bytes(labelled, tmp_path):
    def digest(names, change=b''):
        for name in names:
            content = (labelled[0] / name.replace('copy', '000000')).read_bytes()
            (tmp_path / name).write_bytes(content + change)
        write_marking(tmp_path, names, 'about')
        return json.loads(Elements((tmp_path / 'label.html').read_text()).code[1][2])['digest']

    names = ['000000.png', '000001.png']
    first = digest(names)
    assert first == digest(names) and first != digest(names[:1]) and first != digest(names, b'\0')
    assert digest(['000000.png']) != digest(['copy.png'])


def test_texts_of_others_are_shown_and_not_obeyed(tmp_path):
    evil = '</script><script>alert(1)</script><!-- & "\u2028'
    data = {'digest': evil, 'images': [{'file': evil, 'source': ''}]}
    texts = {'title': evil, 'about': '{{command}}', 'command': evil}
    text = document('label', ['marks', 'answering', 'label'], texts, data)
    elements = Elements(text)
    assert [tag for tag, _, _ in elements.code] == ['style', 'script', 'script']
    assert json.loads(elements.code[1][2]) == data
    assert f'<title>{html.escape(evil)}</title>' in text and '>{{command}}<' in text
    assert json.loads(as_json(data)) == data and not set('<>&\u2028') & set(as_json(data))


def test_a_word_without_a_text_is_an_error():
    with pytest.raises(KeyError, match='command'):
        document('label', ['marks'], {'title': '', 'about': ''}, {})


def test_the_files_of_documents_are_installed_with_the_package():
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())
    patterns = project['tool']['setuptools']['package-data']['gans.web']
    others = [path.name for path in (ROOT / 'gans/web').iterdir() if path.suffix not in ('.py', '', '.pyc')]
    assert {'label.html', 'base.css', 'label.css', 'marks.js', 'label.js'} <= set(others)
    assert all(any(fnmatch.fnmatch(name, pattern) for pattern in patterns) for name in others)


def test_labels_are_called_the_same_in_the_browser_and_here():
    script = (ROOT / 'gans/web/marks.js').read_text()
    assert re.search(r'^const LABELS = (\[.*\]);$', script, re.MULTILINE)[1] == str(list(CLASSES))


# Labels

A_AND_C = {'a.png': 'acceptable', 'sub/c.png': 'unacceptable'}


@pytest.fixture
def table(tmp_path):
    """Writes labels.csv beside a.png, b.png and sub/c.png."""
    (tmp_path / 'sub').mkdir()
    for name in ('a.png', 'b.png', 'sub/c.png', 'with, comma.png'):
        (tmp_path / name).write_bytes(b'')

    def write(content):
        path = tmp_path / 'labels.csv'
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ('content', 'found'),
    [
        ('file,label\na.png,acceptable\nb.png,unacceptable\n', {'a.png': 'acceptable', 'b.png': 'unacceptable'}),
        ('file,label\na.png,\nb.png,acceptable\n', {'b.png': 'acceptable'}),
        ('file,label\na.png\n\n,\nb.png,acceptable', {'b.png': 'acceptable'}),
        ('\ufefffile;label\r\na.png;acceptable\r\n', {'a.png': 'acceptable'}),
        ('who,Label , FILE\nme, Acceptable,sub/c.png\n', {'sub/c.png': 'acceptable'}),
        ('file,label\na.png,acceptable\na.png,\na.png,acceptable\n', {'a.png': 'acceptable'}),
        ('file,label\n"with, comma.png",unacceptable\n', {'with, comma.png': 'unacceptable'}),
        ('file,label\ngone.png,\na.png,acceptable\n', {'a.png': 'acceptable'}),
        ('file\tlabel\r\na.png\tacceptable\r\n', {'a.png': 'acceptable'}),
        ('file;label;"seen by A, B"\na.png;acceptable;\n', {'a.png': 'acceptable'}),
        ('\ufeffsep=;\r\n\r\nfile;label\r\na.png;acceptable\r\n', {'a.png': 'acceptable'}),
        ('sep=,\nfile,label\n./a.png,acceptable\nsub//c.png,unacceptable\n', A_AND_C),
        ('file,label\n.\\a.png,acceptable\nsub\\c.png,unacceptable\n', A_AND_C),
    ],
)
def test_labels_are_read_as_people_write_them(table, content, found):
    assert read_labels(table(content)) == found


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ('', "names no column 'file'"),
        ('a.png,acceptable\n', "names no column 'file'"),
        ('file,mark\na.png,acceptable\n', "names no column 'label'"),
        ('file,label\n', 'has no label in it'),
        ('file,label\na.png,\n', 'has no label in it'),
        ('file,label\na.png,acceptible\n', r"Line 2 .* 'acceptible' \(did you mean 'acceptable'\?\)"),
        ('file,label\n\nx.png,acceptable\n', "Line 3 .* names 'x.png', and there is no such file"),
        ('file,label\nsub,acceptable\n', "names 'sub', and there is no such file"),
        ('file,label\nsub/../a.png,acceptable\n', 'there is no such file in its folder'),
        ('file,label\n/etc/passwd,acceptable\n', 'there is no such file in its folder'),
        ('file,label\na.png,acceptable\na.png,unacceptable\n', "Lines 2 and 3 .* call 'a.png' acceptable and unacc"),
        ('file,label\na\0.png,acceptable\n', 'no such file|no line of a CSV'),
        (b'file,label\n\xff\xfe,acceptable\n', 'is no text in UTF-8'),
        (b'\x89PNG\r\n\x1a\n', 'is no text in UTF-8'),
        (f'file,label\n{"a" * 200_000},acceptable\n', 'no line of a CSV'),
        ('file,label\na.png,acceptable\n"b.png,unacceptable\nsub/c.png,acceptable\n', 'Line 3 .* no line of a CSV'),
        ('file,label\na.png,acceptable\n./a.png,unacceptable\n', "Lines 2 and 3 .* call 'a.png' acceptable and un"),
        ('file,label,label\na.png,acceptable,unacceptable\n', "names two columns 'label'"),
        ('file;mark\na.png;acceptable\n', "names no column 'label'"),
        (f'file,label\na.png,{"z" * 9000}\n', "'z{80}[.]{3}': give"),
    ],
)
def test_a_table_with_a_mistake_is_refused_in_a_sentence(table, content, said):
    with pytest.raises(UserError, match=said):
        read_labels(table(content))


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(UserError, match='There is no .*labels.csv'):
        read_labels(tmp_path / 'labels.csv')
    with pytest.raises(UserError, match='is a folder: give the table in it, as in --labels=.*/labels.csv'):
        read_labels(tmp_path)
