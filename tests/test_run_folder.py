"""Numbered run folders."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from gans.errors import UserError
from gans.run import folder


def test_folders_are_numbered_even_when_many_start_at_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: folder.new_run_folder(tmp_path / 'runs', 'x').name, range(20)))
    assert sorted(made) == [f'{i:05d}-x' for i in range(20)]
    assert folder.next_run_name(tmp_path / 'runs', 'y').endswith('00020-y')
    assert not (tmp_path / 'runs' / '00020-y').exists()


def test_no_permission_is_a_sentence(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='choose another --workdir'):
        folder.new_run_folder(tmp_path / 'file', 'x')
