// Where it all begins, and what the page listens to.
function drawAll() {
  fillForm();
  drawTable();
  drawPictures();
  drawModel();
  drawChart();
}

function start() {
  if (!known.tables.length) {
    byId('count').textContent = 'No results yet.';
    return;
  }
  state = stateOf(location.hash);
  byId('more').open = innerWidth > 640;
  drawAll();
  if (state.model) byId('model-title').scrollIntoView({block: 'start'});
  const form = byId('filters');
  form.addEventListener('submit', (event) => event.preventDefault());
  let waiting = 0;
  form.addEventListener('input', (event) => {
    if (!event.target.name || event.target.name.startsWith('column-')) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => { readForm(); drawAll(); }, event.target.type === 'search' ? 150 : 0);
  });
  byId('reset').addEventListener('click', () => { remember({...START, table: state.table}); drawAll(); });
  byId('close').addEventListener('click', () => {
    const id = state.model;
    remember({model: ''});
    drawModel();
    drawPictures();
    drawChart();
    (document.querySelector(`[data-model="${CSS.escape(id)}"]`) ?? byId('board-title')).focus();
  });
  byId('csv').addEventListener('click', () => {
    const address = URL.createObjectURL(new Blob([csvText()], {type: 'text/csv'}));
    element('a', null, {href: address, download: csvName()}).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  });
  byId('against').addEventListener('change', () => { remember({against: byId('against').value}); drawChart(); });
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-model], a[data-class], a[data-skip]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    if (link.dataset.skip) byId(link.dataset.skip).focus();
    else if (link.dataset.model) showModel(link.dataset.model);
    else showClass(link.dataset.class);
  });
  addEventListener('popstate', () => { state = stateOf(location.hash); drawAll(); });
  addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(drawChart, 150); });
  let page = 50;
  addEventListener('beforeprint', () => { page = shown.page.len(); shown.page.len(-1).draw(); });
  addEventListener('afterprint', () => shown.page.len(page).draw());
}

start();
