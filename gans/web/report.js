
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const curves = new Curves(data, document.getElementById('shown'));

  const zooms = {
    in: () => curves.change(0.5),
    out: () => curves.change(2),
    all: () => curves.reset(),
    '-1': () => curves.change(1, -0.5),
    1: () => curves.change(1, 0.5),
  };
  document.querySelectorAll('[data-zoom]').forEach((button) => {
    button.addEventListener('click', zooms[button.dataset.zoom]);
  });

  /** The sample grids of one run: a slider, buttons, and an image that follows. */
  const grids = [...document.querySelectorAll('[data-grids]')].map((place) => {
    const own = data.grids[Number(place.dataset.grids)];
    const [image, slider, output] = ['img', 'input', 'output'].map((name) => place.querySelector(name));
    const play = place.querySelector('[data-play]');
    let timer = null;
    own[own.length - 1].uri = image.src; // the document holds it already
    const show = () => {
      const { step, alt, uri } = own[Number(slider.value)];
      Object.assign(image, { src: uri, alt });
      output.textContent = `step ${step.toLocaleString('en')}`;
      slider.setAttribute('aria-valuetext', `step ${step}`);
      curves.point(step);
    };
    const go = (at) => {
      slider.value = String(at);
      show();
    };
    const stop = () => {
      clearInterval(timer);
      timer = null;
      play.textContent = 'Play';
    };
    slider.addEventListener('input', () => {
      stop();
      show();
    });
    place.querySelectorAll('[data-move]').forEach((button) => {
      button.addEventListener('click', () => {
        stop();
        go(Number(slider.value) + Number(button.dataset.move));
      });
    });
    play.addEventListener('click', () => {
      if (timer !== null) {
        stop();
        return;
      }
      play.textContent = 'Stop';
      if (Number(slider.value) === own.length - 1) go(0);
      timer = setInterval(() => {
        go(Number(slider.value) + 1);
        if (Number(slider.value) === own.length - 1) stop();
      }, 700);
    });
    return { run: Number(place.dataset.grids), own, go };
  });

  document.querySelectorAll('.insets [data-step]').forEach((button) => {
    const run = Number(button.closest('.insets').dataset.run);
    const step = Number(button.dataset.step);
    button.addEventListener('click', () => {
      const shown = grids.find((one) => one.run === run);
      shown?.go(shown.own.findIndex((grid) => grid.step === step));
      curves.point(step);
    });
  });
})();
