// What is shown, kept in the address, so that a link leads to the same view.
const START = {
  table: '', class: '', search: '', family: '', pretraining: '', labels: '', least: '', most: '',
  panel: '1', unranked: '1', hidden: '', against: '', model: '', order: '',
};
let state = {...START};

function stateOf(hash) {
  const found = {...START};
  for (const [key, value] of new URLSearchParams(hash.replace(/^#/, ''))) {
    if (Object.hasOwn(START, key)) found[key] = value;
  }
  return found;
}

function hashOf(wanted) {
  const said = new URLSearchParams();
  for (const [key, value] of Object.entries(wanted)) if (value !== START[key]) said.set(key, value);
  return said.toString();
}

// A step is one that the browser's way back undoes; everything else changes the address where it stands.
function remember(changed, step = false) {
  state = {...state, ...changed};
  const hash = hashOf(state), address = hash ? `#${hash}` : location.pathname + location.search;
  if (step) history.pushState(null, '', address); else history.replaceState(null, '', address);
}

function tableNow() {
  return known.tables.find((table) => table.key === state.table) ?? known.tables[0];
}

function placeNow() {
  return tableNow().classes.findIndex((entry) => entry.slug === state.class);
}

function rowNow() {
  return tableNow().rows.find((row) => row.id === state.model) ?? null;
}
