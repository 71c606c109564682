"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const { pictures, members } = JSON.parse(byId("data").textContent);
  const list = byId("pictures"), form = byId("filters"), view = byId("view"), help = byId("help");
  const cards = new Map([...list.children].map((card) => [card.dataset.key, card]));
  const byKey = new Map(pictures.map((picture) => [picture.key, picture]));
  const usualNear = form.elements.near.value;
  let shown = pictures;
  let open = null;

  // What a picture must be for a box of "Found" to hold of it.
  const found = {
    all: (p) => p.fools_all === true,
    object: (p) => p.object_found === true,
    copy: (p, near) => p.distance !== null && p.distance < near,
    bad: (p) => p.degenerate === true || p.flagged === true,
    trained: (p) => p.trained_on,
  };
  const fools = (p, member) => p.said.some((said) => said.member === member && said.fooled);
  const mean = (p) => p.said.reduce((sum, said) => sum + (said.probability ?? 0), 0) / p.said.length;
  // Numbers to sort by, the smallest first; what is not known comes last.
  const orders = {
    fooled: (p) => (p.said.length ? -p.fooled : null),
    sure: (p) => (p.said.length ? -mean(p) : null),
    unsure: (p) => (p.said.length ? mean(p) : null),
    closest: (p) => p.distance,
    object: (p) => (p.object_probability === null ? null : -p.object_probability),
  };

  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const ticked = (name) => boxes.filter((box) => box.name === name && box.checked).map((box) => box.value);

  function wanted() {
    const near = Number.parseFloat(form.elements.near.value);
    return {
      class: ticked("class"), split: ticked("split"), is: ticked("is"), fools: ticked("fools"),
      near: Number.isFinite(near) ? near : 0, sort: form.elements.sort.value,
    };
  }

  function fits(p, want) {
    return (!want.class.length || want.class.includes(p.slug))
      && (!want.split.length || want.split.includes(p.split))
      && want.is.every((name) => found[name](p, want.near))
      && want.fools.every((member) => fools(p, member));
  }

  function chosen(want) {
    const left = pictures.filter((p) => fits(p, want));
    const order = orders[want.sort];
    if (!order) return left;
    const value = (p) => order(p) ?? Infinity;
    return left.sort((a, b) => (value(a) === value(b) ? 0 : value(a) < value(b) ? -1 : 1));
  }

  // How many pictures would be shown with a box: splits and classes are alternatives, others add up.
  function countWith(box, want) {
    const alternative = box.name === "class" || box.name === "split";
    const values = alternative ? [box.value] : [...new Set([...want[box.name], box.value])];
    const with_box = { ...want, [box.name]: values };
    return pictures.reduce((sum, p) => sum + (fits(p, with_box) ? 1 : 0), 0);
  }

  function apply() {
    const want = wanted();
    shown = chosen(want);
    const left = new Set(shown.map((p) => p.key));
    for (const [key, card] of cards) card.hidden = !left.has(key);
    list.append(...shown.map((p) => cards.get(p.key)));
    for (const box of boxes) box.closest("label").querySelector(".n").textContent = countWith(box, want);
    byId("count").textContent = shown.length === pictures.length
      ? `${pictures.length} pictures` : `${shown.length} of ${pictures.length} pictures`;
    byId("nothing").hidden = shown.length > 0;
    rove(shown.find((p) => buttonOf(p.key).tabIndex === 0)?.key ?? shown[0]?.key);
  }

  // The address: filters, order and the open picture, as far as they are not the usual ones.
  function write() {
    const want = wanted();
    const told = new URLSearchParams();
    for (const name of ["class", "split", "is", "fools"]) for (const value of want[name]) told.append(name, value);
    if (form.elements.near.value !== usualNear) told.set("near", String(want.near));
    if (want.sort) told.set("sort", want.sort);
    if (open) told.set("picture", open);
    const text = told.toString();
    if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? `#${text}` : "#");
  }

  function read() {
    const told = new URLSearchParams(location.hash.slice(1));
    for (const box of boxes) box.checked = told.getAll(box.name).includes(box.value);
    const near = Number.parseFloat(told.get("near"));
    form.elements.near.value = near >= 0 && near <= 1 ? String(near) : usualNear;
    form.elements.sort.value = Object.hasOwn(orders, told.get("sort") ?? "") ? told.get("sort") : "";
    apply();
    const key = told.get("picture");
    if (byKey.has(key)) show(key);
    else if (view.open) view.close();
  }

  // The pictures are one stop of the Tab key; arrows move within them.
  const buttonOf = (key) => cards.get(key).querySelector("button");
  function rove(key) {
    for (const card of cards.values()) card.querySelector("button").tabIndex = -1;
    if (key !== undefined) buttonOf(key).tabIndex = 0;
  }

  function columns() {
    const tops = shown.map((p) => cards.get(p.key).offsetTop);
    const next = tops.findIndex((top) => top !== tops[0]);
    return next < 0 ? shown.length : next;
  }

  function step(key, from) {
    const last = shown.length - 1;
    const to = {
      ArrowLeft: from - 1, ArrowRight: from + 1, ArrowUp: from - columns(), ArrowDown: from + columns(), Home: 0, End: last,
    }[key];
    return to === undefined || to < 0 || to > last ? null : to;
  }

  list.addEventListener("keydown", (event) => {
    const card = event.target.closest(".card");
    if (!card || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = step(event.key, shown.findIndex((p) => p.key === card.dataset.key));
    if (to === null) return;
    event.preventDefault();
    rove(shown[to].key);
    buttonOf(shown[to].key).focus();
  });
  list.addEventListener("click", (event) => {
    const card = event.target.closest(".card");
    if (card && event.target.closest("button")) show(card.dataset.key);
  });

  // Elements with text in them; nothing of the data is ever markup.
  function make(name, text = "", attributes = {}) {
    const element = document.createElement(name);
    element.textContent = text;
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }
  function within(name, ...children) {
    const element = document.createElement(name);
    element.append(...children);
    return element;
  }

  function figure(p, caption) {
    const image = cards.get(p.key).querySelector("img");
    const reduced = image?.dataset.reduced;
    const words = reduced ? `${caption} (reduced from ${reduced})` : caption;
    const copy = image?.cloneNode() ?? make("p", cards.get(p.key).querySelector(".broken")?.textContent);
    return within("figure", copy, make("figcaption", words));
  }

  function panelTable(p) {
    const head = within("tr", ...["Panel member", "says", "probability", "fooled"].map(
      (text) => make("th", text, { scope: "col" })));
    const rows = p.said.map((said) => {
      const share = said.probability === null ? "-" : said.probability.toFixed(3);
      const cell = make("td", share);
      if (said.probability !== null) {
        cell.append(make("meter", "", { min: 0, max: 1, value: said.probability, "aria-hidden": "true" }));
      }
      return within("tr", make("th", said.member, { scope: "row" }), make("td", said.name), cell, make("td", said.fooled ? "yes" : "no"));
    });
    const table = within("table", within("thead", head), within("tbody", ...rows));
    const frame = make("div", "", { class: "wide", role: "region", tabindex: "0", "aria-label": "What the panel said, and its probability of the class" });
    frame.append(table);
    return frame;
  }

  function audit(p) {
    const known = (value) => (value === null ? "not known" : value ? "yes" : "no");
    const number = (value) => (value === null ? "not known" : value.toFixed(3));
    return [
      ["fools the whole panel", known(p.fools_all)],
      ["object probability", number(p.object_probability) + (p.object_found ? ", found" : "")],
      ["distance to the nearest reference", number(p.distance) + (found.copy(p, wanted().near) ? ", a near copy" : "")],
      ["degenerate", known(p.degenerate)],
      ["safety flag", known(p.flagged)],
      ["trained on", known(p.trained_on)],
    ];
  }

  function definitions(pairs) {
    const told = make("dl", "", { class: "told" });
    for (const [name, value] of pairs) told.append(make("dt", name), make("dd", value));
    return told;
  }

  function show(key) {
    const p = byKey.get(key), near = byKey.get(p.nearest);
    const place = shown.findIndex((other) => other.key === key);
    open = key;
    byId("view-title").textContent = `${p.class_name}, ${p.split} ${p.index}`
      + (place < 0 ? " (not among those shown)" : ` (${place + 1} of ${shown.length})`);
    const pair = make("div", "", { class: "pair" });
    pair.append(figure(p, `${p.split} ${p.index}`));
    if (near) {
      const far = p.distance === null ? "" : `, at a distance of ${p.distance.toFixed(3)}`;
      pair.append(figure(near, `nearest reference: ${near.split} ${near.index}${far}`));
    }
    const parts = [pair];
    if (p.said.length) parts.push(make("h3", "The panel, and its probability of the class"), panelTable(p));
    parts.push(make("h3", "The audit"), definitions(audit(p)), make("h3", "Where it comes from"), definitions(p.told));
    byId("view-body").replaceChildren(...parts);
    byId("previous").disabled = place <= 0;
    byId("next").disabled = place < 0 || place >= shown.length - 1;
    if (!view.open) {
      view.showModal();
      byId("close").focus();
    } else if (document.activeElement === document.body || document.activeElement?.disabled) byId("close").focus();
    view.scrollTop = 0;
    write();
  }

  function turn(by) {
    const to = shown.findIndex((p) => p.key === open) + by;
    if (open !== null && shown[to]) show(shown[to].key);
  }

  view.addEventListener("close", () => {
    const key = open;
    open = null;
    write();
    if (key && !cards.get(key).hidden) {
      rove(key);
      buttonOf(key).focus();
    }
  });
  view.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) { event.preventDefault(); turn(by); }
    if (event.key === "Home" && shown.length) { event.preventDefault(); show(shown[0].key); }
    if (event.key === "End" && shown.length) { event.preventDefault(); show(shown.at(-1).key); }
  });
  let touched = null;
  view.addEventListener("touchstart", (event) => {
    touched = event.touches.length === 1 ? [event.touches[0].clientX, event.touches[0].clientY] : null;
  }, { passive: true });
  view.addEventListener("touchend", (event) => {
    if (!touched || event.target.closest(".wide")) return;
    const x = event.changedTouches[0].clientX - touched[0], y = event.changedTouches[0].clientY - touched[1];
    if (Math.abs(x) > 50 && Math.abs(x) > 2 * Math.abs(y)) turn(x < 0 ? 1 : -1);
  });
  for (const dialog of [view, help]) {
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  byId("close").addEventListener("click", () => view.close());
  byId("open-help").addEventListener("click", () => help.showModal());
  byId("close-help").addEventListener("click", () => help.close());
  byId("clear").addEventListener("click", () => { form.reset(); boxes[0]?.focus(); });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input[type=number], select");
    if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "?" && !help.open) { event.preventDefault(); help.showModal(); }
    if (event.key === "/" && !view.open && !help.open) { event.preventDefault(); boxes[0]?.focus(); }
  });
  // A link of the page itself would take the place of the filters in the address.
  document.querySelector("[data-skip]").addEventListener("click", (event) => {
    event.preventDefault();
    (shown.length ? buttonOf((shown.find((p) => buttonOf(p.key).tabIndex === 0) ?? shown[0]).key) : list).focus();
  });

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { apply(); write(); });
  form.addEventListener("reset", () => setTimeout(() => { apply(); write(); }));
  addEventListener("hashchange", read);
  form.hidden = false;
  read();
})();
