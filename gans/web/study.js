
(() => {
  const { study, protocols } = JSON.parse(document.getElementById('data').textContent);
  const element = (id) => document.getElementById(id);
  const SHOWN = 1000; // milliseconds for which a pair is seen
  const NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._-]{0,39}$/u; // and so no formula of a spreadsheet
  const TITLES = { realistic: 'Does it look realistic?', pairs: 'Which one is real?' };
  const WORDS = { realistic: ['No', 'Yes'], pairs: ['Left', 'Right'] };
  const HEADER = ['study', 'person', 'protocol', 'trial', 'item', 'left', 'answer', 'milliseconds'];
  const names = Object.keys(protocols);
  const last = new Kept(`gans-study-${study}`); // the name of whoever answered last
  let person = '';
  let kept = null; // the answers of this person
  let parts = [];
  let part = null; // the one that is being answered
  let phase = 'start'; // start, intro, ready, loading, shown, choose, end
  let since = 0; // when the present choice began

  const partsOf = (name) => {
    const found = new Kept(`${last.name}-${name}`);
    let saved = null;
    try {
      saved = JSON.parse(found.read());
    } catch {
      // Somebody else wrote it.
    }
    const own = names.map((protocol) => new Part(protocol, protocols[protocol], `${study} ${name}`, saved?.[protocol]));
    return [found, own];
  };

  const keep = () => {
    kept.write(JSON.stringify(Object.fromEntries(parts.map((own) => [own.protocol, own.state()]))));
    last.write(person);
    element('notice').hidden = kept.works;
    if (!kept.works) {
      element('notice').textContent = 'This browser does not keep your answers: save them before you close this file.';
    }
  };

  const open = (section) => {
    ['start', 'intro', 'trial', 'end'].forEach((id) => (element(id).hidden = id !== section));
  };

  const say = (text, kind = '') => Object.assign(element('status'), { textContent: text, className: kind });

  /** Shows how far the present part is, and what can be done. */
  const draw = () => {
    const { answered, items, protocol, at, practice, marks } = part;
    const choosing = phase === 'choose';
    Object.assign(element('progress'), { value: answered, max: items.length });
    const kind = at < practice ? `Practice ${at + 1} of ${practice}. ` : '';
    element('count').textContent = `${kind}${answered} of ${items.length} answered`;
    element('stage').className = `${protocol === 'pairs' ? 'two' : 'one'} ${
      phase === 'shown' || protocol === 'realistic' ? '' : 'gone'}`;
    element('second').hidden = protocol !== 'pairs';
    element('show').hidden = phase !== 'ready';
    element('choices').hidden = phase === 'ready';
    ['left', 'right'].forEach((id) => (element(id).disabled = !choosing));
    element('undo').hidden = protocol === 'pairs';
    element('undo').disabled = !marks.history.length;
  };

  const images = () => [element('first'), element('second')].slice(0, part.images.length);

  const load = () => {
    const pair = part.protocol === 'pairs';
    images().forEach((image, i) => {
      image.src = part.images[i];
      image.alt = pair ? ['Left image', 'Right image'][i] : 'The image to judge';
    });
    return Promise.all(images().map((image) => image.decode().catch(() => {})));
  };

  const choose = () => {
    phase = 'choose';
    since = performance.now();
    draw();
  };

  /** Goes to the present item of the part, or to the next part. */
  const next = () => {
    if (part.done) {
      introduce();
    } else if (part.protocol === 'realistic') {
      load().then(() => phase === 'choose' && (since = performance.now()));
      choose();
    } else if (part.asked === part.at) {
      load();
      say('This pair was shown: which one was real?');
      choose();
    } else {
      phase = 'ready';
      draw();
      element('show').focus();
    }
  };

  const showPair = () => {
    phase = 'loading';
    say('');
    draw();
    load().then(() => {
      if (phase !== 'loading') return; // another window took over meanwhile
      part.asked = part.at;
      keep();
      phase = 'shown';
      draw();
      setTimeout(() => phase === 'shown' && choose(), SHOWN);
    });
  };

  const answer = (side) => {
    if (phase !== 'choose') return;
    const wasRight = part.answer(side, performance.now() - since);
    keep();
    say('');
    if (wasRight !== null) {
      const over = part.at >= part.practice ? ' That was the practice: from here on you are not told.' : '';
      const other = side === 'left' ? 'right' : 'left';
      say(wasRight ? `Right: the ${side} one was real.${over}` : `No: the ${other} one was real.${over}`,
        wasRight ? 'good' : 'bad');
    }
    next();
  };

  const undo = () => {
    if (phase !== 'choose' || part.protocol === 'pairs' || !part.marks.undo()) return;
    keep();
    say('Taken back: answer it again.');
    next();
  };

  const begin = () => {
    const [left, right] = WORDS[part.protocol];
    element('left-word').textContent = left;
    element('right-word').textContent = right;
    ['left-key', 'right-key'].forEach((id) => (element(id).hidden = part.protocol === 'pairs'));
    element('question').textContent = TITLES[part.protocol];
    say('');
    open('trial');
    element('question').focus();
    next();
  };

  const introduce = () => {
    part = parts.find((own) => !own.done);
    phase = part ? 'intro' : 'end';
    open(phase);
    if (!part) {
      element('file').textContent = fileName();
      element('end-title').focus();
      return;
    }
    const number = parts.indexOf(part) + 1;
    const which = parts.length > 1 ? `Part ${number} of ${parts.length}: ` : '';
    element('intro-title').textContent = `${which}${TITLES[part.protocol]}`;
    names.forEach((name) => (element(`about-${name}`).hidden = name !== part.protocol));
    ['realistic', 'pairs'].filter((name) => !protocols[name]).forEach((name) => (element(`about-${name}`).hidden = true));
    element('practice').textContent = part.practice;
    element('intro-title').focus();
  };

  const fileName = () => `answers-${person.replaceAll(/[ .]/g, '_')}.csv`;

  const save = () => {
    const rows = parts.flatMap((own) => own.rows()).map((row) => [study, person, ...row]);
    giveFile(fileName(), asCsv([HEADER, ...rows]));
  };

  /** The name in the field, in the one form of Unicode that two keyboards have for it. */
  const given = () => element('person').value.trim().normalize('NFC');

  const tell = () => {
    const name = given();
    const good = NAME.test(name);
    const answered = good ? partsOf(name)[1].map((own) => own.answered).reduce((a, b) => a + b) : 0;
    const total = names.map((protocol) => protocols[protocol].length).reduce((a, b) => a + b);
    element('so-far').textContent = good
      ? `${answered} of ${total} answered by ${name}.`
      : 'Give a name that begins with a letter or a digit, of letters, digits, spaces, points, _ and -.';
    return good;
  };

  const start = (name) => {
    phase = 'start';
    open('start');
    const letters = crypto.getRandomValues(new Uint8Array(6));
    element('person').value = name || `guest-${Array.from(letters, (byte) => 'abcdefghijklmnopqrstuvwxyz'[byte % 26]).join('')}`;
    tell();
  };

  const enter = (event) => {
    event.preventDefault();
    if (!tell()) return;
    person = given();
    [kept, parts] = partsOf(person);
    const mine = kept;
    kept.onOtherWindow(() => mine === kept && phase !== 'start' && start(person));
    keep();
    introduce();
  };

  const go = () => {
    if (phase === 'intro') begin();
    else if (phase === 'ready') showPair();
  };
  const only = (protocol, act) => () => part?.protocol === protocol && act();
  const left = () => answer('left');
  const right = () => answer('right');

  names.forEach((name) => {
    const count = protocols[name].length;
    const what = name === 'pairs' ? `${count} pairs, each shown for one second` : `${count} images`;
    element('parts').append(Object.assign(document.createElement('li'), { textContent: `${TITLES[name]} ${what}` }));
  });
  const buttons = { begin: go, show: go, left, right, undo, save, download: save, another: () => start('') };
  Object.entries(buttons).forEach(([id, act]) => element(id).addEventListener('click', act));
  element('who').addEventListener('submit', enter);
  element('person').addEventListener('input', tell);
  onKeys({
    ArrowLeft: left,
    ArrowRight: right,
    n: only('realistic', left),
    y: only('realistic', right),
    z: undo,
    Backspace: undo,
    ' ': go,
    Enter: go,
  }, undo);
  addEventListener('beforeunload', (event) => {
    if (kept && !kept.works && parts.some((own) => own.answered)) event.preventDefault();
  });
  start(last.read());
})();
