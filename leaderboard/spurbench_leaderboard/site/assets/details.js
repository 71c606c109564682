// One model: its classes, its other versions, where it comes from. One class: its pictures.
const taken = new Map();
globalThis.spurbench = {
  // Called by the files of answers, which are loaded when a class is looked at.
  take(key, slug, told) {
    taken.set(`${key}/${slug}`, told);
    if (key === tableNow().key && slug === state.class) drawPictures();
  },
};

function plainTable(caption, head, rows) {
  const table = element('table');
  table.append(element('caption', caption));
  const line = element('tr');
  line.append(...head.map((text) => element('th', text, {scope: 'col'})));
  const body = element('tbody');
  for (const [first, ...rest] of rows) {
    const row = element('tr'), name = element('th', null, {scope: 'row'});
    name.append(first);
    row.append(name, ...rest.map((text) => element('td', text)));
    body.append(row);
  }
  const top = element('thead');
  top.append(line);
  table.append(top, body);
  const wide = element('div', null, {className: 'wide', tabIndex: 0});
  wide.setAttribute('role', 'region');
  wide.setAttribute('aria-label', caption);
  wide.append(table);
  return wide;
}

const told = (found) => found ? `${percent(found[0])} ${bounds(found)}` : '';

function classesOf(table, row) {
  const lines = table.classes.map((entry, place) => {
    const link = element('a', entry.name, {href: `#${hashOf({...state, class: entry.slug})}`});
    link.dataset.class = entry.slug;
    return [link, ...table.splits.map((split) => told(ofClass(table, row, split, place)))];
  });
  return plainTable('By class, % with 95 % intervals', ['class', ...table.splits.map(splitName)], lines);
}

function historyOf(row) {
  const lines = known.tables.flatMap((table) => table.rows
    .filter((other) => other.spec === row.spec && other.weights === row.weights)
    .map((other) => [tableText(table), rankText(rankOf(other, true)), told(other.means.si), told(other.means.generated), told(other.means.val)]));
  return lines.length < 2 ? null
    : plainTable('In every version and framing', ['results of', 'rank', 'SI', 'generated', 'val. accuracy'], lines);
}

function provenanceOf(row) {
  const lines = [
    ['architecture', row.architecture], ['parameters', row.parameters.toLocaleString('en')],
    ['weights', `${row.source}, SHA-256 ${row.weights}`], ['label space', `${row.labels}${row.outputs ? `, ${row.outputs} outputs` : ''}`],
    ['pictures shown', row.shown], ['result file', row.file], ['predictions', `SHA-256 ${row.predictions}`],
    ...Object.entries(row.environment).map(([name, value]) => [name, value]),
  ];
  return plainTable('Where it comes from', ['what', 'value'], lines);
}

function drawModel() {
  const table = tableNow(), row = rowNow(), box = byId('model');
  box.hidden = !row;
  if (!row) return;
  byId('model-title').textContent = row.spec;
  const parts = [classesOf(table, row), historyOf(row), provenanceOf(row)];
  byId('model-facts').replaceChildren(...parts.filter(Boolean));
}

function showModel(id) {
  remember({model: id}, true);
  drawModel();
  drawChart();
  drawPictures();
  const title = byId(byId('pictures').hidden ? 'model-title' : 'pictures-title');
  title.focus({preventScroll: true});
  title.scrollIntoView({block: 'start'});
}

function showClass(slug) {
  remember({class: slug}, true);
  drawAll();
  const title = byId(byId('pictures').hidden ? 'board-title' : 'pictures-title');
  title.focus({preventScroll: true});
  title.scrollIntoView({block: 'start'});
}

function drawPictures() {
  const table = tableNow(), slug = state.class, box = byId('pictures');
  box.hidden = !(known.pictures[table.key] ?? []).includes(slug);
  byId('gallery').replaceChildren();
  if (box.hidden) return;
  const found = taken.get(`${table.key}/${slug}`);
  if (!found) {
    byId('pictures-about').textContent = 'Loading what was said of them.';
    const file = `answers/${table.key}/${slug}.js`;
    if (!document.querySelector(`script[src="${CSS.escape(file)}"]`)) document.head.append(element('script', null, {src: file}));
    return;
  }
  const name = table.classes[placeNow()]?.name ?? slug, row = rowNow();
  const answers = Object.values(found.said), one = row && found.said[row.id];
  byId('pictures-title').textContent = `Pictures of ${name}`;
  byId('pictures-about').textContent = one
    ? `What ${row.spec} said of each. p is the probability that it gave ${name}, whatever it said.`
    : `How many of ${answers.length} models took each for ${name}. Choose a model in the table to see what it said.`;
  const splits = table.splits.filter((split) => found.pictures.some(([of]) => of === split));
  byId('gallery').append(...splits.flatMap((split) => [element('h3', pictureName(split)), cards(found, split, name, one, answers)]));
}

function cards(found, split, name, one, answers) {
  const list = element('ul', null, {className: 'cards'});
  found.pictures.forEach(([of, index, place], number) => {
    if (of !== split) return;
    const said = one ? saidBy(found, one, number) : saidByAll(answers, number);
    const card = element('li', null, {className: 'card'});
    const text = `${pictureName(split)} ${index}`;
    if (place) card.append(element('img', null, {src: place, alt: text, loading: 'lazy', width: 96, height: 96}));
    card.append(element('div', text, {className: 'of'}), element('div', said));
    list.append(card);
  });
  return list;
}

function saidBy(found, one, number) {
  return one.names[number] < 0 ? 'no answer' : `${found.names[one.names[number]]}, p\u00a0${one.percent[number]}\u00a0%`;
}

function saidByAll(answers, number) {
  const given = answers.map((each) => each.hits[number]).filter((hit) => hit >= 0);
  return given.length ? `${given.filter((hit) => hit).length} of ${given.length}` : 'no answers';
}
