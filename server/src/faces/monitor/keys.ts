/** A key, told from the terminal's ways of sending it. */
export type Press = KeyOfMode | { readonly key: Motion } | { readonly key: "interrupt" | "suspend" | "redraw" };

type Motion = "up" | "down" | "page-up" | "page-down" | "home" | "end";

/** What means one thing while moving about, and another while typing. */
type KeyOfMode =
  | { readonly key: "text"; readonly text: string }
  | { readonly key: "enter" | "escape" | "tab" | "back-tab" | "backspace" };

export const panes = ["worktrees", "recent", "agents"] as const;
export type Pane = (typeof panes)[number];

export type Overlay =
  | { readonly kind: "help" }
  | { readonly kind: "conflicts" }
  /** The worktree's id. */
  | { readonly kind: "details"; readonly id: string };

/** Where the user is; nothing of what is shown. */
export interface Ui {
  readonly pane: Pane;
  /** Id of the worktree the marker is on; null: the first. */
  readonly selected: string | null;
  /** First line shown of the panes without a marker, and of what lies over them. */
  readonly scroll: Readonly<Record<"recent" | "agents" | "overlay", number>>;
  readonly filter: string;
  /** `typing`: keys go into the filter. */
  readonly mode: "moving" | "typing";
  readonly overlay: Overlay | null;
}

export const firstUi: Ui = {
  pane: "worktrees",
  selected: null,
  scroll: { recent: 0, agents: 0, overlay: 0 },
  filter: "",
  mode: "moving",
  overlay: null,
};

/** What a key asks for beside another place to be. */
export type Wish =
  | { readonly kind: "leave" | "interrupt" | "suspend" | "refresh" | "redraw" | "conflicts" }
  | { readonly kind: "details"; readonly id: string };

/** What is on the screen, as far as moving about depends on it. */
export interface Place {
  /** Ids of the worktrees that are listed, in their order. */
  readonly ids: readonly string[];
  /** Lines there are of each. */
  readonly lengths: Readonly<Record<"recent" | "agents" | "overlay", number>>;
  /** Lines of a page. */
  readonly page: number;
}

export interface Pressed {
  readonly ui: Ui;
  readonly wish: Wish | null;
}

/** Where a key leads, and what it asks for. */
export const pressed = (ui: Ui, press: Press, place: Place): Pressed => {
  switch (press.key) {
    case "interrupt":
    case "suspend":
    case "redraw":
      return { ui, wish: { kind: press.key } };
    case "up":
    case "down":
    case "page-up":
    case "page-down":
    case "home":
    case "end":
      return stay(moved(ui, press.key, place));
    case "text":
    case "enter":
    case "escape":
    case "tab":
    case "back-tab":
    case "backspace":
      return ui.mode === "typing" ? typing(ui, press) : moving(ui, press, place);
  }
};

const moving = (ui: Ui, press: KeyOfMode, place: Place): Pressed => {
  switch (press.key) {
    case "text":
      return letter(ui, press.text, place);
    case "enter":
      return ui.overlay === null && ui.pane === "worktrees" ? openDetails(ui, place) : stay(ui);
    case "escape":
      if (ui.overlay !== null) return stay(closed(ui));
      return stay({ ...ui, filter: "" });
    case "tab":
    case "back-tab":
      return stay(ui.overlay === null ? { ...ui, pane: nextPane(ui.pane, press.key === "tab" ? 1 : -1) } : ui);
    case "backspace":
      return stay(ui.overlay === null ? ui : closed(ui));
  }
};

const stay = (ui: Ui): Pressed => ({ ui, wish: null });

const closed = (ui: Ui): Ui => ({ ...ui, overlay: null, scroll: { ...ui.scroll, overlay: 0 } });

const over = (ui: Ui, overlay: Overlay): Ui => ({ ...ui, overlay, scroll: { ...ui.scroll, overlay: 0 } });

const openDetails = (ui: Ui, { ids }: Place): Pressed => {
  const id = selectedIn(ui, ids);
  return id === null
    ? stay(ui)
    : { ui: over({ ...ui, selected: id }, { kind: "details", id }), wish: { kind: "details", id } };
};

const letter = (ui: Ui, text: string, place: Place): Pressed => {
  switch (text) {
    case "q":
      return ui.overlay === null ? { ui, wish: { kind: "leave" } } : stay(closed(ui));
    case "j":
      return stay(moved(ui, "down", place));
    case "k":
      return stay(moved(ui, "up", place));
    case "g":
      return stay(moved(ui, "home", place));
    case "G":
      return stay(moved(ui, "end", place));
    case " ":
      return stay(moved(ui, "page-down", place));
    case "/":
      return stay({ ...closed(ui), mode: "typing" });
    case "?":
      return stay(ui.overlay?.kind === "help" ? closed(ui) : over(ui, { kind: "help" }));
    case "c":
      if (ui.overlay?.kind === "conflicts") return stay(closed(ui));
      return { ui: over(ui, { kind: "conflicts" }), wish: { kind: "conflicts" } };
    case "r":
      return { ui, wish: { kind: "refresh" } };
    default:
      return stay(ui);
  }
};

const typing = (ui: Ui, press: KeyOfMode): Pressed => {
  switch (press.key) {
    case "text":
      // What is pasted may hold anything.
      return stay({ ...ui, filter: `${ui.filter}${press.text.replace(/\p{Cc}/gu, "")}`.slice(0, longestFilter) });
    case "backspace":
      return stay(
        ui.filter === "" ? { ...ui, mode: "moving" } : { ...ui, filter: [...ui.filter].slice(0, -1).join("") },
      );
    case "enter":
      return stay({ ...ui, mode: "moving" });
    case "escape":
      return stay({ ...ui, mode: "moving", filter: "" });
    case "tab":
    case "back-tab":
      return stay(ui);
  }
};

const longestFilter = 200;

const moved = (ui: Ui, motion: Motion, place: Place): Ui => {
  if (ui.overlay === null && ui.pane === "worktrees") {
    const { ids } = place;
    const at = ids.indexOf(selectedIn(ui, ids) ?? "");
    return { ...ui, selected: ids[bounded(target(at, motion, place.page, ids.length), ids.length)] ?? null };
  }
  const which = ui.overlay === null && ui.pane !== "worktrees" ? ui.pane : "overlay";
  const last = Math.max(1, place.lengths[which] - place.page + 1);
  return {
    ...ui,
    scroll: { ...ui.scroll, [which]: bounded(target(ui.scroll[which], motion, place.page, last), last) },
  };
};

const target = (at: number, motion: Motion, page: number, count: number): number => {
  switch (motion) {
    case "up":
      return at - 1;
    case "down":
      return at + 1;
    case "page-up":
      return at - page;
    case "page-down":
      return at + page;
    case "home":
      return 0;
    case "end":
      return count - 1;
  }
};

const bounded = (index: number, count: number): number => Math.max(0, Math.min(index, count - 1));

const nextPane = (pane: Pane, by: number): Pane =>
  panes[(panes.indexOf(pane) + by + panes.length) % panes.length] ?? "worktrees";

/** The worktree the marker is on: that which was chosen, else, where it is gone or filtered out, the first. */
export const selectedIn = ({ selected }: Pick<Ui, "selected">, ids: readonly string[]): string | null =>
  selected !== null && ids.includes(selected) ? selected : (ids[0] ?? null);
