import type { Here, Store, Wish, WorktreeRow } from "../../server/src/store/index.ts";

/** A machine of the test's own: its clocks go when they are told to, and its processes live until they are said to be dead. */
export class Machine implements Here {
  bootId = "boot-1";
  host: string;
  id: string;
  bootMs = 1_000_000;
  wallMs = Date.parse("2026-03-01T12:00:00.000Z");
  readonly dead = new Set<number>();

  constructor(name = "here") {
    this.host = name;
    this.id = `machine of ${name}`;
  }

  readonly life = () => this.lifeOf(100);
  readonly machine = () => this.id;
  readonly boot = () => this.bootMs;
  readonly wall = () => this.wallMs;
  readonly lifeOf = (pid: number) =>
    Promise.resolve({ pid, processStart: `start of ${pid}`, pidNamespace: null, bootId: this.bootId, host: this.host });
  readonly isDead = ({ pid }: { readonly pid: number }) => Promise.resolve(this.dead.has(pid));

  /** Time passes, on both clocks. */
  pass(ms: number): void {
    this.bootMs += ms;
    this.wallMs += ms;
  }

  reboot(): void {
    this.bootId = `${this.bootId}'`;
    this.bootMs = 20_000;
    this.dead.clear();
  }
}

export const wish = (agent: string, more: Partial<Wish> = {}): Wish => ({
  ...{ agent, ttlMs: 30_000, task: null, process: null, sign: null, kind: null, provider: null },
  ...more,
});

/** As whoever wants a worktree does it: what is over is ended, then it is taken, or not. */
export const tryTake = async ({ claims }: Store, { id }: WorktreeRow, wanted: Wish): Promise<number | null> => {
  const standing = await claims.of(id);
  const reason = standing === null ? null : await claims.endOf(standing);
  if (standing !== null && reason === null) return null;
  const over = standing === null || reason === null ? null : { claim: standing, reason };
  return (await claims.take(id, wanted, { over, place: null })).taken?.token ?? null;
};
