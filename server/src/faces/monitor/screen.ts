import { Box, Text, render, useApp, useInput, useWindowSize, type Key } from "ink";
import { createElement as h, useCallback, useEffect, useReducer, useRef, type ReactElement } from "react";
import { ImiError } from "../../../../protocol/errors.ts";
import { wantsColour } from "../cli/colour.ts";
import { progressLine } from "../cli/progress.ts";
import type { Workspace } from "../../workspace.ts";
import { raiseWhatEnded } from "./ending.ts";
import { Feed } from "./feed.ts";
import { followFolder } from "./ground.ts";
import { firstUi, pressed, type Press, type Ui, type Wish } from "./keys.ts";
import { layoutLoaded } from "./layout.ts";
import type { Line, Tone } from "./lines.ts";
import type { MonitorOptions } from "./monitor.ts";
import { coloured, uncoloured } from "./paint.ts";
import { restoringOnCrash, stopHere } from "./terminal.ts";
import { frameOf } from "./view.ts";
import { followWatcher } from "./who-watches.ts";
import { closeSoon, openWatching } from "./workspace.ts";

/** The screen of `imi monitor`; resolves when it was left and the terminal is as it was. */
export const showScreen = async (options: MonitorOptions): Promise<void> => {
  const { colour, env, signal } = options;
  const session = new Session(options);
  // Before anything is drawn: what keeps the repository from being opened is told as any command tells it.
  const progress = progressLine(process.stderr, env);
  const patience = setTimeout(() => progress.show("Opening the repository …", null), patienceMs);
  try {
    await session.open();
  } finally {
    clearTimeout(patience);
    progress.clear();
  }
  await layoutLoaded();
  const looks = colour === "auto" && wantsColour(true, env) ? coloured : uncoloured;
  const ink = render(h(Screen, { session, looks }), {
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
    interactive: true,
    patchConsole: false,
    maxFps: 30,
  });
  const leave = (): void => ink.unmount();
  const forget = restoringOnCrash(leave);
  for (const each of [signal, session.lost]) each.addEventListener("abort", leave, { once: true });
  // The terminal was closed.
  for (const stream of [process.stdin, process.stdout]) stream.on("error", leave);
  if (signal.aborted || session.lost.aborted) leave();
  try {
    await ink.waitUntilExit();
  } finally {
    forget();
    signal.removeEventListener("abort", leave);
    await session.close();
  }
  raiseWhatEnded(options, session, null);
};

/** What takes longer is said to be on its way: very many worktrees are met for the first time. */
const patienceMs = 700;

/** A feed and the workspace it reads: both end while the program is suspended, so that another process may watch. */
class Session {
  readonly #options: MonitorOptions;
  readonly #listeners = new Set<() => void>();
  readonly #lost = new AbortController();
  #opened = new AbortController();
  #workspace: Workspace | null = null;
  #feed: Feed;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#feed = this.#newFeed();
  }

  get feed(): Feed {
    return this.#feed;
  }

  /** As the workspace's own, whichever is open. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Returns a function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async open(): Promise<void> {
    const feed = this.#feed;
    const workspace = await openWatching(this.#options, (message) => feed.warn(message));
    this.#workspace = workspace;
    const opened = new AbortController();
    this.#opened = opened;
    const { lost } = workspace;
    lost.addEventListener("abort", () => this.#lost.abort(lost.reason), { once: true, signal: opened.signal });
    try {
      const repository = await feed.start(workspace);
      followWatcher(workspace, repository.id, (watcher) => feed.set({ watcher }));
      void followFolder(repository, opened.signal, (now, words) => {
        feed.problem("repository", now === "gone" ? words : null);
        if (now === "back") void feed.refresh();
      });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#opened.abort();
    this.#feed.stop();
    const workspace = this.#workspace;
    this.#workspace = null;
    if (workspace !== null) await closeSoon(workspace);
  }

  /** After it was closed: what was shown stays until it is read again. */
  async reopen(): Promise<void> {
    const before = this.#feed.board;
    this.#feed = this.#newFeed();
    this.#feed.set({ ...before, happenings: [], problems: new Map() });
    try {
      await this.open();
    } catch (error) {
      this.#feed.problem("open", ImiError.from(error).message);
    }
  }

  #newFeed(): Feed {
    return new Feed({
      repository: this.#options.repository,
      changed: () => {
        for (const listener of this.#listeners) listener();
      },
    });
  }
}

interface ScreenProps {
  readonly session: Session;
  readonly looks: typeof coloured;
}

const Screen = ({ session, looks }: ScreenProps): ReactElement => {
  const { exit, suspendTerminal } = useApp();
  const size = useWindowSize();
  const [, again] = useReducer((count: number) => count + 1, 0);
  // Not React's state: several keys may arrive before it draws, each of which goes on from where the last one led.
  const ui = useRef<Ui>(firstUi);
  useEffect(() => session.onChange(again), [session]);

  const { feed } = session;
  const frame = frameOf(feed.board, ui.current, feed.asked, size, Date.now());
  const { steadyMs } = frame;
  useEffect(() => {
    if (steadyMs === null) return undefined;
    const timer = setTimeout(again, steadyMs);
    return () => clearTimeout(timer);
  });

  const suspending = useRef(false);
  const suspend = useCallback(async () => {
    // Windows has no such thing.
    if (suspending.current || process.platform === "win32") return;
    suspending.current = true;
    try {
      await suspendTerminal(async () => {
        await session.close();
        stopHere();
        await session.reopen();
      });
    } finally {
      suspending.current = false;
    }
    again();
  }, [session, suspendTerminal]);

  useEffect(() => {
    // Asked for from outside, as by `kill -TSTP`.
    const asked = (): void => void suspend();
    process.on("SIGTSTP", asked);
    return () => void process.off("SIGTSTP", asked);
  }, [suspend]);

  const grant = (wish: Wish): void => {
    switch (wish.kind) {
      case "leave":
        exit();
        break;
      case "interrupt":
        // As in every other command: exit code 130.
        process.kill(process.pid, "SIGINT");
        break;
      case "suspend":
        void suspend();
        break;
      case "refresh":
        void session.feed.refresh();
        break;
      case "redraw":
        void suspendTerminal(() => Promise.resolve());
        break;
      case "conflicts":
        void session.feed.compare();
        break;
      case "details":
        void session.feed.look(wish.id);
        break;
    }
  };

  useInput((input, key) => {
    for (const press of pressesOf(input, key)) {
      const { place } = frameOf(session.feed.board, ui.current, session.feed.asked, size, Date.now());
      const next = pressed(ui.current, press, place);
      ui.current = next.ui;
      if (next.wish !== null) grant(next.wish);
    }
    again();
  });

  return h(
    Box,
    { flexDirection: "column", width: size.columns, height: size.rows },
    ...frame.lines.map((line, index) => h(Row, { key: index, line, looks })),
  );
};

/** Exactly one row, whatever the terminal makes of its characters. */
const Row = ({ line, looks }: { readonly line: Line; readonly looks: Readonly<Record<Tone, object>> }): ReactElement =>
  h(
    Box,
    { height: 1, overflow: "hidden" },
    h(
      Text,
      { wrap: "truncate-end" },
      line.length === 0 ? " " : line.map(({ text, tone }, index) => h(Text, { key: index, ...looks[tone] }, text)),
    ),
  );

/** What was typed fast, or pasted, comes in one piece. */
const pressesOf = (input: string, key: Key): Press[] => {
  const press = pressOf(input, key);
  if (press === null) return [];
  return press.key === "text" ? [...press.text].map((text) => among[text] ?? { key: "text", text }) : [press];
};

/** Keys that Ink does not find among others. */
const among: Readonly<Record<string, Press>> = {
  ...{ "\r": { key: "enter" }, "\n": { key: "enter" }, "\t": { key: "tab" }, "\u001b": { key: "escape" } },
  ...{ "\u007f": { key: "backspace" }, "\b": { key: "backspace" } },
  ...{ "\u0003": { key: "interrupt" }, "\u001a": { key: "suspend" }, "\u000c": { key: "redraw" } },
};

const pressOf = (input: string, key: Key): Press | null => {
  if (key.ctrl) {
    const named = { c: "interrupt", z: "suspend", l: "redraw" } as const;
    return Object.hasOwn(named, input) ? { key: named[input as keyof typeof named] } : null;
  }
  if (key.upArrow) return { key: "up" };
  if (key.downArrow) return { key: "down" };
  if (key.pageUp) return { key: "page-up" };
  if (key.pageDown) return { key: "page-down" };
  if (key.home) return { key: "home" };
  if (key.end) return { key: "end" };
  if (key.return) return { key: "enter" };
  if (key.escape) return { key: "escape" };
  if (key.tab) return { key: key.shift ? "back-tab" : "tab" };
  if (key.backspace || key.delete) return { key: "backspace" };
  return input === "" || key.meta ? null : { key: "text", text: input };
};
