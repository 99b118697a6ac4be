'use strict';
// Whatever came from a machine reaches the page as text only: by textContent and attributes, never as markup.
(() => {
  const PAGE = 100;
  // To lay out thousands of rows on paper takes a browser half a minute.
  const PRINTED = 1000;
  const FATES = ['slow', 'unsafe', 'unreachable', 'failed', 'unknown', 'measured', 'not looked at', 'acceptable', 'optimal'];
  const BAD = new Set(['slow', 'unsafe', 'unreachable', 'failed']);
  // In the order of a row's values. word: a number that stands for a text; more: which screens are too narrow for it.
  const COLUMNS = [
    {name: 'Machine'},
    {name: 'Verdict', word: true},
    {name: 'Source', word: true},
    {name: 'Should be', word: true, more: 'second'},
    {name: 'ns', figure: nanoseconds},
    {name: 'p99.9 ns', figure: nanoseconds, more: 'third'},
    {name: 'Path', word: true, more: 'second'},
    {name: '% of CPU', figure: percent, more: 'second'},
    {name: 'Type', word: true, more: 'second'},
    {name: 'Fix', word: true, more: 'second'},
    {name: 'Why', word: true, more: 'third'},
  ];
  const [HOST, FATE, SOURCE, BETTER, NS, FIX] = [0, 1, 2, 3, 4, 9];
  const WHY = COLUMNS.length - 1;

  const byId = (id) => document.getElementById(id);
  const given = JSON.parse(byId('rows').textContent);
  const rows = given.rows.map((values, index) => {
    const row = values.map((value, at) => (COLUMNS[at].word && value !== null ? given.words[value] : value));
    row.index = index;
    return row;
  });
  const sorted = {at: FATE, down: false};
  let shown = rows;
  let page = 0;
  let cards = null;

  function nanoseconds(value) {
    if (value === null || value === undefined) return '–';
    const digits = value < 100 ? 1 : 0;
    return value.toLocaleString('en', {minimumFractionDigits: digits, maximumFractionDigits: digits});
  }

  function percent(value) {
    return value === null || value === undefined ? '–' : value.toFixed(2);
  }

  function duration(ns) {
    const [size, unit] = ns < 1e3 ? [1, 'ns'] : ns < 1e6 ? [1e3, 'µs'] : ns < 1e9 ? [1e6, 'ms'] : [1e9, 's'];
    return `${Number((ns / size).toPrecision(3))} ${unit}`;
  }

  function signed(ns) {
    return `${ns < 0 ? '−' : ''}${duration(Math.abs(ns))}`;
  }

  function element(name, attributes, ...inside) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
    }
    made.append(...inside.filter((item) => item !== null && item !== undefined && item !== ''));
    return made;
  }

  // The table

  function rank(row, at) {
    return at === FATE ? FATES.indexOf(row[FATE]) : row[at];
  }

  function sort() {
    const {at, down} = sorted;
    const side = down ? -1 : 1;
    const words = new Intl.Collator('en', {numeric: true});
    const compare = (a, b) => (typeof a === 'string' ? words.compare(a, b) : a - b);
    rows.sort((one, other) => {
      const [a, b] = [rank(one, at), rank(other, at)];
      // What is unknown comes last either way.
      if (a === null || b === null) return (a === null) - (b === null) || words.compare(one[HOST], other[HOST]);
      return side * compare(a, b) || (other[NS] ?? -1) - (one[NS] ?? -1) || words.compare(one[HOST], other[HOST]);
    });
  }

  function filter() {
    const wanted = byId('find').value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const [fate, source] = [byId('fate').value, byId('source').value];
    shown = rows.filter((row) => {
      if ((fate && row[FATE] !== fate) || (source && (row[SOURCE] ?? 'not known') !== source)) return false;
      if (!wanted.length) return true;
      row.text ??= row.filter((value) => typeof value === 'string').join('\n').toLowerCase();
      return wanted.every((word) => row.text.includes(word));
    });
    page = 0;
    draw();
    const [some, all] = [shown.length, rows.length].map((size) => size.toLocaleString('en'));
    byId('status').textContent = some === all ? `${all} machines` : `${some} of ${all} machines`;
  }

  // After each underscore: hyperv_clocksource_tsc_page is wider than its column.
  function breakable(name) {
    return name.split(/(?<=_)/).flatMap((part, at) => (at ? [document.createElement('wbr'), part] : [part]));
  }

  function cell(row, at) {
    const {figure, more} = COLUMNS[at];
    if (at === HOST) return element('th', {scope: 'row'}, element('button', {type: 'button', 'data-index': row.index}, row[HOST]));
    if (figure) return element('td', {class: `n ${more || ''}`}, figure(row[at]));
    if (at === FATE) return element('td', {class: BAD.has(row[FATE]) ? 'bad' : ''}, row[FATE]);
    if (at === SOURCE) return element('td', {}, ...breakable(row[SOURCE] ?? '–'));
    if (at === BETTER) return element('td', {class: more}, ...breakable(row[BETTER] === row[SOURCE] ? '' : row[BETTER] ?? '–'));
    if (at === FIX) return element('td', {class: more}, row[FIX] ?? '');
    if (at === WHY) return element('td', {class: `cell-why ${more}`}, element('div', {class: 'why'}, row[WHY]));
    return element('td', {class: more}, row[at] ?? '–');
  }

  function draw(all) {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    const part = all ? shown.slice(0, PRINTED) : shown.slice(page * PAGE, (page + 1) * PAGE);
    const body = document.createDocumentFragment();
    for (const row of part) body.append(element('tr', {}, ...COLUMNS.map((_column, at) => cell(row, at))));
    const note = part.length ? all && shown.length > PRINTED && `and ${(shown.length - PRINTED).toLocaleString('en')} more: clocks.csv has them all`
      : 'No machine is like that.';
    if (note) body.append(element('tr', {}, element('td', {colspan: COLUMNS.length}, note)));
    byId('table').tBodies[0].replaceChildren(body);
    byId('page').textContent = `Page ${page + 1} of ${pages}`;
    byId('back').disabled = page === 0;
    byId('on').disabled = page >= pages - 1;
    document.querySelector('.pager').hidden = pages === 1;
  }

  function heads() {
    byId('table').tHead.rows[0].replaceChildren(...COLUMNS.map(({name, figure, more}, at) => {
      const order = sorted.at === at ? (sorted.down ? 'descending' : 'ascending') : null;
      return element('th', {scope: 'col', class: `${figure ? 'n' : ''} ${more || ''}`, 'aria-sort': order},
        element('button', {type: 'button', 'data-at': at}, name));
    }));
  }

  function turn(by) {
    page += by;
    draw();
    byId('machines').focus();
    byId('machines').scrollIntoView();
  }

  function choices(id, values) {
    byId(id).append(...values.map((value) => element('option', {value}, value)));
  }

  // The cards

  // The first line has the words that '§' and a number stand for, each further one a machine.
  function read(index) {
    if (!cards) {
      const lines = byId('cards').textContent.split('\n');
      cards = {words: JSON.parse(lines[0]), lines: lines.slice(1)};
    }
    return JSON.parse(cards.lines[index],
      (_key, value) => (typeof value === 'string' && value[0] === '§' ? cards.words[Number(value.slice(1))] : value));
  }

  function yes(value) {
    return value === undefined ? '–' : value ? 'yes' : 'no';
  }

  function section(title, ...inside) {
    return inside.some(Boolean) ? element('section', {}, element('h3', {}, title), ...inside) : '';
  }

  function pairs(list) {
    return element('dl', {class: 'pairs'}, ...list.map(([name, value]) => element('div', {}, element('dt', {}, name),
      element('dd', {}, value === undefined || value === '' ? '–' : String(value)))));
  }

  function warp(found) {
    if (!found) return 'not tested';
    if (found.worst_cycles) return `${found.worst_cycles} cycles between CPUs ${(found.worst_pair || []).join(' and ')}`;
    if (!found.pairs_tested) return `not tested${found.reason ? `: ${found.reason}` : ''}`;
    return `none in ${found.pairs_tested} of ${found.pairs_total} pairs`;
  }

  function bar(part) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    for (const [key, value] of [['width', '100%'], ['height', '10'], ['aria-hidden', 'true']]) svg.setAttribute(key, value);
    for (const [style, width] of [['rail', 100], ['ink', 100 * part]]) {
      const box = document.createElementNS(svg.namespaceURI, 'rect');
      box.setAttribute('class', style);
      box.setAttribute('width', `${width.toFixed(2)}%`);
      box.setAttribute('height', '10');
      svg.append(box);
    }
    return svg;
  }

  // By powers of two, the empty ones between shown as well; a bar grows by the logarithm, or the rare reads would not show.
  function histogram(bins, name) {
    if (!bins || !bins.length) return '';
    const counts = new Map(bins);
    const total = bins.reduce((sum, [, count]) => sum + count, 0);
    const most = Math.max(...counts.values());
    const [first, last] = [bins[0][0], bins[bins.length - 1][0]];
    const body = element('tbody', {});
    for (let le = first; le <= last; le *= 2) {
      const count = counts.get(le) || 0;
      body.append(element('tr', {},
        element('th', {scope: 'row', class: 'n'}, `to ${duration(le)}`),
        element('td', {}, bar(count ? Math.log2(count + 1) / Math.log2(most + 1) : 0)),
        element('td', {class: 'n'}, count.toLocaleString('en')),
        element('td', {class: 'n'}, `${(100 * count / total).toFixed(2)} %`)));
    }
    return element('table', {class: 'spread'},
      element('caption', {}, `${total.toLocaleString('en')} single reads of ${name} by how long they took; bars by the logarithm`),
      element('thead', {class: 'unseen'}, element('tr', {},
        ...['Took', 'Bar by the logarithm', 'Reads', 'Share'].map((title) => element('th', {scope: 'col'}, title)))), body);
  }

  function clock(name, it) {
    const figures = [
      `${nanoseconds(it.median)} ns (${nanoseconds(it.low)}–${nanoseconds(it.high)}), ${nanoseconds(it.cycles)} cycles`,
      it.path && `path ${it.path}`,
      it.syscall_ns !== undefined && it.path !== 'syscall' && `by system call ${nanoseconds(it.syscall_ns)} ns`,
      it.p99 !== undefined && `p99 ${nanoseconds(it.p99)} ns`,
      it.p999 !== undefined && `p99.9 ${nanoseconds(it.p999)} ns`,
      it.max !== undefined && `longest ${duration(it.max)}`,
      it.back ? `${it.back} reads went back, by ${duration(it.worst_back_ns)} at worst` : '',
    ];
    return element('section', {}, element('h3', {}, name), element('p', {class: 'figures'}, figures.filter(Boolean).join('; ')),
      histogram(it.histogram, name));
  }

  function gates(found) {
    if (!found) return '';
    const words = (passed) => (passed === undefined ? 'not known' : passed ? 'passed' : 'refused');
    return element('table', {},
      element('caption', {class: 'unseen'}, 'What must hold before a switch'),
      element('thead', {class: 'unseen'}, element('tr', {}, ...['Gate', 'Result', 'Why'].map((title) => element('th', {scope: 'col'}, title)))),
      element('tbody', {}, ...Object.entries(found).map(([name, gate]) => element('tr', {},
        element('th', {scope: 'row'}, name), element('td', {class: gate.passed === false ? 'bad' : ''}, words(gate.passed)),
        element('td', {}, gate.reason)))));
  }

  function card(it) {
    const {clocksource: source, boot, cloud, hypervisor, tsc, time_sync: sync} = it;
    const next = it.next.map(([why, ...command]) => element('li', {}, why, element('pre', {tabindex: '0'}, command.join(''))));
    return [
      element('div', {class: 'title'}, element('h2', {id: 'card-name'}, it.host),
        element('button', {type: 'button', 'data-close': ''}, 'Close')),
      element('p', {class: 'say'}, element('span', {class: BAD.has(it.fate) ? 'bad' : ''}, it.fate), it.failure ? `: ${it.failure}` : '',
        source.reason && !it.failure ? `: ${source.reason}` : ''),
      source.source ? element('p', {class: 'word'}, `By the word of ${source.source}`) : '',
      section('Next', next.length ? element('ol', {class: 'next'}, ...next) : element('p', {}, 'Nothing is to be run.')),
      it.clocks ? element('div', {class: 'clocks'}, ...Object.entries(it.clocks).map(([name, found]) => clock(name, found))) : '',
      section('Clock', pairs([
        ['Source', source.current], ['Offered', (source.available || []).join(', ')], ['Should be', source.recommended],
        ['Kept after a reboot by', it.kept_by ?? (it.next_boot && `nothing: then ${it.next_boot}`)], ['Reboot pending', yes(boot.reboot_required)],
        ['Kernel arguments', (boot.running || []).join(' ')], ['At the next boot', (boot.configured || []).join(' ')],
        ['Warp between CPUs', warp(it.warp)], ['Read in user space', yes((it.vdso || {}).fast)],
        [`CPU at ${given.rate.toLocaleString('en')} reads/s`, it.cpu_percent === undefined ? '' : `${percent(it.cpu_percent)} %`],
        ['The bare counter', it.counter.ns === undefined ? '' : `${it.counter.name || ''} ${nanoseconds(it.counter.ns)} ns`],
        ['Counter reads emulated', yes(it.counter.emulated)],
      ])),
      section('Gates', gates(it.gates)),
      section('Machine', pairs([
        ['Cloud', [cloud.provider, cloud.platform, cloud.instance_type].filter(Boolean).join(' ')],
        ['Hypervisor', hypervisor.type], ['Container', hypervisor.container], ['Architecture', it.machine], ['CPUs', it.cpus],
        ['TSC constant, nonstop', `${yes(tsc.constant)}, ${yes(tsc.nonstop)}`],
        ['TSC marked unstable', `${yes(tsc.unstable)}${tsc.unstable_reason ? `: ${tsc.unstable_reason}` : ''}`],
        ['Boot loader', boot.bootloader], ['Time daemon', sync.daemon], ['Follows', sync.source],
        ['Offset', sync.offset_seconds === undefined ? '' : signed(sync.offset_seconds * 1e9)],
      ])),
    ].filter(Boolean);
  }

  function open(index) {
    const it = read(index);
    const dialog = byId('card');
    dialog.firstElementChild.replaceChildren(...card(it));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    history.replaceState(null, '', `#host=${encodeURIComponent(it.host)}`);
  }

  function follow() {
    if (!location.hash.startsWith('#host=')) return;
    let name = '';
    try {
      name = decodeURIComponent(location.hash.slice(6));
    } catch (error) {
      return;
    }
    const row = rows.find((one) => one[HOST] === name);
    if (row) open(row.index);
  }

  byId('table').addEventListener('click', (event) => {
    const button = event.target.closest('button') || event.target.closest('tr')?.querySelector('button[data-index]');
    if (!button) return;
    if (button.dataset.index !== undefined) {
      if (!getSelection().toString()) open(Number(button.dataset.index));
      return;
    }
    const at = Number(button.dataset.at);
    // Of figures the largest are sought, of words the first.
    sorted.down = sorted.at === at ? !sorted.down : Boolean(COLUMNS[at].figure);
    sorted.at = at;
    sort();
    filter();
    heads();
    byId('table').tHead.querySelector(`[data-at="${at}"]`).focus();
  });
  byId('filter').addEventListener('input', filter);
  byId('filter').addEventListener('submit', (event) => event.preventDefault());
  byId('filter').addEventListener('reset', () => setTimeout(filter));
  byId('back').addEventListener('click', () => turn(-1));
  byId('on').addEventListener('click', () => turn(1));
  byId('card').addEventListener('click', (event) => {
    if (event.target === byId('card') || event.target.closest('[data-close]')) byId('card').close();
  });
  byId('card').addEventListener('close', () => history.replaceState(null, '', location.pathname + location.search));
  addEventListener('hashchange', follow);
  addEventListener('beforeprint', () => draw(true));
  addEventListener('afterprint', () => draw());

  choices('fate', FATES.filter((fate) => rows.some((row) => row[FATE] === fate)));
  choices('source', [...new Set(rows.map((row) => row[SOURCE] ?? 'not known'))].sort());
  sort();
  heads();
  filter();
  follow();
})();
