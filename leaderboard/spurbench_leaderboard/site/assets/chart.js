// Spurious accuracy against accuracy on validation pictures, a point a model.
function drawChart() {
  const table = tableNow(), place = placeNow(), split = byId('against').value;
  const points = table.rows.filter(matches)
    .map((row) => ({row, x: interval(table, row, 'val', place), y: interval(table, row, split, place)}))
    .filter((point) => point.x && point.y);
  const box = byId('chart');
  if (!points.length) {
    box.replaceChildren(element('p', 'No model that is shown has both numbers.'));
    return;
  }
  const bars = points.filter((point) => point.x[1] !== null && point.y[1] !== null);
  const faint = {stroke: 'currentColor', strokeOpacity: Math.max(0.06, Math.min(0.35, 12 / bars.length))};
  const chosen = (point) => point.row.id === state.model;
  const plot = Plot.plot({
    width: Math.max(300, Math.min(900, box.clientWidth)), height: 450, marginLeft: 48, marginBottom: 46, grid: true,
    style: {background: 'transparent', color: 'inherit', fontSize: '13px'},
    ariaLabel: 'Scatter plot', ariaDescription: `${points.length} models: ${splitName(split)} against accuracy on validation pictures; the same numbers are in the table`,
    x: {label: 'accuracy on validation pictures, %', nice: true}, y: {label: `spurious accuracy (${splitName(split)}), %`, nice: true},
    symbol: {domain: ['panel', 'other'], range: ['diamond', 'circle'], legend: true},
    marks: [
      Plot.ruleX(bars, {x: (p) => 100 * p.x[0], y1: (p) => 100 * p.y[1], y2: (p) => 100 * p.y[2], ...faint}),
      Plot.ruleY(bars, {y: (p) => 100 * p.y[0], x1: (p) => 100 * p.x[1], x2: (p) => 100 * p.x[2], ...faint}),
      Plot.dot(points, {x: (p) => 100 * p.x[0], y: (p) => 100 * p.y[0], symbol: (p) => p.row.panel ? 'panel' : 'other',
        r: (p) => chosen(p) ? 8 : 4, fill: 'var(--accent)', fillOpacity: 0.75, stroke: 'var(--ground)', ariaLabel: (p) => p.row.spec,
        title: (p) => `${p.row.spec}\n${splitName(split)} ${percent(p.y[0])} ${bounds(p.y)}\naccuracy ${percent(p.x[0])} ${bounds(p.x)}`, tip: true}),
    ],
  });
  asOnePicture(plot);
  plot.addEventListener('click', () => {
    if (plot.value) showModel(plot.value.row.id);
  });
  box.replaceChildren(plot);
}

// To a screen reader the chart is one picture with a description: labels of its parts become data.
function asOnePicture(plot) {
  const drawing = plot.querySelector('svg[aria-label]') ?? plot;
  drawing.setAttribute('role', 'img');
  for (const part of drawing.querySelectorAll('[aria-label], [aria-description], [aria-hidden]')) {
    part.dataset.label = part.getAttribute('aria-label') ?? '';
    for (const name of ['aria-label', 'aria-description', 'aria-hidden']) part.removeAttribute(name);
  }
}
