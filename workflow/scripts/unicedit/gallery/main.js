"use strict";
// What the parts do together: the address, the keyboard, and who hears of what.

(() => {
  const KEYS = {
    "↓ or j, ↑ or k": "next, previous row",
    "← →": "move the slider",
    "s": "slider",
    "b": "before and after, side by side",
    "d": "difference",
    "/": "search",
    "f": "filters",
    "Esc": "leave a field, or go back to the list",
    "?": "this help",
  };
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const help = document.getElementById("help");
  const button = document.getElementById("filters-button");
  const wide = matchMedia("(min-width: 60rem)");
  let row = null; // the one that is shown
  let sought = ""; // the row that the address asks for, which may be yet to come
  let pending = 0;

  function address() {
    const values = { ...(row && opened() ? { row: row.id } : {}), ...(search.value.trim() ? { q: search.value.trim() } : {}), ...filters.values };
    return `#${new URLSearchParams(values)}`;
  }

  /** Whether a row was opened by someone, and not merely because there is room for it. */
  function opened() {
    return document.body.classList.contains("opened");
  }

  function keep(push = false) {
    const now = address();
    if (now === (location.hash || "#")) return;
    if (push) history.pushState(null, "", now);
    else history.replaceState(null, "", now);
  }

  function say() {
    const all = unicedit.rows.length.toLocaleString("en");
    const found = list.rows.length.toLocaleString("en");
    const rows = found === all ? `${all} rows` : `${found} of ${all} rows`;
    count.textContent = unicedit.fault || (unicedit.complete ? rows : `${rows}, loading`);
    count.classList.toggle("fault", Boolean(unicedit.fault));
    const used = Object.keys(filters.values).length;
    button.textContent = used ? `Filters (${used})` : "Filters";
  }

  function show(to) {
    row = to;
    list.mark(row);
    if (row) details.show(row, step, close);
    else details.clear(sought ? "This row is not here." : "No row is chosen.");
  }

  function open(to) {
    const first = !opened();
    sought = "";
    document.body.classList.add("opened");
    show(to);
    keep(first);
  }

  function close() {
    document.body.classList.remove("opened");
    sought = "";
    keep();
    document.getElementById("list").focus({ preventScroll: true });
  }

  function step(by) {
    const { rows } = list;
    if (!rows.length) return;
    const at = rows.indexOf(row);
    const to = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
    open(to);
    list.reveal(to);
  }

  /** Filter again, and show a row where there is room for one. */
  function refresh() {
    pending = 0;
    list.show(filters.matching(search.value));
    if (sought) {
      const found = unicedit.find(sought);
      if (found && found !== row) {
        show(found);
        list.reveal(found);
      } else if (!found && unicedit.complete) {
        show(null);
      }
    } else if (!opened()) {
      if (!wide.matches) show(null);
      else if (!list.rows.includes(row)) show(list.rows[0] ?? null);
    }
    list.mark(row);
    say();
  }

  function soon() {
    if (!pending) pending = requestAnimationFrame(refresh);
  }

  /** Take filters and row from the address. */
  function follow() {
    const asked = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    search.value = asked.q ?? "";
    filters.set(asked);
    sought = asked.row ?? "";
    document.body.classList.toggle("opened", Boolean(sought));
    refresh();
  }

  function toggleFilters(to = !document.body.classList.contains("filtering")) {
    document.body.classList.toggle("filtering", to);
    button.setAttribute("aria-expanded", String(to));
  }

  function escape(event) {
    if (help.open) return; // the dialog closes itself
    if (event.target.matches("input, select")) event.target.blur();
    else if (document.body.classList.contains("filtering")) toggleFilters(false);
    else if (opened()) close();
  }

  const ACTIONS = {
    ArrowDown: () => step(1), j: () => step(1), ArrowUp: () => step(-1), k: () => step(-1),
    ArrowLeft: () => viewer.move(-5), ArrowRight: () => viewer.move(5),
    s: () => viewer.turn("slider"), b: () => viewer.turn("sides"), d: () => viewer.turn("difference"),
    "/": () => search.focus(),
    f: () => {
      toggleFilters(true);
      document.querySelector("#filters select").focus();
    },
    "?": () => help.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.key === "Escape") return escape(event);
    if (event.target.matches("input, select, textarea")) return;
    const action = ACTIONS[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  for (const [key, does] of Object.entries(KEYS)) {
    const keys = document.getElementById("keys");
    keys.append(element("dt", "", key), element("dd", "", does));
  }
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
  button.addEventListener("click", () => toggleFilters());
  search.addEventListener("input", () => { keep(); soon(); });
  filters.listen(() => { keep(); soon(); });
  list.listen(open);
  unicedit.listen(() => { filters.refresh(); soon(); });
  addEventListener("popstate", follow);
  wide.addEventListener("change", soon);
  follow();
})();
