// Shows a film with the map of a finding over it: window, zoom, place and opacity, by mouse, finger and keys.
"use strict";

(() => {
  const PLAIN = { zoom: 1, x: 0, y: 0, opacity: 100, centre: 128, width: 256, inverted: false, region: true, lungs: false };
  const STEPS = { zoom: 1.25, move: 40, opacity: 10, centre: 8, width: 16 };
  const ZOOM_MAX = 20;

  const section = document.querySelector(".viewer");
  if (!section) {
    return;
  }
  const stage = section.querySelector(".stage");
  const canvas = stage.querySelector("canvas");
  const said = section.querySelector(".said");
  const words = JSON.parse(section.dataset.words);
  const choice = section.querySelector('[data-control="map"]');
  const lungsButton = section.querySelector('[data-does="lungs"]');
  const films = [...section.querySelectorAll("[data-film]")];
  const base = `/studies/${section.dataset.study}/films/`;
  const view = { ...PLAIN };
  let film = null; // { gray, shown, columns, rows, toSource }
  let map = null;
  let lungs = null; // the outline of the lungs, a layer like the map
  let chosen = null; // the button of the film that is shown
  let frame = 0;

  const say = (text) => { said.textContent = text || "\u00a0"; };
  const limited = (value, low, high) => Math.min(high, Math.max(low, value));

  async function pictureOf(address) {
    const answer = await fetch(address);
    if (!answer.ok) {
      throw new Error((await answer.text()).slice(0, 500) || String(answer.status));
    }
    const place = answer.headers.get("x-hilum-film");
    return { bitmap: await createImageBitmap(await answer.blob()), place: place ? JSON.parse(place) : null };
  }

  function canvasOf(bitmap) {
    const one = document.createElement("canvas");
    one.width = bitmap.width;
    one.height = bitmap.height;
    one.getContext("2d", { willReadFrequently: true }).drawImage(bitmap, 0, 0);
    return one;
  }

  async function showFilm(button) {
    chosen = button;
    for (const one of films) {
      one.setAttribute("aria-pressed", String(one === button));
    }
    film = map = lungs = null;
    draw();
    if (lungsButton) {
      lungsButton.hidden = !hasLungs();
    }
    offerMaps(JSON.parse(button.dataset.maps));
    say(words.loading);
    try {
      const { bitmap, place } = await pictureOf(`${base}${button.dataset.film}.png`);
      if (button !== chosen) {
        return;
      }
      const shown = canvasOf(bitmap);
      const pixels = shown.getContext("2d").getImageData(0, 0, shown.width, shown.height).data;
      const gray = new Uint8Array(shown.width * shown.height);
      for (let index = 0; index < gray.length; index++) {
        gray[index] = pixels[4 * index];
      }
      film = { gray, shown, columns: shown.width, rows: shown.height, toSource: place && place.to_source };
      applyWindow();
      say("");
      section.dataset.state = "film";
      await showMap();
      await showLungs();
    } catch (error) {
      if (button === chosen) {
        section.dataset.state = "failed";
        say(`${words.failed} ${error.message}`);
      }
    }
  }

  function offerMaps(maps) {
    choice.replaceChildren(new Option(words.none, ""), ...maps.map((one) => new Option(one.meaning, one.name)));
    for (const one of section.querySelectorAll('[data-needs="map"]')) {
      one.hidden = !maps.length;
    }
    const positive = maps.find((one) => one.positive);
    choice.value = positive ? positive.name : "";
  }

  async function showMap() {
    const [button, name] = [chosen, choice.value];
    map = null;
    draw();
    if (!film || !name) {
      return;
    }
    say(words.map);
    try {
      const { bitmap } = await pictureOf(`${base}${button.dataset.film}/map/${encodeURIComponent(name)}.png`);
      if (button === chosen && name === choice.value) {
        map = bitmap;
        say("");
        section.dataset.state = "map";
        draw();
      }
    } catch (error) {
      if (button === chosen) {
        say(`${words.nomap} ${error.message}`);
      }
    }
  }

  const hasLungs = () => chosen !== null && "lungs" in chosen.dataset;

  async function showLungs() {
    const button = chosen;
    if (!film || lungs || !view.lungs || !hasLungs()) {
      return;
    }
    say(words.lungs);
    try {
      const { bitmap } = await pictureOf(`${base}${button.dataset.film}/lungs.png`);
      if (button === chosen) {
        lungs = bitmap;
        say("");
        draw();
      }
    } catch (error) {
      if (button === chosen) {
        say(`${words.nolungs} ${error.message}`);
      }
    }
  }

  // PS3.3 C.11.2.1.2: centre and width, here over the levels that the film was rendered to.
  function applyWindow() {
    if (!film) {
      return;
    }
    const levels = new Uint8ClampedArray(256);
    for (let gray = 0; gray < 256; gray++) {
      const level = 255 * ((gray - view.centre + 0.5) / view.width + 0.5);
      levels[gray] = view.inverted ? 255 - limited(level, 0, 255) : level;
    }
    const context = film.shown.getContext("2d");
    const picture = context.createImageData(film.columns, film.rows);
    const words32 = new Uint32Array(picture.data.buffer);
    for (let index = 0; index < words32.length; index++) {
      words32[index] = 0xff000000 | (levels[film.gray[index]] * 0x010101);
    }
    context.putImageData(picture, 0, 0);
    draw();
  }

  function draw() {
    if (!frame) {
      frame = requestAnimationFrame(() => {
        frame = 0;
        paint();
      });
    }
  }

  function scale() {
    return film ? view.zoom * Math.min(canvas.width / film.columns, canvas.height / film.rows) : 1;
  }

  function paint() {
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!film) {
      return;
    }
    const [size, ratio] = [scale(), devicePixelRatio || 1];
    const left = (canvas.width - size * film.columns) / 2 + view.x * ratio;
    const top = (canvas.height - size * film.rows) / 2 + view.y * ratio;
    context.setTransform(size, 0, 0, size, left, top);
    context.imageSmoothingQuality = "high";
    context.drawImage(film.shown, 0, 0);
    if (map) {
      context.globalAlpha = view.opacity / 100;
      context.drawImage(map, 0, 0, film.columns, film.rows);
      context.globalAlpha = 1;
    }
    if (lungs && view.lungs) {
      context.drawImage(lungs, 0, 0, film.columns, film.rows);
    }
    paintRegion(context, size);
  }

  function paintRegion(context, size) {
    const found = JSON.parse(chosen.dataset.maps).find((one) => one.name === choice.value);
    if (!view.region || !film.toSource || !found || !found.positive || !found.outlines.length) {
      return;
    }
    const [[a, b, c], [d, e, f]] = film.toSource;
    const whole = a * e - b * d;
    context.beginPath();
    for (const outline of found.outlines) {
      outline.forEach(([column, row], corner) => {
        const [x, y] = [column - 0.5 - c, row - 0.5 - f];
        const to = [(e * x - b * y) / whole + 0.5, (a * y - d * x) / whole + 0.5];
        corner ? context.lineTo(...to) : context.moveTo(...to);
      });
    }
    for (const [colour, width] of [["#000000", 4], ["#78e1ff", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = (width * (devicePixelRatio || 1)) / size;
      context.stroke();
    }
  }

  function zoom(factor, x = 0, y = 0) {
    const before = view.zoom;
    view.zoom = limited(view.zoom * factor, 1, ZOOM_MAX);
    const grown = view.zoom / before;
    view.x = x - grown * (x - view.x);
    view.y = y - grown * (y - view.y);
    if (view.zoom === 1) {
      view.x = view.y = 0;
    }
    draw();
  }

  function move(x, y) {
    const ratio = devicePixelRatio || 1;
    const [width, height] = film ? [(scale() * film.columns) / ratio, (scale() * film.rows) / ratio] : [0, 0];
    view.x = limited(view.x + x, -width / 2, width / 2);
    view.y = limited(view.y + y, -height / 2, height / 2);
    draw();
  }

  function set(name, value) {
    const control = section.querySelector(`[data-control="${name}"]`);
    view[name] = limited(value, Number(control.min), Number(control.max));
    control.value = view[name];
    if (name === "opacity") {
      draw();
    } else {
      applyWindow();
    }
  }

  function toggle(name, does) {
    view[name] = !view[name];
    section.querySelector(`[data-does="${does}"]`).setAttribute("aria-pressed", String(view[name]));
    applyWindow();
  }

  function reset() {
    Object.assign(view, PLAIN);
    for (const name of ["opacity", "centre", "width"]) {
      section.querySelector(`[data-control="${name}"]`).value = view[name];
    }
    section.querySelector('[data-does="invert"]').setAttribute("aria-pressed", "false");
    section.querySelector('[data-does="region"]').setAttribute("aria-pressed", "true");
    if (lungsButton) {
      lungsButton.setAttribute("aria-pressed", "false");
    }
    applyWindow();
  }

  function toggleLungs() {
    if (hasLungs()) {
      toggle("lungs", "lungs");
      showLungs();
    }
  }

  const ACTS = {
    in: () => zoom(STEPS.zoom),
    out: () => zoom(1 / STEPS.zoom),
    invert: () => toggle("inverted", "invert"),
    region: () => toggle("region", "region"),
    lungs: toggleLungs,
    reset,
  };
  const KEYS = {
    ArrowLeft: () => move(-STEPS.move, 0),
    ArrowRight: () => move(STEPS.move, 0),
    ArrowUp: () => move(0, -STEPS.move),
    ArrowDown: () => move(0, STEPS.move),
    "+": ACTS.in,
    "-": ACTS.out,
    o: () => set("opacity", view.opacity - STEPS.opacity),
    O: () => set("opacity", view.opacity + STEPS.opacity),
    w: () => set("width", view.width - STEPS.width),
    W: () => set("width", view.width + STEPS.width),
    c: () => set("centre", view.centre - STEPS.centre),
    C: () => set("centre", view.centre + STEPS.centre),
    i: ACTS.invert,
    r: ACTS.region,
    l: ACTS.lungs,
    0: reset,
  };

  stage.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (act && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      act();
    }
  });
  section.addEventListener("click", (event) => {
    const button = event.target.closest("[data-does], [data-film]");
    if (button && button.dataset.film) {
      reset();
      showFilm(button);
    } else if (button) {
      ACTS[button.dataset.does]();
    }
  });
  section.addEventListener("input", (event) => {
    if (event.target.type === "range") {
      set(event.target.dataset.control, Number(event.target.value));
    }
  });
  choice.addEventListener("change", showMap);
  // The page scrolls with the wheel until the film has the focus.
  stage.addEventListener("wheel", (event) => {
    if (document.activeElement === stage || event.ctrlKey) {
      event.preventDefault();
      zoom(event.deltaY < 0 ? STEPS.zoom : 1 / STEPS.zoom, ...fromMiddle(event));
    }
  }, { passive: false });

  function fromMiddle(event) {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }

  const fingers = new Map();
  function span() {
    const [one, other] = [...fingers.values()];
    return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
  }
  stage.addEventListener("pointerdown", (event) => {
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
  });
  stage.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) {
      return;
    }
    if (fingers.size === 2) {
      const before = span();
      fingers.set(event.pointerId, event);
      zoom(span() / before);
      return;
    }
    fingers.set(event.pointerId, event);
    move(event.clientX - last.clientX, event.clientY - last.clientY);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    stage.addEventListener(name, (event) => fingers.delete(event.pointerId));
  }

  new ResizeObserver(() => {
    canvas.width = Math.round(stage.clientWidth * (devicePixelRatio || 1));
    canvas.height = Math.round(stage.clientHeight * (devicePixelRatio || 1));
    draw();
  }).observe(stage);
  showFilm(films[0]);
})();
