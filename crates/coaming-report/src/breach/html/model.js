// The attack graph, and the cheapest ways in it: the same search as the engine's, so that what is
// tried on this page is answered without it.

const START = 0x7fffffff;

/** A heap of [first cost, second cost, foothold]. */
class Heap {
  items = [];
  static before(a, b) {
    return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
  }
  push(item) {
    const items = this.items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (Heap.before(items[above], item) <= 0) break;
      items[at] = items[above];
      at = above;
    }
    items[at] = item;
  }
  pop() {
    const items = this.items;
    const top = items[0];
    const last = items.pop();
    if (items.length) {
      let at = 0;
      for (;;) {
        let below = 2 * at + 1;
        if (below >= items.length) break;
        if (below + 1 < items.length && Heap.before(items[below + 1], items[below]) < 0) below++;
        if (Heap.before(last, items[below]) <= 0) break;
        items[at] = items[below];
        at = below;
      }
      items[at] = last;
    }
    return top;
  }
}

/** The graph of the page's data. */
class Graph {
  constructor(data) {
    this.data = data;
    this.footholds = data.footholds.map(([type, label, workload]) => (
      { type, label: data.texts[label], workload, shown: type !== 'link' }));
    this.steps = data.steps.map(([premises, to, info, kind, weight, reason, places, findings]) => (
      { premises, to, info, kind, weight, reason, places, findings }));
    this.leaving = this.footholds.map(() => []);
    this.steps.forEach((step, number) => step.premises.forEach((it) => this.leaving[it].push(number)));
    this.targetOf = new Map(data.targets.map(([foothold, name, counted]) => [foothold, { name, counted }]));
  }

  /** The cheapest ways from some footholds to all others, without the steps that fixes undo. */
  search(holds, fixed) {
    const count = this.footholds.length;
    const far = [Infinity, Infinity];
    const found = { cost: new Array(count).fill(far), final: new Uint8Array(count), by: new Int32Array(count).fill(START), reached: [] };
    const { cost, final, by } = found;
    const most = this.data.maxHops;
    const heap = new Heap();
    const offer = (to, sum, step) => {
      const order = sum[0] - cost[to][0] || sum[1] - cost[to][1];
      if (order > 0 || (order === 0 && step >= by[to])) return;
      cost[to] = sum;
      by[to] = step;
      if (!(order === 0)) heap.push([sum[0], sum[1], to]);
    };
    for (const start of holds) offer(start, [0, 0], START - 1);
    for (const start of holds) by[start] = START;
    while (heap.items.length) {
      const foothold = heap.pop()[2];
      if (final[foothold]) continue;
      final[foothold] = 1;
      found.reached.push(foothold);
      for (const number of this.leaving[foothold]) {
        const step = this.steps[number];
        if (final[step.to] || step.premises.some((it) => !final[it])) continue;
        if (fixed && fixed.size && step.findings.some((it) => fixed.has(it))) continue;
        const hop = this.footholds[step.to].shown ? 1 : 0;
        const own = most === null ? [step.weight, hop] : [hop, step.weight];
        for (const premise of step.premises) {
          own[0] += cost[premise][0];
          own[1] += cost[premise][1];
        }
        if (most === null || own[0] <= most) offer(step.to, own, number);
      }
    }
    return found;
  }

  /** The foothold that is cheapest to reach for each thing that is asked for. */
  targets(found, holds) {
    const best = new Map();
    for (const foothold of found.reached) {
      const target = this.targetOf.get(foothold);
      if (!target || holds.includes(foothold)) continue;
      const known = best.get(target.name);
      const [a, b] = [found.cost[foothold], known && found.cost[known.foothold]];
      const order = known ? a[0] - b[0] || a[1] - b[1] || foothold - known.foothold : -1;
      if (order < 0) best.set(target.name, { foothold, ...target });
    }
    return [...best.values()];
  }

  /** The steps to a foothold, each after those that it needs; joins become part of the next step. */
  way(found, to) {
    const order = [];
    const seen = new Set();
    const stack = [[to, false]];
    while (stack.length) {
      const [foothold, done] = stack.pop();
      const by = found.by[foothold];
      if (by === START) continue;
      if (done) {
        order.push(by);
      } else if (!seen.has(foothold)) {
        seen.add(foothold);
        stack.push([foothold, true]);
        [...this.steps[by].premises].reverse().forEach((it) => stack.push([it, false]));
      }
    }
    const pending = new Map();
    const steps = [];
    for (const number of order) {
      const step = this.steps[number];
      const own = { sources: [], reasons: [], places: [], findings: [], kind: 0, info: null };
      const add = (name, items) => items.forEach((it) => own[name].includes(it) || own[name].push(it));
      for (const premise of step.premises) {
        const known = pending.get(premise);
        if (known) {
          ['sources', 'reasons', 'places', 'findings'].forEach((name) => add(name, known[name]));
          own.kind = Math.max(own.kind, known.kind);
          own.info = known.info ?? own.info;
        } else {
          add('sources', [premise]);
        }
      }
      if (this.data.texts[step.reason]) add('reasons', [step.reason]);
      add('places', step.places);
      add('findings', step.findings);
      own.kind = Math.max(own.kind, step.kind);
      own.info = step.info ?? own.info;
      if (own.info !== null && this.footholds[step.to].shown) steps.push({ ...own, to: step.to });
      else pending.set(step.to, own);
    }
    return steps;
  }

  /** What an attacker at a start gets: the ways, and where they run commands. */
  answer(start, fixed) {
    const holds = start[1];
    const found = this.search(holds, fixed);
    const rank = ['admin', 'node', 'cloud-identity', 'data-store', 'secret', 'credential', 'exfiltration'];
    const ways = this.targets(found, holds).map((target) => {
      const steps = this.way(found, target.foothold);
      const kind = steps.reduce((most, step) => Math.max(most, step.kind), 0);
      const [a, b] = found.cost[target.foothold];
      return { ...target, steps, kind, cost: this.data.maxHops === null ? a : b };
    });
    const place = (way) => rank.indexOf(this.footholds[way.foothold].type);
    ways.sort((a, b) => place(a) - place(b) || a.cost - b.cost || a.foothold - b.foothold);
    const runs = found.reached.filter((it) => this.footholds[it].type === 'container');
    return { ways, runs };
  }
}
