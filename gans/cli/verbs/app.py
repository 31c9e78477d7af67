"""A local web page for trained runs."""

from gans.cli.flags import Flag, Verb


def _run(flags, config) -> int:
    from gans.app.app import app
    from gans.app.limits import Limits

    limits = Limits(**{name: flags[f'max_{name}'] for name in Limits._fields})
    app(flags['workdir'], flags['host'], flags['port'], limits)
    return 0


VERB = Verb(
    'a local web page: use runs on photos, explore generators',
    {
        'workdir': Flag('paths', 'the run folders, separated by commas', (), needed=True),
        'port': Flag('whole', 'the port to listen on; the first free one from 7860 on by default', most=65535),
        'host': Flag('text', 'the address to listen on; 0.0.0.0 lets others on the network in', '127.0.0.1'),
        'max_megabytes': Flag('whole', 'of an upload', 32, most=4096),
        'max_megapixels': Flag('whole', 'of a photo', 40, most=178),
        'max_seconds': Flag('whole', 'that a request may take', 120, most=86400),
    },
    _run,
)
