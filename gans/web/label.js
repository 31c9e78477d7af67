
(() => {
  const { digest, images } = JSON.parse(document.getElementById('data').textContent);
  const kept = new Kept(`gans-label-${digest}`);
  const element = (id) => document.getElementById(id);
  const SIGNS = { acceptable: '\u2713', unacceptable: '\u2717', '': '' };

  const marks = new Marks(images.map((image) => image.file), kept.read());

  const keep = () => {
    kept.write(marks.text());
    element('notice').hidden = kept.works;
    if (!kept.works) {
      element('notice').textContent =
        'This browser does not keep your marks: download labels.csv before you close this file.';
    }
  };

  const thumbnails = images.map((image, i) => {
    const item = document.createElement('li');
    const button = document.createElement('button');
    const small = document.createElement('img');
    const tick = document.createElement('span');
    Object.assign(small, { src: image.source, alt: '', decoding: 'async' });
    Object.assign(tick, { className: 'tick' });
    tick.setAttribute('aria-hidden', 'true');
    Object.assign(button, { type: 'button' });
    button.append(small, tick);
    button.addEventListener('click', () => {
      marks.go(i);
      show();
      element('image').scrollIntoView({ block: 'nearest' });
    });
    item.append(button);
    element('all').append(item);
    return { button, tick, drawn: null };
  });

  const said = (label) => label || 'not marked';

  const show = (news = '') => {
    const { at, labels, files, marked } = marks;
    element('image').src = images[at].source;
    element('image').alt = `Image ${files[at]}`;
    element('name').textContent = `${files[at]}, ${at + 1} of ${files.length}`;
    element('mark').textContent = labels[at] && `${SIGNS[labels[at]]} ${labels[at]}`;
    element('mark').className = `mark ${labels[at]}`;
    Object.assign(element('progress'), { value: marked, max: files.length });
    element('count').textContent = `${marked} of ${files.length} marked: ${marks.count('acceptable')} acceptable, `
      + `${marks.count('unacceptable')} unacceptable`;
    element('undo').disabled = !marks.history.length;
    element('back').disabled = at === 0;
    element('next').disabled = at === files.length - 1;
    const done = marked === files.length;
    element('download').classList.toggle('ready', done);
    const end = done ? ' All images are marked: download labels.csv.' : '';
    element('status').textContent = `${news}Image ${at + 1} of ${files.length}, ${said(labels[at])}.${end}`;
    thumbnails.forEach((thumbnail, i) => {
      const { button, tick, drawn } = thumbnail;
      const wanted = `${labels[i]} ${i === at}`;
      if (drawn === wanted) return;
      thumbnail.drawn = wanted;
      button.className = labels[i];
      button.setAttribute('aria-label', `${files[i]}, ${said(labels[i])}`);
      button.setAttribute('aria-current', String(i === at));
      tick.textContent = SIGNS[labels[i]];
    });
    keep();
  };

  const mark = (label) => {
    const file = marks.files[marks.at];
    marks.mark(label);
    show(`${file} is ${label}. `);
  };
  const undo = () => {
    if (marks.undo()) show(`Taken back: ${marks.files[marks.at]}. `);
  };
  const go = (step) => {
    marks.go(marks.at + step);
    show();
  };
  const download = () => giveFile('labels.csv', marks.csv());

  const buttons = {
    good: () => mark('acceptable'),
    bad: () => mark('unacceptable'),
    undo,
    back: () => go(-1),
    next: () => go(1),
    download,
  };
  Object.entries(buttons).forEach(([id, act]) => element(id).addEventListener('click', act));

  const keys = {
    ArrowRight: buttons.good,
    a: buttons.good,
    ArrowLeft: buttons.bad,
    u: buttons.bad,
    z: undo,
    Backspace: undo,
    p: buttons.back,
    n: buttons.next,
  };
  onKeys(keys, undo);
  kept.onOtherWindow((text) => {
    marks.restore(text);
    show();
  });
  addEventListener('beforeunload', (event) => {
    if (!kept.works && marks.marked) event.preventDefault();
  });
  show();
})();
