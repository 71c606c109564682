// The form above the table.
const SELECTS = ['family', 'pretraining', 'labels'];

function fill(select, options, value) {
  select.replaceChildren(...options.map(([key, text]) => element('option', text, {value: key})));
  select.value = options.some(([key]) => key === value) ? value : options[0]?.[0] ?? '';
}

function tableText(table) {
  const validation = table.validation ? `, validation ${table.validation.name}` : '';
  return `${table.old ? 'older: ' : ''}${table.domain}, ${table.data} ${table.version}, framing ${table.framing}${validation} (${table.rows.length})`;
}

function fillForm() {
  const table = tableNow();
  fill(byId('table'), known.tables.map((each) => [each.key, tableText(each)]), table.key);
  const classes = table.classes.map((entry) => [entry.slug, entry.name]);
  fill(byId('class'), [['', `all ${classes.length} (mean)`], ...classes], state.class);
  for (const name of SELECTS) {
    const values = [...new Set(table.rows.map((row) => String(row[name])))].sort();
    fill(byId(name), [['', 'any'], ...values.map((value) => [value, value])], state[name]);
  }
  for (const name of ['search', 'least', 'most']) byId(name).value = state[name];
  for (const name of ['panel', 'unranked']) byId(name).checked = state[name] === '1';
  const spurious = table.splits.filter((split) => split !== 'val');
  const usual = state.against || table.ranked_by;
  fill(byId('against'), spurious.map((split) => [split, splitName(split)]), usual);
}

function matches(row) {
  if (state.panel !== '1' && row.panel) return false;
  if (state.unranked !== '1' && !row.rank) return false;
  if (SELECTS.some((name) => state[name] && String(row[name]) !== state[name])) return false;
  const size = row.parameters / 1e6;
  if (state.least !== '' && size < Number(state.least)) return false;
  if (state.most !== '' && size > Number(state.most)) return false;
  const sought = state.search.trim().toLowerCase().split(/\s+/);
  const text = `${row.spec} ${row.architecture}`.toLowerCase();
  return sought.every((part) => text.includes(part));
}

function readForm() {
  const table = byId('table').value;
  const other = known.tables.find((each) => each.key === table);
  const kept = other.classes.some((entry) => entry.slug === byId('class').value) ? byId('class').value : '';
  const fresh = table === tableNow().key ? {} : {class: kept, model: '', hidden: '', against: '', order: ''};
  remember({
    table: table === known.tables[0].key ? '' : table,
    ...Object.fromEntries([...SELECTS, 'class', 'search', 'least', 'most'].map((n) => [n, byId(n).value])),
    panel: byId('panel').checked ? '1' : '0',
    unranked: byId('unranked').checked ? '1' : '0',
    ...fresh,
  });
}
