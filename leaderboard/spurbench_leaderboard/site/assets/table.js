// The table of models: what is in it, its columns, and the same as CSV.
let shown = null;

function columnsOf(table, place) {
  const panel = state.panel === '1';
  const number = (key, title, of) => ({key, title, number: true, value: (row) => of(row)?.[0] ?? null,
    text: (row) => percent(of(row)?.[0]), below: (row) => bounds(of(row))});
  const columns = [
    {key: 'rank', title: 'rank', number: true, skip: place >= 0,
      value: (row) => rankOf(row, panel)?.[0] ?? null, text: (row) => rankText(rankOf(row, panel))},
    {key: 'model', title: 'model', value: (row) => row.spec, text: (row) => row.spec},
    ...table.splits.map((split) =>
      number(split, splitName(split), (row) => interval(table, row, split, place))),
    {...number('difference', 'generated - SI', (row) => row.difference), skip: place >= 0},
    {key: 'parameters', title: 'parameters, M', number: true, value: (row) => row.parameters,
      text: (row) => millions(row.parameters)},
    {key: 'family', title: 'family', value: (row) => row.family, text: (row) => row.family},
    {key: 'pretraining', title: 'pre-training data', value: (row) => row.pretraining, text: (row) => row.pretraining},
    {key: 'labels', title: 'label space', value: (row) => row.labels, text: (row) => row.labels},
    ...table.splits.map((split) => ({...number(`full-${split}`, `${splitName(split)}, full head`,
      (row) => row.full[split] ?? null), skip: place >= 0})),
  ];
  return columns.filter((column) => !column.skip);
}

function hiddenNow(columns) {
  const usual = columns.filter((c) => c.key.startsWith('full-')).map((c) => c.key).concat('labels');
  return new Set(state.hidden === '' ? usual : state.hidden.split(','));
}

function modelCell(row) {
  const cell = element('div');
  const link = element('a', row.spec, {href: `#${hashOf({...state, model: row.id})}`, className: 'model'});
  link.dataset.model = row.id;
  cell.append(link);
  if (row.panel) cell.append(' ', element('span', 'panel', {className: 'tag', title: 'The pictures were selected to fool this very model'}));
  cell.append(element('div', `${row.shown}, weights ${row.weights.slice(0, 8)}`, {className: 'of'}));
  for (const said of [row.reason && `Not ranked: ${row.reason}.`, ...row.remarks.map((r) => `${r}.`)]) {
    if (said) cell.append(element('div', said, {className: 'remark'}));
  }
  return cell;
}

function cellOf(column, row) {
  if (column.key === 'model') return modelCell(row);
  const cell = element('div', column.text(row));
  const below = column.below?.(row);
  if (below) cell.append(element('div', below, {className: 'of'}));
  return cell;
}

function forDataTables(column, hidden) {
  const last = 2; // where there is no number: behind all
  return {
    title: column.title, name: column.key, visible: !hidden.has(column.key),
    type: column.number ? 'num' : 'string', className: column.number ? 'number' : 'text',
    data: null, searchable: false,
    render: (row, type) => {
      if (type === 'display') return cellOf(column, row);
      const value = column.value(row);
      return value ?? (column.number ? (column.key === 'rank' ? 1e9 : last) : '');
    },
  };
}

function orderNow(columns) {
  const [key, direction] = state.order.split(' ');
  const place = columns.findIndex((column) => column.key === key);
  if (place >= 0) return [[place, direction === 'desc' ? 'desc' : 'asc']];
  const usual = columns.findIndex((column) => column.key === tableNow().ranked_by);
  return [[Math.max(usual, 0), 'asc']];
}

function drawTable() {
  const table = tableNow(), place = placeNow(), columns = columnsOf(table, place);
  const hidden = hiddenNow(columns), rows = table.rows.filter(matches);
  if (shown) shown.destroy();
  byId('board').replaceChildren();
  shown = new DataTable('#board', {
    data: rows, columns: columns.map((column) => forDataTables(column, hidden)), order: orderNow(columns),
    pageLength: 50, lengthMenu: [10, 50, 200, {label: 'all', value: -1}], searching: false, autoWidth: false,
    deferRender: true, orderMulti: false,
    layout: {topStart: null, topEnd: null, bottomStart: 'pageLength', bottomEnd: 'paging'},
    language: {emptyTable: 'no model fits', zeroRecords: 'no model fits', lengthMenu: 'rows a page _MENU_'},
  });
  shown.on('order', () => {
    const [[at, direction] = []] = shown.order();
    if (at !== undefined) remember({order: `${columns[at].key} ${direction}`});
  });
  byId('count').textContent = `${rows.length} of ${table.rows.length} models`;
  drawColumns(columns, hidden);
  drawAbout(table, place);
}

function drawColumns(columns, hidden) {
  const boxes = columns.filter((column) => column.key !== 'model').map((column) => {
    const box = element('input', null, {type: 'checkbox', checked: !hidden.has(column.key), name: `column-${column.key}`});
    box.addEventListener('change', (event) => {
      event.stopPropagation();
      if (box.checked) hidden.delete(column.key); else hidden.add(column.key);
      remember({hidden: [...hidden].join(',') || 'none'});
      shown.column(`${column.key}:name`).visible(box.checked);
    });
    const label = element('label');
    label.append(box, ` ${column.title}`);
    return label;
  });
  byId('columns').replaceChildren(element('legend', 'Columns'), ...boxes);
}

function drawAbout(table, place) {
  const what = place < 0 ? `mean over ${table.classes.length} classes` : table.classes[place].name;
  const ranked = place >= 0 ? 'Intervals are Wilson\'s; ranks are of the mean over classes.' : table.tellable
    ? 'A rank is one more than the number of models that surely rely less on spurious features; in brackets the ranks that the data leave possible, true of all models at once with 95 % confidence.'
    : 'Its classes are too few to tell any two models apart, so all share a rank.';
  const panel = table.panel_known
    ? 'The pictures were selected to fool the models marked as panel: that counts against them.'
    : 'Which models the pictures were selected with is not known.';
  byId('about').textContent = `${tableText(table)}: ${what} in %, restricted to the domain's labels${place < 0 ? `, ranked by ${splitName(table.ranked_by)}` : ''}. ${ranked} ${panel}`;
}

// What it is of stands in its name.
function csvName() {
  return ['spurbench', tableNow().version, state.class || 'mean'].map((part) => part.replace(/[^A-Za-z0-9_-]/g, '_')).join('-') + '.csv';
}

function csvText() {
  const columns = columnsOf(tableNow(), placeNow()).filter((column) => shown.column(`${column.key}:name`).visible());
  const quote = (value) => {
    const text = String(value ?? '');
    const inert = /^[=+\-@\t\r']/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\n\r]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
  };
  const bounded = (column) => column.below || column.key === 'rank';
  const title = (column) => column.key === 'parameters' ? 'parameters' : column.title;
  const head = columns.flatMap((column) => bounded(column) ? [title(column), `${title(column)} low`, `${title(column)} high`] : [title(column)]);
  const rows = shown.rows({order: 'applied'}).data().toArray();
  const table = tableNow(), place = placeNow();
  const lines = rows.map((row) => columns.flatMap((column) => {
    if (column.key === 'rank') return rankOf(row, state.panel === '1') ?? ['', '', ''];
    if (!column.below) return [column.value(row)];
    const split = column.key.replace(/^full-/, '');
    const found = column.key === 'difference' ? row.difference
      : column.key.startsWith('full-') ? row.full[split] : interval(table, row, split, place);
    return found?.map((share) => share === null ? '' : Math.round(1e4 * share) / 1e4) ?? ['', '', ''];
  }));
  return [head, ...lines].map((line) => line.map(quote).join(',')).join('\n') + '\n';
}
