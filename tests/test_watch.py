"""The suite itself ends, red and with the last words, when a worker aborts, blocks or is stopped."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CASES = {
    'aborts': "os.write(2, b'words of C++'); os.abort()",
    'blocks': "os.write(2, b'words before the wait'); threading.Event().wait()",
    'stopped': "os.write(2, b'words before the stop'); os.kill(os.getpid(), signal.SIGSTOP)",
}


def test_a_worker_that_dies_or_falls_silent_ends_the_run(tmp_path):
    for name, body in CASES.items():
        (tmp_path / f'test_{name}.py').write_text(f'import os, signal, threading\n\n\ndef test_{name}():\n    {body}\n')
    options = ['-c', str(HERE.parent / 'pyproject.toml'), f'--rootdir={tmp_path}', '-p', 'conftest', '-n', '3']
    limit = ['-o', 'faulthandler_timeout=3']
    ended = subprocess.run(
        [sys.executable, '-m', 'pytest', *options, *limit, str(tmp_path)],
        cwd=HERE,
        env=os.environ | {'PYTHONPATH': str(HERE.parent)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    out = ended.stdout
    assert ended.returncode == 1, out + ended.stderr
    for name in CASES:
        assert f"crashed while running 'test_{name}.py::test_{name}'" in out, out
    assert 'words of C++' in out and 'Fatal Python error: Aborted' in out and 'in test_aborts' in out, out
    assert 'words before the wait' in out and 'Timeout (0:00:03)!' in out and 'in test_blocks' in out, out
    assert 'words before the stop' in out and 'no worker has reported' in out, out
    assert '3 failed' in out, out
