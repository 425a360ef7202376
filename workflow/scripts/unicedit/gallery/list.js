"use strict";
// The list: only rows in view are in the document, so that ten thousand scroll as ten do.

const list = (() => {
  const ROW = 92; // pixels, as gallery.css has it
  const AROUND = 6; // rows kept beyond the view, so that thumbnails are there when they come in
  const view = document.getElementById("list");
  const spacer = document.getElementById("spacer");
  const empty = document.getElementById("empty");
  const drawn = new Map(); // place in the list -> element
  let rows = [];
  let chosen = null;
  let asked = false;
  let choose = () => {};

  function card(row, at) {
    const made = element("div", "row");
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", String(row === chosen));
    made.id = `row-${at}`;
    made.style.transform = `translateY(${at * ROW}px)`;
    for (const [path, alt] of [[row.before, "before"], [row.after, "after"]]) {
      made.append(path ? thumbnail(path, alt) : element("span", "none", alt === "before" ? "no picture" : "no edit"));
    }
    const text = element("div", "text");
    const about = [row.subtask, row.editor].filter(Boolean).join(" · ");
    text.append(element("p", "headline", headline(row)), element("p", "about", about || `ended at ${row.stage}`), badge(row));
    made.append(text);
    made.addEventListener("click", () => choose(row));
    return made;
  }

  function draw() {
    asked = false;
    const first = Math.max(0, Math.floor(view.scrollTop / ROW) - AROUND);
    const last = Math.min(rows.length, Math.ceil((view.scrollTop + view.clientHeight) / ROW) + AROUND);
    for (const [at, made] of drawn) {
      if (at < first || at >= last) {
        made.remove();
        drawn.delete(at);
      }
    }
    for (let at = first; at < last; at++) {
      if (!drawn.has(at)) {
        const made = card(rows[at], at);
        drawn.set(at, made);
        spacer.append(made);
      }
    }
  }

  function ask() {
    if (!asked) {
      asked = true;
      requestAnimationFrame(draw);
    }
  }

  /** Show `more`; what stays in its place is not drawn again. */
  function show(more) {
    for (const [at, made] of drawn) {
      if (rows[at] !== more[at]) {
        made.remove();
        drawn.delete(at);
      }
    }
    rows = more;
    spacer.style.height = `${rows.length * ROW}px`;
    empty.hidden = rows.length > 0 || !unicedit.complete;
    ask();
  }

  /** Mark a row as the chosen one. */
  function mark(row) {
    chosen = row;
    view.removeAttribute("aria-activedescendant");
    for (const [at, made] of drawn) {
      const is = rows[at] === row;
      made.setAttribute("aria-selected", String(is));
      if (is) view.setAttribute("aria-activedescendant", made.id);
    }
  }

  /** Scroll so far that a row can be seen. */
  function reveal(row) {
    const at = rows.indexOf(row);
    if (at < 0) return;
    const top = at * ROW;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + ROW > view.scrollTop + view.clientHeight) view.scrollTop = top + ROW - view.clientHeight;
    ask();
  }

  view.addEventListener("scroll", ask, { passive: true });
  new ResizeObserver(ask).observe(view);
  return {
    show,
    mark,
    reveal,
    get rows() { return rows; },
    listen(listener) { choose = listener; },
  };
})();
