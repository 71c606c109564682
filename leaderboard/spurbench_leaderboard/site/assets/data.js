// What the page knows, and how numbers are written.
const known = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);
const NAMES = {si: 'SI', generated: 'generated', val: 'val. accuracy'};
const PICTURES = {si: 'SI', generated: 'generated', val: 'validation'};
const pictureName = (split) => PICTURES[split] ?? split;
const splitName = (split) => NAMES[split] ?? split;
const Z = 1.959963984540054;

function element(kind, text, properties = {}) {
  const made = document.createElement(kind);
  if (text !== undefined && text !== null) made.textContent = text;
  return Object.assign(made, properties);
}

function percent(share) {
  return share === null || share === undefined ? '' : (100 * share).toFixed(1);
}

function bounds(interval) {
  return interval && interval[1] !== null && interval[2] !== null
    ? `[${percent(interval[1])}, ${percent(interval[2])}]` : '';
}

// Wilson's interval of a share (Wilson, 1927), as `spurbench eval` gives one class.
function wilson(hits, n) {
  if (hits === null || hits === undefined || !n) return null;
  const share = hits / n, square = Z * Z / n;
  const middle = (share + square / 2) / (1 + square);
  const half = Z * Math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square);
  return [share, hits === 0 ? 0 : middle - half, hits === n ? 1 : middle + half];
}

function ofClass(table, row, split, place) {
  const counts = (row.n ?? table.n)[split] ?? [];
  return wilson((row.hits[split] ?? [])[place], counts[place]);
}

// What a row says of a split: its mean over classes, or of one class.
function interval(table, row, split, place) {
  return place < 0 ? row.means[split] ?? null : ofClass(table, row, split, place);
}

function rankOf(row, panel) {
  return panel ? row.rank : row.rank_without;
}

function rankText(rank) {
  if (!rank) return '-';
  return rank[1] === rank[2] ? `${rank[0]}` : `${rank[0]} (${rank[1]}-${rank[2]})`;
}

function millions(parameters) {
  const value = parameters / 1e6;
  return value >= 10 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(1) : value.toFixed(3);
}
