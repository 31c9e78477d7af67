"""The file of a study in a real browser: answered by keyboard to the end, and the rates read back."""

import csv
import json
from datetime import datetime, timedelta

import pytest
from browser import PHONE, WIDE, accessibility_faults, faults_of, needs_browser, open_browser, open_context, requests_of
from command_line import main
from generators import generator_config
from saved_run import save_run

COUNTS = {'realistic': 4 + 2, 'pairs': 6 + 2}  # with the checks


@pytest.fixture(scope='module')
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp('study')
    run = save_run(folder / 'noise', generator_config(**{'data.held_out': 0.11}))
    words = ('--mode=study', f'--workdir={run}', f'--output={folder / "out"}', '--count=4', '--pairs=6')
    assert main(*words).code == 0
    return folder / 'out'


class Person:
    """Somebody with a browser of their own, whose clock stands still but when it is told to go on."""

    def __init__(self, browser, study, **options):
        self.context = open_context(browser, accept_downloads=True, **({'viewport': WIDE} | options))
        self.page = self.context.new_page()
        self.faults, self.asked = faults_of(self.page), requests_of(self.page)
        self.page.clock.install(time=datetime(2026, 1, 1))
        self.page.clock.pause_at(datetime(2026, 1, 1) + timedelta(seconds=1))
        self.page.goto((study / 'index.html').as_uri())

    def enter(self, name):
        self.page.fill('#person', name)
        self.page.keyboard.press('Enter')

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def see_pair(self):
        """Lets the pair be shown, and its second pass."""
        self.press('Space')
        self.page.wait_for_selector('#stage:not(.gone)')
        self.page.clock.run_for(999)
        assert self.page.is_disabled('#left') and self.page.is_visible('#first') and self.page.is_visible('#second')
        self.press('ArrowLeft')  # too early: nothing happens
        self.page.clock.run_for(1)
        assert self.page.is_enabled('#left') and not self.page.is_visible('#first')

    def accessibility_faults(self):
        """What axe-core finds, which needs a clock that goes on. For when no pair is shown."""
        self.page.clock.resume()
        found = accessibility_faults(self.page)
        self.page.clock.pause_at(self.page.evaluate('Date.now()') / 1000 + 1)
        return found

    def text(self, place):
        return self.page.inner_text(place)

    def saved(self, button, path):
        with self.page.expect_download() as download:
            self.page.click(button)
        download.value.save_as(path)
        with open(path, newline='') as file:
            return download.value.suggested_filename, list(csv.DictReader(file))


def truth(study):
    return json.loads((study / 'key.json').read_text())['protocols']


@needs_browser
def test_a_study_is_answered_by_keyboard_and_its_rates_are_read_back(study, tmp_path):
    """One person, who reloads in the middle of either protocol."""
    key = truth(study)
    with open_browser() as browser:
        anna = Person(browser, study)
        anna.enter('anna')
        assert anna.text('#intro-title') == 'Part 1 of 2: Does it look realistic?'
        anna.press('Space', 'y', 'n', 'z')
        assert 'Taken back' in anna.text('#status') and anna.text('#count') == '1 of 6 answered'
        anna.press('ArrowLeft', 'ArrowRight')
        anna.page.reload()
        assert anna.text('#so-far') == '3 of 14 answered by anna.'
        anna.page.click('#who button')  # the field has the name already
        anna.press('Enter')
        assert anna.text('#count') == '3 of 6 answered'
        anna.press('n', 'Y', 'y')
        realistic = ['yes', 'no', 'yes', 'no', 'yes', 'yes']
        assert anna.text('#intro-title') == 'Part 2 of 2: Which one is real?'
        anna.press('Space')
        told, pairs = [], []
        for number in range(COUNTS['pairs']):
            anna.see_pair()
            if number == 3:
                anna.page.reload()
                anna.page.click('#who button')
                anna.press('Space')
                assert 'This pair was shown' in anna.text('#status') and not anna.page.is_visible('#first')
            pairs.append('left' if number % 3 else 'right')
            anna.press(f'Arrow{pairs[-1].title()}')
            told.append(anna.text('#status') if number < COUNTS['pairs'] - 1 else '')
        assert told[0].endswith('That was the practice: from here on you are not told.') and not any(told[1:])
        assert anna.text('#end-title') == 'Thank you'
        name, rows = anna.saved('#download', tmp_path / 'answers-anna.csv')
        assert name == 'answers-anna.csv' == anna.text('#file')
        assert not anna.faults and set(anna.asked) == {(study / 'index.html').as_uri()}
    assert [row['trial'] for row in rows] == [*'123456', *'12345678']
    assert [row['answer'] for row in rows[:6]] == realistic and {row['person'] for row in rows} == {'anna'}
    for row, side in zip(rows[6:], pairs, strict=True):
        assert (row['answer'] == row['left']) == (side == 'left')
    practice = rows[6]
    assert key['pairs'][practice['item']]['kind'] == 'practice'
    assert told[0].startswith('Right:' if practice['answer'] == key['pairs'][practice['item']]['right'] else 'No:')
    given = {row['item']: row['answer'] for row in rows}
    assert len(given) == 14 and set(given) == {*key['realistic'], *key['pairs']}
    done = main('--mode=study', f'--answers={tmp_path}/*.csv', f'--key={study}', f'--output={tmp_path}/rates.json')
    assert done.code == 0, done.err
    read_back(json.loads((tmp_path / 'rates.json').read_text())['protocols'], key, given)


def read_back(found, key, given):
    """Holds that the rates are what was answered, if the checks were passed, or that nothing is counted."""
    for protocol, kinds in {'realistic': ('generated', 'real'), 'pairs': ('fooled',)}.items():
        person = found[protocol]['people']['anna']
        checks = [item for item, about in key[protocol].items() if about['kind'] == 'check']
        failed = sum(given[item] != key[protocol][item]['right'] for item in checks)
        assert (person['checks'], person['failed'], person['left_out']) == (2, failed, failed > 0)
        for kind in kinds:
            own = [item for item, about in key[protocol].items() if about['kind'] == kind.replace('fooled', 'scored')]
            yes = sum(
                given[i] == 'yes' if protocol == 'realistic' else given[i] != key[protocol][i]['right'] for i in own
            )
            rate = found[protocol]['runs']['noise'][kind]
            assert (rate['yes'], rate['of']) == ((0, 0) if failed else (yes, len(own)))


@needs_browser
def test_orders_and_sides_are_each_persons_own_and_the_file_fits_a_phone_and_the_dark(study, tmp_path):
    with open_browser() as browser:
        rows = {}
        for name, options in (('anna', {'color_scheme': 'dark'}), ('bert', {'viewport': PHONE}), ('anna', {})):
            person = Person(browser, study, **options)
            seen = [person.accessibility_faults()]
            person.enter(name)
            seen.append(person.accessibility_faults())
            person.press('Space')
            seen.append(person.accessibility_faults())
            person.press(*['n'] * COUNTS['realistic'], 'Space', 'Space')
            person.page.wait_for_selector('#stage:not(.gone)')
            if name == 'bert':
                boxes = [
                    person.page.locator(place).bounding_box() for place in ('#first', '#second', '#left', '#right')
                ]
                assert boxes[0]['x'] + boxes[0]['width'] < boxes[1]['x'] and boxes[1]['y'] == boxes[0]['y']
                assert all(box['x'] >= 0 and box['x'] + box['width'] <= PHONE['width'] for box in boxes)
            assert person.page.evaluate('document.documentElement.scrollWidth <= innerWidth')
            person.page.clock.run_for(1000)
            seen.append(person.accessibility_faults())
            person.press('ArrowLeft')
            _, found = person.saved('#save', tmp_path / 'some.csv')
            assert len(found) == COUNTS['realistic'] + 1 and not any(seen) and not person.faults
            order = [(row['item'], row['left']) for row in found]
            assert rows.setdefault(name, order) == order  # the same again in another browser
            person.context.close()
        assert rows['anna'] != rows['bert'] and sorted(rows['anna'][:6]) == sorted(rows['bert'][:6])


@needs_browser
def test_names_storage_and_several_people_at_one_browser(study):
    with open_browser() as browser:
        person = Person(browser, study)
        assert person.page.input_value('#person').startswith('guest-')
        person.enter('=1+1')
        assert person.page.is_visible('#start') and 'Give a name' in person.text('#so-far')
        person.enter('u\u0308ber हिंदी')  # as some keyboards write it, and a script whose vowels are marks
        person.press('Space', 'y')
        person.page.reload()
        assert person.page.input_value('#person') == '\u00fcber हिंदी'
        person.enter('anna')
        person.page.focus('#begin')
        person.page.keyboard.press('Enter')
        person.page.focus('#right')
        person.page.keyboard.down('Enter')
        person.page.keyboard.down('Enter')  # held: the browser alone would answer again
        person.page.keyboard.up('Enter')
        assert person.text('#count') == '1 of 6 answered'
        person.page.reload()
        assert person.page.input_value('#person') == 'anna'
        person.enter('bert')
        person.press('Space')
        assert person.text('#count') == '0 of 6 answered'
        person.page.reload()
        person.enter('anna')
        person.press('Space')
        assert person.text('#count') == '1 of 6 answered'
        other = person.context.new_page()
        other.goto((study / 'index.html').as_uri())
        other.fill('#person', 'anna')
        other.keyboard.press('Enter')
        other.keyboard.press('Space')
        other.keyboard.press('y')
        person.page.wait_for_selector('#start')  # somebody answers in another window: begin again from what is kept
        assert person.text('#so-far') == '2 of 14 answered by anna.' and not person.faults
        person.context.close()
        none = Person(browser, study)
        none.page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})")
        none.page.reload()
        none.enter('carl')
        none.press('Space', 'y')
        assert 'does not keep your answers' in none.text('#notice') and none.text('#count') == '1 of 6 answered'
        broken = Person(browser, study)
        for text in ('{', '[]', '{"realistic": {"marks": "{}", "times": 3}, "pairs": 7}'):
            broken.page.evaluate(
                '(text) => Object.keys(localStorage).forEach((k) => localStorage.setItem(k, text))', text
            )
            broken.page.reload()
            broken.enter('dora')
            broken.press('Space', 'y')
            assert broken.text('#count').endswith('of 6 answered') and not broken.faults
