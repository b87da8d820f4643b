/** Counts what a judge finds, function by function, and prints it. */

interface Row {
  passed: number;
  failures: string[];
  /** Reason → calls. */
  readonly notClaimed: Map<string, number>;
}

/** At most this many failures of one function are printed. */
const shown = 5;

export class Report {
  readonly #rows = new Map<string, Row>();

  constructor(readonly judge: string) {}

  #row(name: string): Row {
    let row = this.#rows.get(name);
    if (row === undefined) this.#rows.set(name, (row = { passed: 0, failures: [], notClaimed: new Map() }));
    return row;
  }
  passed(name: string): void {
    this.#row(name).passed++;
  }
  failed(name: string, what: string): void {
    this.#row(name).failures.push(what);
  }
  notClaimed(name: string, reason: string, count = 1): void {
    const { notClaimed } = this.#row(name);
    notClaimed.set(reason, (notClaimed.get(reason) ?? 0) + count);
  }

  get totals(): { passed: number; failed: number; notClaimed: number } {
    let [passed, failed, notClaimed] = [0, 0, 0];
    for (const row of this.#rows.values()) {
      passed += row.passed;
      failed += row.failures.length;
      for (const count of row.notClaimed.values()) notClaimed += count;
    }
    return { passed, failed, notClaimed };
  }

  print(): void {
    console.log(`\n== ${this.judge}`);
    for (const [name, { passed, failures, notClaimed }] of this.#rows) {
      const outside = [...notClaimed].map(([reason, count]) => `${count} ${reason}`).join('; ');
      const mark = failures.length > 0 ? 'FAIL' : 'ok  ';
      const end = outside === '' ? '' : `, not claimed: ${outside}`;
      console.log(`${mark} ${name}: ${passed} passed, ${failures.length} failed${end}`);
      for (const failure of failures.slice(0, shown)) console.log(`       ${failure}`);
      if (failures.length > shown) console.log(`       and ${failures.length - shown} more`);
    }
    const { passed, failed, notClaimed } = this.totals;
    console.log(`${this.judge}: ${passed} passed, ${failed} failed, ${notClaimed} not claimed`);
  }
}
