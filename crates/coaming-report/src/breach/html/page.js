// The view. Every text of the input enters the document as a text node or a property, never as
// markup.

const D = JSON.parse(document.getElementById('data').textContent);
const T = D.texts;
const graph = new Graph(D);
const KINDS = ['certain', 'depends on something unknown', 'needs a flaw in the target'];
const state = { start: 0, fixed: new Set(), open: null, shown: 60, few: D.workloads.length > 40 };

/** An element with properties, attributes (names with `-`) and children. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role' || name === 'for') element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((it) => it !== null && it !== undefined && it !== ''));
  return element;
}

/** Text in which what is between backticks is code. */
function rich(text) {
  const parts = text.split('`');
  if (parts.length % 2 === 0) return [text];
  return parts.map((part, at) => (at % 2 ? make('code', {}, part) : part));
}

const counted = (count, one, several = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : several}`;
const by = (id) => document.getElementById(id);
const fill = (id, ...children) => by(id).replaceChildren(...children.flat());
const label = (foothold) => graph.footholds[foothold].label;
const chip = (name) => make('span', { className: `chip ${{ 'cluster administrator': 'admin', 'root on a node': 'node' }[name] ?? ''}`, title: name }, name);

const findings = D.findings.map(([rule, severity, message, object, space, container, why, help, places, fix, more], number) => {
  const [id, summary, category, url] = D.rules[rule];
  const words = [T[message], T[object], T[container], T[id], T[summary], ...places.map((it) => T[it[0]])];
  return { number, id: T[id], category, url: T[url], severity, message: T[message], object: T[object], space: T[space],
    container: T[container], why: T[why], help: T[help], places, fix, more, text: words.join('\n').toLowerCase(), ways: 0 };
});
for (const step of D.steps) for (const finding of step[7]) findings[finding].ways++;

// ---- The frame

function section(id, title, about, ...children) {
  return make('section', { id, 'aria-labelledby': `${id}-title` }, make('h2', { id: `${id}-title` }, title), about && make('p', {}, about), ...children);
}

function frame() {
  const sections = [['risk', 'Attackers'], ['graph', 'Graph'], ['changes', 'Changes'], ['findings', 'Findings'], ['unknown', 'Unknown']];
  const links = sections.map(([id, title]) => make('li', {}, make('a', { href: `#${id}` }, title)));
  const open = D.entries.slice(0, D.entryCount).filter((it) => it.prizes.length).length;
  const about = `${counted(D.workloads.length, 'workload')}, ${counted(findings.length, 'finding')}. `
    + `${open} of ${counted(D.entryCount, 'entry', 'entries')} ${open === 1 ? 'leads' : 'lead'} to something of value. `
    + 'A container is assumed to be compromised; what follows is computed from network policies, rights, Secrets, nodes and images.';
  const select = make('select', { id: 'from' });
  const group = (name, from, to) => from < to && select.append(make('optgroup', { label: name },
    D.starts.slice(from, to).map((start, at) => make('option', { value: from + at }, T[start[0]]))));
  group('Entries, those that put most at risk first', 0, D.entryCount);
  group('Other workloads', D.entryCount, D.starts.length);
  select.addEventListener('change', () => choose(Number(select.value)));
  const few = make('input', { type: 'checkbox', id: 'few', checked: state.few });
  few.addEventListener('change', () => { state.few = few.checked; drawMap(); });
  const legend = make('div', { className: 'row legend' },
    [['', 'a step that works'], ['k1', KINDS[1]], ['k2', KINDS[2]], ['reach', 'can connect to']].map(([name, text]) => make('span', {}, make('i', { className: name }), text)),
    make('label', {}, few, ' only what is reached'));
  document.body.append(
    make('a', { className: 'skip', href: '#risk' }, 'Skip to the answer'),
    make('header', {}, make('h1', {}, 'What an attacker can reach'), make('p', {}, about)),
    make('nav', { 'aria-label': 'Sections' }, make('ul', {}, links)),
    make('main', {},
      section('summary', 'Findings by category', '', make('div', { className: 'cards', id: 'cards' })),
      section('risk', 'Attackers', 'Choose where an attacker starts: an entry from outside, or any workload.',
        make('div', { className: 'two' },
          make('div', {}, make('div', { className: 'pick' }, make('label', { for: 'from' }, 'The attacker starts in'), select),
            make('ol', { className: 'card entries', id: 'entries' })),
          make('div', { className: 'card', id: 'answer', 'aria-live': 'polite' }))),
      section('graph', 'Graph', 'Workloads by namespace. Choose one to see what an attacker in it reaches; open a path above to see it alone.',
        legend, make('div', { className: 'card map', id: 'map' }),
        make('details', { id: 'listing' }, make('summary', {}, 'The same as a list'), make('ul', { className: 'listing', id: 'list' }))),
      section('changes', 'Changes that close attack paths', 'Try a change: all paths are computed again without the steps that it takes away.',
        make('div', { className: 'card' }, make('div', { className: 'score', id: 'score', 'aria-live': 'polite' }), make('ol', { className: 'tries', id: 'tries' }), make('p', { className: 'more', id: 'more-tries' }))),
      section('findings', 'Findings', '', filters(), make('div', { className: 'card' },
        make('p', { id: 'count', role: 'status', className: 'soft' }), make('ol', { className: 'findings', id: 'list-of-findings' }), make('p', { className: 'more', id: 'more-findings' }))),
      section('unknown', 'Unknown, and not taken as safe', '', make('ul', { className: 'card unknown' },
        D.unknown.length ? D.unknown.map(([message, count]) => make('li', {}, make('b', {}, String(count)), make('span', {}, rich(T[message])))) : make('li', {}, 'Nothing.'))),
      make('footer', {}, `Coaming ${D.version}. This file is complete in itself: it loads nothing.`)));
}

// ---- Summary

function cards() {
  fill('cards', D.categories.map(([name, goal]) => {
    const own = findings.filter((it) => it.category === name);
    const bar = make('span', { className: 'bar', 'aria-hidden': 'true' });
    const parts = D.severities.map((severity, at) => {
      const count = own.filter((it) => it.severity === at).length;
      if (count) {
        const part = make('i', { className: severity });
        part.style.flexGrow = count;
        bar.append(part);
      }
      return count ? `${count} ${severity}` : '';
    });
    const button = make('button', { type: 'button', className: 'card', 'aria-pressed': String(by('category').value === name) },
      make('span', { className: 'soft' }, name), make('span', { className: 'number' }, own.length.toLocaleString('en')),
      make('small', {}, parts.filter(Boolean).join(', ') || goal), bar);
    button.title = goal;
    button.addEventListener('click', () => {
      by('category').value = by('category').value === name ? '' : name;
      showFindings();
      cards();
      by('findings').scrollIntoView();
    });
    return button;
  }));
}

// ---- Attackers

function entries() {
  fill('entries', D.starts.slice(0, D.entryCount).map((start, number) => {
    const prizes = D.entries[number].prizes.map((it) => T[it]);
    const shown = prizes.slice(0, 4).map(chip);
    if (prizes.length > 4) shown.push(make('span', { className: 'chip' }, `+${prizes.length - 4}`));
    const button = make('button', { type: 'button', 'aria-pressed': String(state.start === number) },
      make('b', {}, T[start[0]]), start[2].length ? make('small', {}, `in through ${start[2].map((it) => T[it]).join(', ')}`) : null,
      shown.length ? shown : make('span', { className: 'chip' }, 'nothing'));
    button.addEventListener('click', () => choose(number));
    return make('li', {}, button);
  }));
}

function choose(start) {
  state.start = start;
  state.open = null;
  by('from').value = String(start);
  by('entries').querySelectorAll('button').forEach((it, at) => it.setAttribute('aria-pressed', String(at === start)));
  showAnswer();
}

function stepItem(step) {
  const [id, technique, summary] = D.infos[step.info];
  const sources = step.sources.map(label).join(' and ');
  return make('li', { className: `k${step.kind}` },
    make('b', {}, summary), make('p', { className: 'meta' }, `${sources} → ${label(step.to)}`),
    make('p', {}, rich(step.reasons.map((it) => T[it]).join('; '))),
    make('p', { className: 'meta' }, `${id} · ${technique} · ${KINDS[step.kind]}`, step.places.length ? ` · ${step.places.map((it) => T[it]).join(', ')}` : ''));
}

function showAnswer() {
  const start = D.starts[state.start];
  state.answer = graph.answer(start, state.fixed);
  const { ways, runs } = state.answer;
  const reached = reachOf(start[3]).map(workloadName);
  const facts = [
    ['Runs commands in', runs.map(label)],
    ['Gets', ways.map((way) => T[way.name])],
    ['Connects to', reached],
  ].map(([name, items]) => [make('dt', {}, name), make('dd', {}, items.length ? short(items, 5) : 'nothing')]);
  const item = (way) => {
    const details = make('details', { className: 'way' },
      make('summary', {}, make('b', {}, T[way.name]), make('span', { className: 'soft' }, `${counted(way.steps.length, 'step')}, ${KINDS[way.kind]}`)),
      make('ol', { className: 'steps' }));
    details.fillIn = () => { if (!details.lastChild.firstChild) details.lastChild.append(...way.steps.map(stepItem)); };
    details.addEventListener('toggle', () => {
      if (details.open) details.fillIn();
      const all = [...by('ways').querySelectorAll('details.way')];
      const open = ways.filter((_, at) => all[at]?.open);
      state.open = open.length ? open : null;
      drawMap();
    });
    return details;
  };
  const show = (from, count) => {
    by('ways').append(...ways.slice(from, from + count).map(item));
    const left = ways.length - from - count;
    more('more-ways', left, 'path', () => show(from + count, left));
  };
  fill('answer', make('h3', {}, `From ${T[start[0]]}`), make('dl', { className: 'facts' }, facts.flat()), make('div', { id: 'ways' }), make('p', { id: 'more-ways' }));
  if (ways.length) show(0, state.printing ? ways.length : 12);
  else fill('ways', make('p', {}, 'No attack path leads from here to what is asked for.'));
  drawMap();
}

const short = (items, most) => items.slice(0, most).join(', ') + (items.length > most ? ` and ${items.length - most} more` : '');

// ---- The graph

const workloadName = (at) => { const [space, kind, name] = D.workloads[at]; return `${T[kind]} ${T[space]}/${T[name]}`; };
const startOf = new Map(D.starts.map((start, at) => [start[3], at]).reverse());
const reachOf = (workload) => (workload === null || D.workloads[workload][3] === null ? [] : D.reach[D.workloads[workload][3]].filter((it) => it !== workload));

/** Where a foothold is drawn: at a workload, at the left, or as a thing at the right. */
function spotKey(foothold) {
  const { type, workload, label: text } = graph.footholds[foothold];
  if (workload !== null) return `w${workload}`;
  return type === 'outside' ? 'outside' : `t${text}`;
}

function drawMap() {
  const start = D.starts[state.start];
  const ways = state.open ?? state.answer.ways;
  const runs = state.open ? [] : state.answer.runs;
  const reached = new Set(reachOf(start[3]));
  const touched = new Set(runs.map((it) => graph.footholds[it].workload));
  const things = new Map();
  for (const way of ways) {
    for (const step of way.steps) {
      for (const foothold of [...step.sources, step.to]) {
        const { type, workload, label: text } = graph.footholds[foothold];
        if (workload !== null) touched.add(workload);
        else if (type !== 'outside') things.set(`t${text}`, { type, text });
      }
    }
  }
  for (const foothold of start[1]) {
    const { type, workload, label: text } = graph.footholds[foothold];
    if (workload === null && type !== 'outside') things.set(`t${text}`, { type, text });
  }
  const spots = new Map();
  state.status = new Map();
  const bySpace = new Map();
  D.workloads.forEach(([space], at) => bySpace.set(T[space], [...(bySpace.get(T[space]) ?? []), at]));
  // The attacker's namespace comes first, and then those with something on a way.
  const place = ([, own]) => (own.includes(start[3]) ? 0 : own.some((it) => touched.has(it)) ? 1 : 2);
  const ordered = [...bySpace].sort((a, b) => place(a) - place(b));
  const spaces = ordered.map(([space, own]) => make('div', { className: 'space', role: 'group', 'aria-label': `namespace ${space}` },
    make('h3', {}, space), own.map((at) => {
      const status = at === start[3] ? 'start' : touched.has(at) ? 'taken' : reached.has(at) ? 'reached' : '';
      const words = { start: 'the attacker is here', taken: 'on an attack path', reached: 'can be connected to' }[status];
      if (words) state.status.set(at, words);
      const button = make('button', { type: 'button', className: `spot ${status}`, 'aria-pressed': String(at === start[3]) },
        T[D.workloads[at][2]], make('small', {}, words ? `${T[D.workloads[at][1]]} · ${words}` : T[D.workloads[at][1]]));
      const own = startOf.get(at);
      if (own === undefined) button.disabled = true;
      button.addEventListener('click', () => { choose(own); by('map').querySelector('.spot.start')?.focus({ preventScroll: true }); });
      spots.set(`w${at}`, button);
      return button;
    })));
  const outside = make('div', { className: `spot thing ${start[3] === null && graph.footholds[start[1][0]].type === 'outside' ? 'start' : ''}` }, 'Outside', make('small', {}, 'the internet'));
  spots.set('outside', outside);
  const rank = ['admin', 'node', 'node-files', 'cloud-identity', 'identity', 'secret', 'credential', 'exfiltration'];
  const sorted = [...things].sort(([, a], [, b]) => rank.indexOf(a.type) - rank.indexOf(b.type) || (a.text < b.text ? -1 : 1));
  const MOST = 24;
  const right = sorted.slice(0, MOST).map(([key, { type, text }]) => {
    const thing = make('div', { className: `spot thing ${rank.slice(0, 2).includes(type) ? 'prize' : ''}` }, text);
    spots.set(key, thing);
    return thing;
  });
  if (sorted.length > MOST) right.push(make('p', { className: 'soft' }, `and ${sorted.length - MOST} more, in the list of paths`));
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('aria-hidden', 'true');
  by('map').className = `card map chosen ${state.few ? 'few' : ''}`;
  fill('map', svg, make('div', { className: 'columns' }, make('div', {}, outside), make('div', { className: 'spaces' }, spaces), make('div', {}, right)));
  state.spots = spots;
  drawLines();
  if (by('listing').open) showList();
}

function drawLines() {
  const map = by('map');
  const svg = map.querySelector('svg');
  if (!svg) return;
  const frame = map.getBoundingClientRect();
  const box = (key) => {
    const spot = state.spots.get(key);
    const own = spot?.getBoundingClientRect();
    return own?.width ? { left: own.left - frame.left, right: own.right - frame.left, top: own.top - frame.top, bottom: own.bottom - frame.top, x: (own.left + own.right) / 2 - frame.left, y: (own.top + own.bottom) / 2 - frame.top } : null;
  };
  const tag = (name, attributes, parent) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    parent.append(element);
    return element;
  };
  svg.replaceChildren();
  tag('path', { d: 'M0 0L8 4L0 8z' }, tag('marker', { id: 'tip', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: 'auto' }, tag('defs', {}, svg)));
  const line = (from, to, className, tip) => {
    const [a, b] = [box(from), box(to)];
    if (!a || !b || from === to) return;
    const forward = b.left >= a.right - 4;
    const backward = b.right <= a.left + 4;
    let d;
    if (forward || backward) {
      const [x1, x2] = forward ? [a.right, b.left] : [a.left, b.right];
      const bend = Math.max(24, Math.abs(x2 - x1) / 2) * (forward ? 1 : -1);
      d = `M${x1} ${a.y}C${x1 + bend} ${a.y} ${x2 - bend} ${b.y} ${x2} ${b.y}`;
    } else {
      const [y1, y2] = b.y > a.y ? [a.bottom, b.top] : [a.top, b.bottom];
      const side = Math.min(60, Math.abs(y2 - y1) / 3);
      d = Math.abs(y2 - y1) < 30 ? `M${a.x} ${y1}L${b.x} ${y2}` : `M${a.right} ${a.y}C${a.right + side} ${a.y} ${b.right + side} ${b.y} ${b.right} ${b.y}`;
    }
    tag('path', { d, class: className, ...(tip ? { 'marker-end': 'url(#tip)' } : {}) }, svg);
  };
  const start = D.starts[state.start];
  if (start[3] !== null) reachOf(start[3]).slice(0, 200).forEach((at) => line(`w${start[3]}`, `w${at}`, 'reach', false));
  if (start[2].length && start[3] !== null) line('outside', `w${start[3]}`, 'k0', true);
  const drawn = new Set();
  for (const step of (state.open ?? state.answer.ways).flatMap((way) => way.steps)) {
    for (const source of step.sources) {
      const [from, to] = [spotKey(source), spotKey(step.to)];
      const key = `${from}\n${to}`;
      if (drawn.has(key)) continue;
      drawn.add(key);
      line(from, to, `k${step.kind}`, true);
    }
  }
}

function showList() {
  fill('list', D.workloads.map((_, at) => {
    const reached = reachOf(at);
    const status = state.status.get(at);
    return make('li', {}, make('b', {}, workloadName(at)), status ? ` (${status})` : '',
      reached.length ? ` connects to ${reached.map(workloadName).join(', ')}` : ' connects to no workload');
  }));
}

// ---- Changes

let scoring = 0;

/** The pairs of entries and targets that are open, a few entries at a time so that the page answers. */
function pairs(fixed, done) {
  const own = ++scoring;
  const open = new Set();
  let next = 0;
  const work = () => {
    if (own !== scoring) return;
    const until = performance.now() + 12;
    while (next < D.entryCount && performance.now() < until) {
      const holds = D.starts[next][1];
      const found = graph.search(holds, fixed);
      for (const target of graph.targets(found, holds)) if (target.counted) open.add(`${next} ${target.name}`);
      next++;
    }
    if (next < D.entryCount) setTimeout(work);
    else done(open);
  };
  work();
}

function score() {
  const proposed = D.cuts[0];
  const show = (open) => {
    const all = state.pairs.size;
    const closed = all - open.size;
    const applied = make('button', { type: 'button', className: 'action' }, 'Try the proposed set');
    applied.addEventListener('click', () => { state.fixed = new Set(proposed.findings); tried(); });
    const none = make('button', { type: 'button', className: 'action' }, 'Clear');
    none.addEventListener('click', () => { state.fixed = new Set(); tried(); });
    const bar = make('progress', { max: all || 1, value: closed, 'aria-label': 'Pairs closed' });
    const untried = `${counted(all, 'pair')} of an entry and a prize ${all === 1 ? 'is' : 'are'} open`;
    const text = all && !state.fixed.size ? untried : all
      ? `${counted(state.fixed.size, 'change')} ${state.fixed.size === 1 ? 'closes' : 'close'} ${closed.toLocaleString('en')} of ${counted(all, 'pair')} of an entry and a prize`
      : 'No entry leads to a prize: there is nothing to close.';
    const proof = proposed && make('span', { className: 'soft' }, `Proposed: ${counted(proposed.findings.length, 'change')} for ${proposed.closed.toLocaleString('en')} of ${counted(proposed.of, 'pair')}, verified, `
      + (proposed.gap ? `at most ${proposed.gap} more than the smallest` : 'proven smallest'));
    fill('score', make('strong', {}, text), all ? bar : '', proposed ? applied : '', state.fixed.size ? none : '', proof ?? '');
  };
  if (!state.pairs) {
    fill('score', 'Counting …');
    pairs(null, (open) => { state.pairs = open; score(); });
  } else if (state.fixed.size) {
    pairs(state.fixed, show);
  } else {
    show(state.pairs);
  }
}

function tries() {
  const proposed = new Set(D.cuts[0]?.findings ?? []);
  const useful = findings.filter((it) => it.ways).sort((a, b) => proposed.has(b.number) - proposed.has(a.number) || b.ways - a.ways || a.number - b.number);
  const shown = useful.slice(0, state.tries ?? 30);
  fill('tries', shown.map((it) => {
    const box = make('input', { type: 'checkbox', checked: state.fixed.has(it.number) });
    box.dataset.finding = it.number;
    box.addEventListener('change', () => { box.checked ? state.fixed.add(it.number) : state.fixed.delete(it.number); tried(); });
    return make('li', {}, make('label', {}, box, make('span', {},
      ...rich(it.fix && T[it.fix[1]] ? T[it.fix[1]] : it.help), ' ', proposed.has(it.number) ? make('span', { className: 'chip proposed' }, 'proposed') : '',
      make('span', { className: 'soft' }, ` ${it.id}: `, ...rich(it.message), it.object ? ` · ${it.object}` : ''))));
  }));
  more('more-tries', useful.length - shown.length, 'change', () => { state.tries = shown.length + 100; tries(); });
  if (!useful.length) fill('tries', make('li', {}, 'No finding takes away a step of an attack path.'));
}

function tried() {
  by('tries').querySelectorAll('input').forEach((it) => { it.checked = state.fixed.has(Number(it.dataset.finding)); });
  score();
  showAnswer();
}

function more(id, count, noun, show) {
  if (count <= 0) return fill(id);
  const button = make('button', { type: 'button', className: 'action' }, `Show more (${counted(count, noun)})`);
  button.addEventListener('click', show);
  fill(id, button);
}

// ---- Findings

function filters() {
  const choice = (id, all, items) => {
    const select = make('select', { id, 'aria-label': all }, make('option', { value: '' }, all), items.map(([value, text]) => make('option', { value }, text)));
    select.addEventListener('change', () => { state.shown = 60; showFindings(); cards(); });
    return select;
  };
  const search = make('input', { type: 'search', id: 'search', placeholder: 'Search findings (press /)', 'aria-label': 'Search findings' });
  search.addEventListener('input', () => { state.shown = 60; showFindings(); });
  const spaces = [...new Set(findings.map((it) => it.space))].filter(Boolean).sort();
  const ways = make('input', { type: 'checkbox', id: 'on-way' });
  ways.addEventListener('change', showFindings);
  return make('div', { className: 'row filters' }, search,
    choice('category', 'All categories', D.categories.map(([name]) => [name, name])),
    choice('severity', 'All severities', D.severities.map((name, at) => [String(at), name])),
    choice('space', 'All namespaces', spaces.map((name) => [name, name])),
    make('label', {}, ways, ' on an attack path'));
}

function showFindings() {
  const words = by('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const [category, severity, space, ways] = [by('category').value, by('severity').value, by('space').value, by('on-way').checked];
  const found = findings.filter((it) => (!category || it.category === category) && (!severity || it.severity === Number(severity))
    && (!space || it.space === space) && (!ways || it.ways) && words.every((word) => it.text.includes(word)));
  const shown = found.slice(0, state.shown);
  by('count').textContent = found.length === findings.length ? counted(found.length, 'finding') : `${found.length.toLocaleString('en')} of ${counted(findings.length, 'finding')}`;
  fill('list-of-findings', shown.map(findingItem));
  more('more-findings', found.length - shown.length, 'finding', () => { state.shown += 200; showFindings(); });
}

function findingItem(it) {
  const severity = D.severities[it.severity];
  const where = [it.object, it.container && `container ${it.container}`, it.places[0] && T[it.places[0][0]]].filter(Boolean).join(' · ');
  const details = make('details', {}, make('summary', {}, make('span', { className: `badge ${severity}` }, severity),
    make('span', {}, rich(it.message), it.ways ? [' ', make('span', { className: 'chip node' }, 'on an attack path')] : ''), make('span', { className: 'soft' }, where)));
  details.fillIn = () => { if (details.children.length === 1) details.append(findingBody(it)); };
  details.addEventListener('toggle', () => { if (details.open) details.fillIn(); });
  return make('li', {}, details);
}

function findingBody(it) {
  const places = it.places.map(([name, path, line, note, lines]) => make('div', {},
    make('p', { className: 'soft' }, [T[name], T[path], T[note]].filter(Boolean).join(' · ')),
    lines.length ? make('pre', { tabIndex: 0, 'aria-label': 'Source' }, lines.map(([number, text]) => make('span', { className: number === line ? 'at' : '' }, make('i', {}, String(number)), text === null ? '…' : T[text]))) : ''));
  if (it.more) places.push(make('p', { className: 'soft' }, `and ${counted(it.more, 'more place')}`));
  return make('div', { className: 'body' }, places, it.why ? make('p', {}, rich(it.why)) : '', it.help ? make('p', {}, rich(it.help)) : '',
    it.fix && T[it.fix[1]] ? make('p', {}, make('b', {}, `Fix (${it.fix[0]}): `), rich(T[it.fix[1]])) : '',
    make('p', {}, make('a', { href: it.url, rel: 'noreferrer' }, it.id)));
}

// ---- All together

frame();
cards();
entries();
showFindings();
if (D.starts.length) choose(0);
else fill('answer', 'The input contains no workloads.');
tries();
score();
by('listing').addEventListener('toggle', () => { if (by('listing').open) showList(); });
addEventListener('resize', drawLines);
addEventListener('keydown', (event) => {
  if (event.key === '/' && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    by('search').focus();
  }
});
addEventListener('beforeprint', () => {
  // Everything is on paper: nothing can be opened there. What opens an element comes after this event.
  state.printing = true;
  state.shown = findings.length;
  state.tries = findings.length;
  showFindings();
  tries();
  showAnswer();
  showList();
  document.querySelectorAll('details').forEach((it) => { it.fillIn?.(); it.open = true; });
});
addEventListener('afterprint', () => { state.printing = false; });
document.body.dataset.ready = Math.round(performance.now());
