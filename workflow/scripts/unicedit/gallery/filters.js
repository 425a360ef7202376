"use strict";
// Which rows are shown, and in which order.

const CHOICES = [
  { name: "task", label: "Task", of: (row) => row.task },
  { name: "subtask", label: "Sub-task", of: (row) => row.subtask, group: (row) => row.task },
  { name: "editor", label: "Editor", of: (row) => row.editor },
  { name: "verdict", label: "Verdict", of: (row) => (row.is_changed === undefined ? "none" : row.is_changed ? "valid" : "invalid"),
    say: { valid: "a valid edit", invalid: "no valid edit", none: "no verdict" } },
  { name: "status", label: "Status", of: (row) => row.status, say: STATUS },
  { name: "kind", label: "Failure kind", of: (row) => row.kind },
  { name: "stage", label: "Ended at", of: (row) => row.stage },
];

const SCORES = {
  verifier_score: "verifier's score",
  quality: "technical quality",
  aesthetic: "aesthetics",
  unsafe: "unsafe",
  sharpness: "sharpness",
  contrast: "contrast",
  clipping: "clipping",
};

const filters = (() => {
  const form = document.getElementById("filters");
  const names = [...CHOICES.map((choice) => choice.name), "score", "min", "max", "sort"];
  const controls = {};
  let counted = 0;
  const counts = CHOICES.map(() => new Map()); // of each choice: value -> {n, group}
  const scored = new Set();
  let wanted = {}; // what a permalink asks for, which may name values of rows that are yet to come
  let changed = () => {};

  function labelled(name, label, control) {
    const whole = element("label", "", label);
    control.name = name;
    whole.append(control);
    controls[name] = control;
    return whole;
  }

  function option(value, text) {
    const made = element("option", "", text);
    made.value = value;
    return made;
  }

  function number(label) {
    const made = element("input");
    made.type = "number";
    made.step = "any";
    made.placeholder = label;
    return made;
  }

  function build() {
    for (const choice of CHOICES) form.append(labelled(choice.name, choice.label, element("select")));
    form.append(labelled("score", "Score", element("select")));
    const range = element("div", "range");
    range.append(labelled("min", "From", number("any")), labelled("max", "To", number("any")));
    form.append(range, labelled("sort", "Order", element("select")));
    const clear = element("button", "", "Clear all");
    clear.type = "button";
    clear.id = "clear";
    clear.addEventListener("click", () => { set({}); changed(); });
    form.append(clear);
    form.addEventListener("input", () => { wanted = read(); changed(); });
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  function count() {
    for (; counted < unicedit.rows.length; counted++) {
      const row = unicedit.rows[counted];
      CHOICES.forEach((choice, at) => {
        const value = choice.of(row);
        if (!value) return;
        const there = counts[at].get(value) ?? { n: 0, group: choice.group?.(row) };
        there.n++;
        counts[at].set(value, there);
      });
      for (const name of Object.keys(SCORES)) if (row[name] !== undefined) scored.add(name);
    }
  }

  function fill(select, options) {
    select.replaceChildren(option("", "any"), ...options);
    select.value = wanted[select.name] ?? "";
    if (select.selectedIndex < 0) select.value = "";
  }

  /** Offer what the rows that are here have. */
  function refresh() {
    count();
    CHOICES.forEach((choice, at) => {
      const values = [...counts[at].keys()].sort();
      const shown = (value) => option(value, `${choice.say?.[value] ?? words(value)} (${counts[at].get(value).n.toLocaleString("en")})`);
      if (!choice.group) return fill(controls[choice.name], values.map(shown));
      const groups = new Map();
      for (const value of values) {
        const group = counts[at].get(value).group ?? "";
        if (!groups.has(group)) {
          const made = element("optgroup");
          made.label = group;
          groups.set(group, made);
        }
        groups.get(group).append(shown(value));
      }
      fill(controls[choice.name], [...groups.keys()].sort().map((group) => groups.get(group)));
    });
    const known = Object.keys(SCORES).filter((name) => scored.has(name));
    fill(controls.score, known.map((name) => option(name, SCORES[name])));
    fill(controls.sort, known.flatMap((name) => [
      option(`${name}+`, `${SCORES[name]}, lowest first`), option(`${name}-`, `${SCORES[name]}, highest first`),
    ]));
    controls.sort.options[0].textContent = "as in the tables";
  }

  function read() {
    return Object.fromEntries(names.map((name) => [name, controls[name].value]).filter(([, value]) => value !== ""));
  }

  function set(values) {
    wanted = Object.fromEntries(names.filter((name) => values[name]).map((name) => [name, values[name]]));
    for (const name of names) controls[name].value = wanted[name] ?? "";
  }

  /** The rows that fit, in order. `query`: words that must all be in a row's texts. */
  function matching(query) {
    const asked = CHOICES.filter((choice) => wanted[choice.name]);
    const sought = query.toLowerCase().split(/\s+/).filter(Boolean);
    const { score } = wanted;
    const low = wanted.min === undefined ? -Infinity : Number(wanted.min);
    const high = wanted.max === undefined ? Infinity : Number(wanted.max);
    const found = unicedit.rows.filter((row) =>
      asked.every((choice) => choice.of(row) === wanted[choice.name])
      && (!score || (row[score] !== undefined && row[score] >= low && row[score] <= high))
      && sought.every((word) => row.text.includes(word)));
    if (wanted.sort) {
      const by = wanted.sort.slice(0, -1);
      const sign = wanted.sort.endsWith("-") ? -1 : 1;
      // rows without the score come last, either way
      found.sort((a, b) => (a[by] === undefined) - (b[by] === undefined) || sign * (a[by] - b[by]) || a.place - b.place);
    }
    return found;
  }

  build();
  return {
    refresh,
    matching,
    set,
    get values() { return wanted; },
    listen(listener) { changed = listener; },
  };
})();
